/* SPDX-License-Identifier: ISC */
#include "listing/display.h"

void
display_add(struct buf *b, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 32 || *p > 126 || *p == '\\')
			buf_add_format(b, "\\x%02x", *p);
		else
			buf_add_char(b, (char)*p);
	}
}

/* How much of it goes into a line: words, or what fits. */
static size_t
line_len(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	for (size_t n = max; n > 0; n--)
		if (text[n] == ' ')
			return n;
	return max;
}

void
display_add_broken(
    struct buf *b, const char *text, size_t len, size_t max, size_t indent)
{
	size_t n = line_len(text, len, max);

	buf_add(b, text, n);
	while (n < len) {
		/* Of the blanks at which it is broken none is left. */
		while (n < len && text[n] == ' ')
			n++;
		if (n == len)
			break;
		text += n;
		len -= n;
		n = line_len(text, len, max);
		buf_add_format(b, "\n%*s", (int)indent, "");
		buf_add(b, text, n);
	}
}

void
display_add_sender(struct buf *b, const char *sender)
{
	display_add(b, *sender ? sender : DISPLAY_NULL_SENDER);
}
