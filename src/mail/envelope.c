/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mail/envelope.h"

void
envelope_init(struct envelope *e)
{
	*e = (struct envelope){0};
	e->sender = alloc_copy("", 0);
}

void
envelope_release(struct envelope *e)
{
	for (size_t i = 0; i < e->recipient_count; i++)
		free(e->recipients[i]);
	free(e->recipients);
	free(e->hashes);
	free(e->sender);
	*e = (struct envelope){0};
}

void
envelope_set_sender(struct envelope *e, const char *address, size_t len)
{
	free(e->sender);
	e->sender = alloc_copy(address, len);
}

/* FNV-1a; who makes two addresses collide only waits a little himself. */
static uint32_t
hash_of(const char *address, size_t len)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)address[i]) * 16777619;
	return hash;
}

static bool
has_recipient(
    const struct envelope *e, uint32_t hash, const char *address, size_t len)
{
	for (size_t i = 0; i < e->recipient_count; i++) {
		const char *known = e->recipients[i];

		if (e->hashes[i] == hash && strlen(known) == len &&
		    memcmp(known, address, len) == 0)
			return true;
	}
	return false;
}

void
envelope_add_recipient(struct envelope *e, const char *address, size_t len)
{
	uint32_t hash = hash_of(address, len);
	size_t count = e->recipient_count;

	if (has_recipient(e, hash, address, len))
		return;
	/* Grow at powers of two only. */
	if ((count & (count - 1)) == 0) {
		size_t room = count ? 2 * count : 1;

		e->recipients =
		    alloc_resize(e->recipients, room, sizeof(*e->recipients));
		e->hashes = alloc_resize(e->hashes, room, sizeof(*e->hashes));
	}
	e->recipients[count] = alloc_copy(address, len);
	e->hashes[count] = hash;
	e->recipient_count++;
}
