/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sendmail/identity.h"
#include "sendmail/phrase.h"

/* Bytes of the name in one encoded word, so that it stays below 76. */
enum { ENCODED_WORD_BYTES = 39 };

static bool
is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 character at s; 0 if it is none (RFC 3629). */
static size_t
utf8_len(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];
	uint32_t code;
	size_t n = c < 0x80   ? 1
		   : c < 0xc2 ? 0
		   : c < 0xe0 ? 2
		   : c < 0xf0 ? 3
			      : 4;

	if (n < 2 || n > len || c > 0xf4)
		return n == 1 ? 1 : 0;
	code = c & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (!is_tail(s[i]))
			return 0;
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if ((n == 3 && code < 0x800) || (n == 4 && code < 0x10000) ||
	    code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return n;
}

static bool
is_utf8(const char *s, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static void
add_base64(struct buf *b, const char *s, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 |
			    (i + k < len ? (unsigned char)s[i + k] : 0U);
		buf_add_char(b, digits[v >> 18]);
		buf_add_char(b, digits[v >> 12 & 63]);
		buf_add_char(b, i + 1 < len ? digits[v >> 6 & 63] : '=');
		buf_add_char(b, i + 2 < len ? digits[v & 63] : '=');
	}
}

static void
add_encoded(struct buf *b, const char *s, size_t len)
{
	bool is_known = is_utf8(s, len);

	while (len > 0) {
		size_t n = len < ENCODED_WORD_BYTES ? len : ENCODED_WORD_BYTES;

		/* A character must not be split between two words. */
		while (is_known && n < len && is_tail(s[n]))
			n--;
		buf_add_str(b, is_known ? "=?UTF-8?B?" : "=?unknown-8bit?B?");
		add_base64(b, s, n);
		buf_add_str(b, n < len ? "?=\n " : "?=");
		s += n;
		len -= n;
	}
}

static void
add_quoted(struct buf *b, const char *s, size_t len)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, s[i]);
	}
	buf_add_char(b, '"');
}

/* Copy name without control characters, and without blanks around it. */
static void
clean(struct buf *b, const char *name)
{
	size_t len = strlen(name);

	if (len > IDENTITY_NAME_MAX) {
		len = IDENTITY_NAME_MAX;
		while (len > 0 && is_tail(name[len]))
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		bool is_control = (unsigned char)name[i] < 32 || name[i] == 127;
		char c = is_control ? ' ' : name[i];

		if (c != ' ' || b->len > 0)
			buf_add_char(b, c);
	}
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->len--;
	b->data[b->len] = '\0';
}

void
phrase_add(struct buf *b, const char *name)
{
	bool is_ascii = true, is_plain = true;
	struct buf s = BUF_INIT;

	clean(&s, name);
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.data[i] >= 128)
			is_ascii = false;
		if (strchr("()<>[]:;@\\,.\"", s.data[i]))
			is_plain = false;
	}
	/* "=?" is no encoded word yet, but must not be read as one. */
	if (!is_ascii || strstr(s.data, "=?"))
		add_encoded(b, s.data, s.len);
	else if (!is_plain)
		add_quoted(b, s.data, s.len);
	else
		buf_add(b, s.data, s.len);
	buf_release(&s);
}
