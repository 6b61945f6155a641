/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "spool/gate.h"
#include "spool/limit.h"
#include "spool/share.h"
#include "spool/spool_internal.h"
#include "spool/staged.h"

enum {
	JOINED_LEN = 16,	/* of a name and an id, in the record */
	LISTING_LEN = 32 << 10, /* bytes: some 800 names are seen at once */
	/* To read what one commit may take along, and to change its pages. */
	MEMORY = 4 * (SHARE_BYTES_MAX + STAGED_MAX),
};

/* ---- the sender ---------------------------------------------------- */

/*
 * The waiting is over, one way or another; rc is what came of it. Only who has
 * the lock, and has settled, knows that nobody is about to commit the message.
 */
static int
end_waiting(struct spool *s, struct staged *own, int rc, uint64_t *id)
{
	int outcome;

	if (rc == 0 && staged_id(own) == 0) {
		staged_take_back(own);
		return 0;
	}
	if (rc >= 0) {
		spool_abort(s);
		outcome = 1;
	} else {
		outcome = staged_withdraw(own);
	}
	if (outcome == 1)
		*id = staged_id(own);
	staged_close(own);
	return outcome == 0 ? rc : outcome;
}

int
share_begin(struct spool *s, const struct spool_draft *d, uint64_t need,
    int64_t deadline_ms, uint64_t *id)
{
	struct staged own = STAGED_INIT;
	int rc;

	spool_is_in_doubt = 0;
	rc = gate_enter(s, LOCK_EXCLUSIVE, d, &own, deadline_ms);
	if (rc == 0)
		rc = spool_open_transaction(s, SPOOL_WRITE, need);
	if (own.fd >= 0) {
		rc = end_waiting(s, &own, rc, id);
		spool_is_in_doubt = 0;
	}
	return rc;
}

/* ---- settle -------------------------------------------------------- */

static bool
is_among(const struct joined *list, size_t count, uint64_t name)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].name == name)
			return true;
	return false;
}

/*
 * Whoever is still to be told is told by us, who have not flushed what we find:
 * the one who has died perhaps had not either.
 */
static int
tell(struct spool *s, const struct joined *j)
{
	struct share *share = &s->share;
	int rc = 0;

	if (!share->is_flushed && staged_is_waiting(s->turnstile_fd, j->name)) {
		rc = environment_flush(&s->environment);
		share->is_flushed = rc == 0;
	}
	return rc < 0 ? rc
		      : staged_acknowledge(s->turnstile_fd, j->name, j->id);
}

static int
settle_one(struct spool *s, const struct joined *j)
{
	struct share *share = &s->share;
	int rc = tell(s, j);

	if (rc != 0 && !s->is_writer) {
		share->is_unsettled = true;
		return 0;
	}
	if (rc <= 0)
		return rc;
	share->withdrawn[share->withdrawn_count++] = *j;
	rc = spool_remove(s, j->id);
	return rc == -ENOENT ? 0 : rc;
}

/* The list is copied: what is removed may be written into its page. */
static int
settle_list(struct spool *s, const MDB_val *value)
{
	struct joined list[SHARE_MAX];
	const size_t count = value->mv_size / JOINED_LEN;
	const char *at = value->mv_data;
	int rc = 0;

	if (value->mv_size % JOINED_LEN != 0 || count > SHARE_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++, at += JOINED_LEN)
		list[i] = (struct joined){
		    .name = bytes_get_be64(at), .id = bytes_get_be64(at + 8)};
	s->share.has_joined = count > 0;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = settle_one(s, &list[i]);
	return rc;
}

int
share_settle(struct spool *s)
{
	MDB_val value;
	int rc;

	s->share.withdrawn_count = 0;
	s->share.taken_count = 0;
	s->share.has_joined = false;
	s->share.is_unsettled = false;
	s->share.is_flushed = false;
	rc = environment_find(&s->environment, ENVIRONMENT_JOINED, &value);
	if (rc == 0)
		rc = settle_list(s, &value);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- take along ---------------------------------------------------- */

struct candidate {
	uint64_t name;
	struct staged_message message;
};

struct candidates {
	struct candidate list[SHARE_MAX];
	size_t count;
	uint64_t bytes;
	/* What one call lists is enough: others come with the next commit. */
	char listing[LISTING_LEN]
	    __attribute__((aligned(__alignof__(struct dirent64))));
};

static bool
is_candidate(const struct candidates *c, uint64_t name)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->list[i].name == name)
			return true;
	return false;
}

/*
 * A name that says it was withdrawn is what its sender left before anybody took
 * his message; but not if he did so only just now, or if it is in the spool and
 * this transaction is to remove it.
 */
static void
look_at(struct spool *s, const char *file_name, struct candidates *c)
{
	const struct share *share = &s->share;
	struct candidate *next = &c->list[c->count];
	bool is_withdrawn;
	uint64_t name;

	if (!staged_parse_name(file_name, &name, &is_withdrawn))
		return;
	if (is_withdrawn) {
		if (!is_candidate(c, name) &&
		    !is_among(share->withdrawn, share->withdrawn_count, name))
			staged_forget(s->turnstile_fd, name);
	} else if (staged_read(s->turnstile_fd, name, &next->message) == 0) {
		next->name = name;
		c->bytes += next->message.bytes.len;
		c->count++;
	}
}

