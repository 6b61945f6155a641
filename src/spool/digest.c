/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "spool/digest.h"

struct digest {
	XXH3_state_t *hash;
	uint64_t len;
};

struct digest *
digest_new(void)
{
	struct digest *d = alloc_zeroed(sizeof(*d));

	d->hash = XXH3_createState();
	if (!d->hash)
		alloc_fail();
	XXH3_64bits_reset(d->hash);
	return d;
}

void
digest_free(struct digest *d)
{
	if (!d)
		return;
	XXH3_freeState(d->hash);
	free(d);
}

void
digest_add(struct digest *d, const char *data, size_t len)
{
	XXH3_64bits_update(d->hash, data, len);
	d->len += len;
}

uint64_t
digest_len(const struct digest *d)
{
	return d->len;
}

uint64_t
digest_value(const struct digest *d)
{
	return XXH3_64bits_digest(d->hash);
}
