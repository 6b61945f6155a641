/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

void
fuzz_fail(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
	abort();
}

/* ---- bytes ------------------------------------------------------------ */

struct fuzz_input
fuzz_input(const uint8_t *data, size_t size)
{
	/* libFuzzer gives NULL for no bytes, which memcpy() and memchr() must
	 * not be given. */
	return (struct fuzz_input){size ? (const char *)data : "", size};
}

unsigned char
fuzz_byte(struct fuzz_input *in)
{
	unsigned char byte = 0;

	if (in->len > 0) {
		byte = (unsigned char)*in->at++;
		in->len--;
	}
	return byte;
}

struct fuzz_input
fuzz_until(struct fuzz_input *in, char c)
{
	const char *end = memchr(in->at, c, in->len);
	size_t len = end ? (size_t)(end - in->at) : in->len;
	struct fuzz_input taken = {in->at, len};
	size_t used = end ? len + 1 : len;

	in->at += used;
	in->len -= used;
	return taken;
}

char *
fuzz_copy(const char *data, size_t len)
{
	return fuzz_copy_with_room(data, len, 0);
}

char *
fuzz_copy_with_room(const char *data, size_t len, size_t room)
{
	char *copy = malloc(len + room ? len + room : 1);

	FUZZ_CHECK(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

bool
fuzz_is_equal(const struct buf *b, const char *data, size_t len)
{
	return b->len == len && (len == 0 || memcmp(b->data, data, len) == 0);
}

bool
fuzz_has_control(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)data[i] < 32 || data[i] == 127)
			return true;
	}
	return false;
}

/* ---- pieces ----------------------------------------------------------- */

uint32_t
fuzz_random(uint32_t *state)
{
	uint32_t x = *state ? *state : 2463534242U;

	x ^= x << 13; /* xorshift */
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

size_t
fuzz_piece(uint32_t *state, size_t len, uint32_t max)
{
	size_t n = 1 + fuzz_random(state) % max;

	return n < len ? n : len;
}
