/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/harm.h"

enum { PAGE = 4096, PLACES_MAX = 8 };

static size_t
below(uint32_t *random, size_t end)
{
	return fuzz_random(random) % end;
}

static void
harm_bit(struct buf *file, const struct buf *old UNUSED, uint32_t *random)
{
	char *p = file->data + below(random, file->len);

	*p = (char)(*p ^ 1 << below(random, 8));
}

static void
harm_bytes(struct buf *file, const struct buf *old UNUSED, uint32_t *random)
{
	size_t at = below(random, file->len);
	size_t len = fuzz_piece(random, file->len - at, 16);

	for (size_t i = 0; i < len; i++)
		file->data[at + i] = (char)fuzz_random(random);
}

/* What LMDB believes is at the start of a page: numbers of 16 and 32 bits. */
static void
harm_head(struct buf *file, const struct buf *old UNUSED, uint32_t *random)
{
	static const uint16_t values[] = {0, 1, 16, 4096, 0x7fff, 0xffff};
	size_t page = below(random, file->len / PAGE);
	uint16_t value = values[below(random, ARRAY_LEN(values))];

	if (fuzz_random(random) & 1)
		value = (uint16_t)below(random, 256);
	memcpy(file->data + page * PAGE + 2 * below(random, 64), &value,
	    sizeof(value));
}

static void
harm_sector(struct buf *file, const struct buf *old UNUSED, uint32_t *random)
{
	memset(file->data + 512 * below(random, file->len / 512), 0, 512);
}

/* A page that was written to the place of another. */
static void
harm_place(struct buf *file, const struct buf *old UNUSED, uint32_t *random)
{
	size_t from = below(random, file->len / PAGE);
	size_t to = below(random, file->len / PAGE);

	memmove(file->data + to * PAGE, file->data + from * PAGE, PAGE);
}

/* Pages that were never written: they are as they were before. */
static void
harm_stale(struct buf *file, const struct buf *old, uint32_t *random)
{
	size_t pages = fuzz_piece(random, old->len / PAGE, 4);
	size_t at = below(random, old->len / PAGE - pages + 1) * PAGE;

	memcpy(file->data + at, old->data + at, pages * PAGE);
}

static void
harm_length(struct buf *file, const struct buf *old UNUSED, uint32_t *random)
{
	file->len = 1 + below(random, file->len);
	if (fuzz_random(random) & 3)
		file->len = (file->len + PAGE - 1) / PAGE * PAGE;
}

void
harm_do(struct buf *file, const struct buf *old, uint32_t random)
{
	static void (*const ways[])(struct buf * file, const struct buf *old,
	    uint32_t *random) = {harm_bit, harm_bytes, harm_head, harm_head,
	    harm_sector, harm_place, harm_stale};
	const size_t places = 1 + below(&random, PLACES_MAX);

	for (size_t i = 0; i < places; i++)
		ways[below(&random, ARRAY_LEN(ways))](file, old, &random);
	if (below(&random, 16) == 0)
		harm_length(file, old, &random);
}
