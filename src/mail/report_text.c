/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/report_text.h"

enum {
	LINE_WIDTH = 76,
	WORD_MAX = 900, /* RFC 5322 section 2.1.1: 998 with what is before it */
};

/* UTF-8 has control characters beyond ASCII: U+0080 to U+009F. */
static bool
is_printable_utf8(const char *p, size_t len)
{
	return len > 1 && !(len == 2 && (unsigned char)p[0] == 0xc2 &&
			      (unsigned char)p[1] < 0xa0);
}

void
report_add_safe(struct buf *b, const char *text, size_t max, bool is_utf8)
{
	const size_t all = strlen(text);
	const size_t len = all < max ? all : max;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(text + i, len - i);

		if (n == 1 && text[i] >= 32 && text[i] < 127) {
			buf_add_char(b, text[i]);
		} else if (is_utf8 && is_printable_utf8(text + i, n)) {
			buf_add(b, text + i, n);
		} else {
			n = 1;
			buf_add_format(b, "\\x%02x", (unsigned char)text[i]);
		}
		i += n;
	}
	if (len < all)
		buf_add_str(b, "...");
}

/* As much of a word as a line may hold, not half of a character. */
static size_t
cut_word(const char *word, size_t len)
{
	if (len <= WORD_MAX)
		return len;
	len = WORD_MAX;
	while (((unsigned char)word[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
report_add_wrapped(
    struct buf *b, const char *first, const char *next, const char *text)
{
	size_t column = strlen(first);
	bool is_line_begun = false;

	buf_add_str(b, first);
	while (*(text += strspn(text, " ")) != '\0') {
		size_t len = cut_word(text, strcspn(text, " "));

		if (is_line_begun && column + 1 + len > LINE_WIDTH) {
			buf_add_char(b, '\n');
			buf_add_str(b, next);
			column = strlen(next);
		} else if (is_line_begun) {
			buf_add_char(b, ' ');
			column++;
		}
		buf_add(b, text, len);
		column += len;
		text += len;
		is_line_begun = true;
	}
	buf_add_char(b, '\n');
}

void
report_add_lines(struct buf *b, const char *text, size_t len)
{
	size_t pending = 0; /* CRs that may belong to the end of a line */

	buf_reserve(b, len);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r') {
			pending++;
			continue;
		}
		for (; pending > 0 && text[i] != '\n'; pending--)
			buf_add_char(b, ' ');
		pending = 0;
		buf_add_char(b, text[i] == '\0' ? '?' : text[i]);
	}
}

bool
report_is_8bit(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] >= 0x80)
			return true;
	return false;
}
