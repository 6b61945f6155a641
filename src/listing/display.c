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

void
display_add_sender(struct buf *b, const char *sender)
{
	display_add(b, *sender ? sender : DISPLAY_NULL_SENDER);
}
