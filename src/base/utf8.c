/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"

size_t
utf8_len(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t want;

	if (len == 0)
		return 0;
	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	want = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (want > len)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return want;
}