static void
find_candidates(struct spool *s, struct candidates *c)
{
	ssize_t len = 0;

	c->count = 0;
	c->bytes = 0;
	if (s->turnstile_fd >= 0 && lseek(s->turnstile_fd, 0, SEEK_SET) == 0)
		len =
		    getdents64(s->turnstile_fd, c->listing, sizeof(c->listing));
	for (ssize_t at = 0;
	     at < len && c->count < SHARE_MAX && c->bytes < SHARE_BYTES_MAX;) {
		const struct dirent64 *entry = (const void *)(c->listing + at);

		look_at(s, entry->d_name, c);
		at += entry->d_reclen;
	}
}

static void
release_candidates(struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++)
		staged_message_release(&c->list[i].message);
}

/* Room on the disk before any of it is put; and where so many come, for those
 * who will come after them too. */
static int
make_room(struct spool *s, const struct candidates *c)
{
	const uint64_t need =
	    2 * c->bytes + (uint64_t)c->count * SPOOL_PER_MESSAGE;
	int rc = spool_reserve_room(s, need);

	if (rc == 0)
		environment_extend(
		    &s->environment, (uint64_t)s->file.st_size, need);
	return rc;
}

/*
 * Put one, if it is what it says it is and within the limits. If it is not, its
 * sender hears that from his own transaction.
 */
static int
put(struct spool *s, const struct candidate *c,
    const struct spool_settings *settings)
{
	const struct staged_message *m = &c->message;
	const struct envelope *e = &m->envelope;
	const uint64_t relay_bytes = limit_count_for_relay(&m->text, 1);
	struct spool_draft d;
	int rc;

	rc = spool_draft_init(&d, e, &m->text, 1, SIZE_MAX, e->submitted_ms);
	if (rc < 0 || d.sealed.len != m->sealed.len ||
	    memcmp(d.sealed.data, m->sealed.data, d.sealed.len) != 0 ||
	    limit_find(e, relay_bytes, d.now_ms, settings, &s->counters) !=
		SUBMIT_WITHIN_LIMITS) {
		spool_draft_release(&d);
		return 0;
	}
	rc = spool_draft_put(s, &d);
	if (rc == 0)
		s->share.taken[s->share.taken_count++] =
		    (struct joined){.name = c->name, .id = d.id};
	spool_draft_release(&d);
	return rc;
}

/* All of them or none: what fails here must not harm whose commit it is. */
static void
put_all(struct spool *s, const struct candidates *c)
{
	const struct spool_counters before = s->counters;
	const bool is_draft = s->is_draft;
	struct spool_settings settings;
	int rc;

	rc = spool_get_settings(s, &settings);
	if (rc == 0)
		rc = make_room(s, c);
	if (rc == 0)
		rc = environment_nest(&s->environment);
	if (rc < 0)
		return;
	for (size_t i = 0; i < c->count && rc == 0; i++)
		rc = put(s, &c->list[i], &settings);
	rc = environment_unnest(&s->environment, rc);
	s->is_draft = is_draft;
	if (rc < 0) {
		s->counters = before;
		s->share.taken_count = 0;
	}
}

/* ---- commit -------------------------------------------------------- */

static int
store_list(struct spool *s)
{
	const struct share *share = &s->share;
	struct buf list = BUF_INIT;
	unsigned char bytes[JOINED_LEN];
	int rc;

	for (size_t i = 0; i < share->taken_count; i++) {
		bytes_put_be64(bytes, share->taken[i].name);
		bytes_put_be64(bytes + 8, share->taken[i].id);
		buf_add(&list, bytes, sizeof(bytes));
	}
	rc = environment_put(&s->environment, ENVIRONMENT_JOINED, &list);
	buf_release(&list);
	return rc;
}

static void
take_along(struct spool *s)
{
	/* Not zeroed: mostly next to nothing of it is used. */
	struct candidates *c = alloc_resize(NULL, 1, sizeof(*c));

	find_candidates(s, c);
	if (c->count > 0)
		put_all(s, c);
	release_candidates(c);
	free(c);
}

int
share_take(struct spool *s)
{
	/* Whoever has too little memory for others has enough for himself. */
	if (memory_has_room(MEMORY))
		take_along(s);
	/* The list of the commit before is settled. */
	return s->share.taken_count > 0 || s->share.has_joined ? store_list(s)
							       : 0;
}

/* What cannot be told is left to who settles. */
void
share_acknowledge(struct spool *s)
{
	const struct share *share = &s->share;
	int rc;

	for (size_t i = 0; i < share->taken_count; i++) {
		rc = staged_acknowledge(
		    s->turnstile_fd, share->taken[i].name, share->taken[i].id);
		(void)rc;
	}
	for (size_t i = 0; i < share->withdrawn_count; i++)
		staged_forget(s->turnstile_fd, share->withdrawn[i].name);
}

bool
spool_is_unsettled(const struct spool *s)
{
	return s->share.is_unsettled;
}
