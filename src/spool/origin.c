/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/part.h"
#include "spool/spool_internal.h"

static int
get_identity(struct spool *s, struct spool_identity *identity)
{
	MDB_val value;
	int rc = environment_get(&s->environment, ENVIRONMENT_IDENTITY, &value);

	if (rc == 0)
		rc = record_decode_identity(
		    value.mv_data, value.mv_size, identity);
	return rc;
}

static int
put_identity(struct environment *to, const struct spool_identity *identity)
{
	struct buf bytes = BUF_INIT;
	int rc;

	record_encode_identity(identity, &bytes);
	rc = environment_put(to, ENVIRONMENT_IDENTITY, &bytes);
	buf_release(&bytes);
	return rc;
}

int
spool_put_origin(struct spool *s, struct environment *to, uint64_t file_inode,
    uint64_t copied_to_id)
{
	struct spool_identity identity = {0};
	struct stat dir;
	int rc;

	if (fstat(s->dir_fd, &dir) < 0)
		return -errno;
	rc = get_identity(s, &identity);
	if (rc < 0)
		return rc;
	identity.directory_inode = dir.st_ino;
	identity.file_inode = file_inode;
	identity.copied_to_id = copied_to_id;
	rc = put_identity(to, &identity);
	free(identity.site);
	return rc;
}

int
spool_check_origin(struct spool *s)
{
	struct spool_identity identity = {0};
	struct stat dir;
	bool is_moved;
	int rc;

	if (fstat(s->dir_fd, &dir) < 0)
		return -errno;
	rc = get_identity(s, &identity);
	if (rc < 0)
		return rc;
	free(identity.site);
	s->copied_to_id = identity.copied_to_id;
	is_moved = identity.directory_inode != dir.st_ino ||
		   identity.file_inode != s->file.st_ino;
	s->is_copy = is_moved || s->copied_to_id != 0;
	if (!is_moved || !s->is_writer)
		return 0;
	/* From here on it is a spool of its own; what is in it now is not. */
	s->copied_to_id = s->counters.last_id;
	return spool_put_origin(
	    s, &s->environment, s->file.st_ino, s->copied_to_id);
}

/* ---- the site ------------------------------------------------------ */

bool
spool_is_of(struct spool *s, const char *site)
{
	struct spool_identity identity = {0};
	bool is_same;

	if (get_identity(s, &identity) < 0 || !identity.site)
		return false;
	is_same = strcmp(identity.site, site) == 0;
	free(identity.site);
	return is_same;
}

int
spool_name_site(struct spool *s, const char *site)
{
	struct spool_identity identity = {0};
	int rc = get_identity(s, &identity);

	if (rc < 0 || !identity.site)
		return rc;
	if (*identity.site != '\0' && strcmp(identity.site, site) != 0) {
		/* A clone may have even the inodes of the original. */
		s->copied_to_id = s->counters.last_id;
		s->is_copy = s->copied_to_id != 0;
		identity.copied_to_id = s->copied_to_id;
	}
	free(identity.site);
	identity.site = alloc_copy(site, strlen(site));
	rc = put_identity(&s->environment, &identity);
	free(identity.site);
	return rc;
}

/* ---- what came with a copy ----------------------------------------- */

bool
spool_is_copy(const struct spool *s)
{
	return s->is_copy;
}

/* Put a message on hold unless it waits for a person anyway. */
static int
hold(struct spool *s, uint64_t id, size_t *held)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(s, id, &e, &state);

	if (rc == -EBADMSG) {
		++*held;
		return spool_hold_damaged(s, id);
	}
	if (rc < 0)
		return rc;
	if (state_is_scheduled(&state)) {
		++*held;
		state_hold(&state, "copied spool");
		rc = spool_set_state(s, id, &state);
	}
	envelope_release(&e);
	state_release(&state);
	return rc;
}

int
spool_hold_copied(struct spool *s, uint64_t *after_id, size_t max, size_t *held)
{
	uint64_t id = *after_id;
	int rc = 0;

	*held = 0;
	if (s->copied_to_id == 0)
		return 0;
	for (size_t n = 0; rc == 0 && n < max; n++) {
		rc = part_next_id(&s->environment, &id);
		if (rc == 0 && id > s->copied_to_id)
			rc = -ENOENT;
		if (rc == 0)
			rc = hold(s, id, held);
		if (rc == 0)
			*after_id = id;
	}
	if (rc != -ENOENT)
		return rc < 0 ? rc : 1;
	s->copied_to_id = 0;
	s->is_copy = false;
	return spool_put_origin(s, &s->environment, s->file.st_ino, 0);
}
