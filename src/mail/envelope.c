/* SPDX-License-Identifier: ISC */
#include <errno.h>
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
	for (size_t i = 0; i < e->recipient_count; i++) {
		free(e->recipients[i].address);
		free(e->recipients[i].original);
	}
	free(e->recipients);
	free(e->hashes);
	free(e->sender);
	free(e->envid);
	submitter_release(&e->submitter);
	*e = (struct envelope){0};
}

void
envelope_set_sender(struct envelope *e, const char *address, size_t len)
{
	free(e->sender);
	e->sender = alloc_copy(address, len);
}

/* Outside of quotes (RFC 5321 section 4.1.2), an @ or what else names a host.
 */
static bool
has_host(const char *address)
{
	bool is_quoted = false;

	for (const char *p = address; *p; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && strchr("@!%", *p))
			return true;
	}
	return false;
}

static void
qualify(char **address, const char *domain)
{
	const size_t len = strlen(*address);
	const size_t domain_len = strlen(domain);

	if (len == 0 || has_host(*address) ||
	    len + 1 + domain_len > ENVELOPE_ADDRESS_MAX)
		return;
	*address = alloc_resize(*address, len + 1 + domain_len + 1, 1);
	(*address)[len] = '@';
	memcpy(*address + len + 1, domain, domain_len + 1);
}

void
envelope_qualify(struct envelope *e, const char *domain)
{
	qualify(&e->sender, domain);
	for (size_t i = 0; i < e->recipient_count; i++)
		qualify(&e->recipients[i].address, domain);
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

static struct recipient *
find_recipient(
    const struct envelope *e, uint32_t hash, const char *address, size_t len)
{
	for (size_t i = 0; i < e->recipient_count; i++) {
		const char *known = e->recipients[i].address;

		if (e->hashes[i] == hash && strlen(known) == len &&
		    memcmp(known, address, len) == 0)
			return &e->recipients[i];
	}
	return NULL;
}

struct recipient *
envelope_add_recipient(struct envelope *e, const char *address, size_t len)
{
	uint32_t hash = hash_of(address, len);
	size_t count = e->recipient_count;
	struct recipient *known = find_recipient(e, hash, address, len);

	if (known)
		return known;
	/* Grow at powers of two only. */
	if ((count & (count - 1)) == 0) {
		size_t room = count ? 2 * count : 1;

		e->recipients =
		    alloc_resize(e->recipients, room, sizeof(*e->recipients));
		e->hashes = alloc_resize(e->hashes, room, sizeof(*e->hashes));
	}
	e->recipients[count] =
	    (struct recipient){.address = alloc_copy(address, len)};
	e->hashes[count] = hash;
	e->recipient_count++;
	return &e->recipients[count];
}

/* ---- parameters ---------------------------------------------------------- */

int
envelope_set_envid(struct envelope *e, const char *text, size_t len)
{
	if (!parameter_envid_is_valid(text, len))
		return -EINVAL;
	free(e->envid);
	e->envid = alloc_copy(text, len);
	return 0;
}

int
recipient_set_notify(struct recipient *r, unsigned int notify)
{
	if (!parameter_notify_is_valid(notify))
		return -EINVAL;
	r->notify = notify;
	return 0;
}

int
recipient_set_original(struct recipient *r, const char *text, size_t len)
{
	if (!parameter_original_is_valid(text, len))
		return -EINVAL;
	free(r->original);
	r->original = alloc_copy(text, len);
	return 0;
}

static void
copy_if_given(char **text, const char *from)
{
	if (!from)
		return;
	free(*text);
	*text = alloc_copy(from, strlen(from));
}

void
envelope_copy_parameters(struct envelope *e, const struct envelope *from)
{
	if (from->body != BODY_UNSPECIFIED)
		e->body = from->body;
	if (from->ret != RET_UNSPECIFIED)
		e->ret = from->ret;
	if (from->is_smtputf8)
		e->is_smtputf8 = true;
	copy_if_given(&e->envid, from->envid);
}

void
recipient_copy_parameters(struct recipient *r, const struct recipient *from)
{
	if (from->notify)
		r->notify = from->notify;
	copy_if_given(&r->original, from->original);
}
