/* SPDX-License-Identifier: ISC */
/*
 * spool_fixture.h - a fresh spool for each test, and a second way to look at it
 *
 *   Use fixture_setup() and fixture_teardown() as a checked fixture: LMDB must
 *   not cross the fork that Check makes for each test.
 */
#ifndef UNIT_SPOOL_FIXTURE_H
#define UNIT_SPOOL_FIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "spool/environment.h"
#include "spool/spool.h"
#include "spool/staged.h"

enum { FIXTURE_NOW_MS = 1700000000 }; /* what the clock says in tests */

extern char fixture_dir[64];	    /* a directory of the test's own */
extern char fixture_path[96];	    /* a spool in it */
extern struct spool *fixture_spool; /* that, open */

/* Make the directory alone, or with a spool of default settings in it. */
void fixture_setup_dir(void);
void fixture_setup(void);
void fixture_teardown(void);

/* Begin again with a spool that has these settings. */
void fixture_replace(const struct spool_settings *settings);
void fixture_reopen(void);

/* name in the fixture's directory; valid until the next call. */
const char *fixture_name(const char *name);

/* How many names are in a directory. */
size_t fixture_count_names(const char *dir);

/* Begin and commit, which must succeed. */
void fixture_begin(enum spool_access access);
void fixture_commit(void);

/* An envelope from a@example.org to that many recipients. */
void fixture_envelope(
    struct envelope *e, size_t recipient_count, uint64_t text_len);

/* The spool's directory of staged messages, to be closed. */
int fixture_open_incoming(void);

/* Stage a message, as one does who finds the turnstile taken. */
void fixture_stage(struct staged *f, int incoming_fd, const char *text,
    size_t recipient_count);

/* Say in a commit that the message joined the one before, as its file name. */
void fixture_list_as_joined(uint64_t name, uint64_t id);

/* Store a message of one recipient in the open transaction, or in its own. */
uint64_t fixture_put(const char *text, size_t len, int64_t now_ms);
uint64_t fixture_put_one(const char *text);

/* Set phase and due time in the open transaction. */
void fixture_set(uint64_t id, enum message_phase phase, int64_t due_ms);

/*
 * What is in the file, counted key by key without spool.c: only outside of
 * transactions. A schedule that does not fit the states fails the test.
 */
struct census {
	size_t key_count; /* all of them */
	size_t schedule_count;
	uint64_t bytes; /* of texts and envelope records */
	uint64_t count[PHASE_COUNT];
};
void fixture_census(struct census *c);

/* Fail unless the counters agree with the census. */
void fixture_check_counters(void);

/* Open the file as LMDB alone, for a test that damages it. */
void fixture_open_raw(struct environment *e);
/* Put value at key, or remove the key where value is NULL. */
void fixture_raw_put(struct environment *e, const void *key, size_t key_len,
    const char *value, size_t len);
/* Both, and commit. */
void fixture_set_raw(
    const void *key, size_t key_len, const char *value, size_t len);
/* The key of a chunk, of 14 bytes. */
enum { FIXTURE_KEY_LEN = 14 };
void fixture_chunk_key(
    unsigned char *key, uint64_t id, unsigned char part, uint32_t chunk);
void fixture_set_chunk(uint64_t id, unsigned char part, uint32_t chunk,
    const char *value, size_t len);

/* Change the byte at offset behind the first copy of needle in the file. */
void fixture_flip(const char *needle, ptrdiff_t offset, char mask);

/* The same for all copies of a key. */
void fixture_flip_key(
    const void *key, size_t key_len, ptrdiff_t offset, char mask);

/*
 * Run body in another process and return what it returns, or 255 if it died.
 * No spool may be in a transaction.
 */
int fixture_run_as(uid_t uid, int (*body)(void));

#endif
