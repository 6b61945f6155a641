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
	free(e->sender);
	*e = (struct envelope){0};
}

void
envelope_set_sender(struct envelope *e, const char *address, size_t len)
{
	free(e->sender);
	e->sender = alloc_copy(address, len);
}

static bool
has_recipient(const struct envelope *e, const char *address, size_t len)
{
	for (size_t i = 0; i < e->recipient_count; i++) {
		const char *known = e->recipients[i];

		if (strlen(known) == len && memcmp(known, address, len) == 0)
			return true;
	}
	return false;
}

void
envelope_add_recipient(struct envelope *e, const char *address, size_t len)
{
	size_t count = e->recipient_count;

	if (has_recipient(e, address, len))
		return;
	/* Grow at powers of two only. */
	if ((count & (count - 1)) == 0)
		e->recipients = alloc_resize(e->recipients,
		    count ? 2 * count : 1, sizeof(*e->recipients));
	e->recipients[e->recipient_count++] = alloc_copy(address, len);
}
