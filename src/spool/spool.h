/* SPDX-License-Identifier: ISC */
/*
 * spool.h - the durable queue between mini_sendmail (writers) and flushd
 *
 *   Durability   when spool_commit() returns 0, everything done since
 *                spool_begin() survives a power cut; else nothing of it is
 *                there, but for -EINPROGRESS: it may be.
 *   Locking      spool_begin() takes the spool's lock and opens the LMDB
 *                environment inside it; commit and abort close it and let go.
 *                Hold it briefly: every sender of the site waits.
 *   Trust        every byte read back is hostile and is checked; LMDB itself
 *                does not check, so a damaged file may kill the process. Only
 *                a process of the spool's owner opens one.
 *   Processes    a struct spool must not cross fork(); open it after exec. In
 *                a transaction the working directory is the spool.
 *   Errors       0 or -errno. Of all functions:
 *                -EBADMSG   damaged, or no spool of this format
 *                -ENOSPC    the disk is full;  -EDQUOT  the quota is
 *                -EFBIG     the file may not grow (RLIMIT_FSIZE)
 *                -EIO       the disk is full or failed
 *                of spool_begin():
 *                -ETIMEDOUT the lock was not to be had by the deadline
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "mail/envelope.h"
#include "spool/digest.h"
#include "spool/record.h"
#include "spool/state.h"

struct spool; /* a spool directory, and the transaction in it, if any */

#define SPOOL_FILE "data.mdb" /* the environment, in the directory */
#define SPOOL_INCOMING                                                         \
	"incoming" /* a directory: flock'ed by one who waits for the lock, and \
		    * where messages wait to join a commit */
#define SPOOL_WORKER_LOCK                                                      \
	"worker" /* flock'ed by the one worker for its life                    \
		  */

/*
 * Open a directory that should be a spool: a descriptor, or -errno. It must
 * not be a symbolic link, with slashes behind its name or without.
 */
int spool_open_dir(const char *dir) MUST_CHECK;

/*
 * Open the spool directory dir; no file in it is opened yet. -ENOENT: there is
 * none, or no environment in it; -EACCES: not ours to enter; -EPERM: owned by
 * another user and not shared by its group; -ENOTDIR.
 */
int spool_open(const char *dir, struct spool **out) MUST_CHECK;

/*
 * The same for a directory that is open already. It is opened once more: the
 * lock is the open file's, and must end with this process even if whoever gave
 * it dir_fd still has that.
 */
int spool_open_fd(int dir_fd, struct spool **out) MUST_CHECK;

void spool_close(struct spool *s); /* NULL is fine */

enum spool_access {
	SPOOL_READ,
	SPOOL_WRITE,  /* add a message: -ENOSPC unless it leaves room to... */
	SPOOL_CHANGE, /* ...change and remove those that are there */
};

/*
 * Take the lock (shared for SPOOL_READ) and begin a transaction; whoever waits
 * for it has it before those who come later. need is how many bytes a
 * SPOOL_WRITE is going to add; deadline_ms is on clock_boot_ms().
 *
 * Whoever begins to write into a copy marks what came with it: see
 * spool_hold_copied(). And who begins to write and finds that the counters
 * cannot be read repairs them: see spool_repair().
 */
int spool_begin(struct spool *s, enum spool_access access, uint64_t need,
    int64_t deadline_ms) MUST_CHECK;

/* Make the transaction durable and let go of the lock, whatever comes out. */
int spool_commit(struct spool *s) MUST_CHECK;

/* End a transaction that is no SPOOL_READ: commit if rc is 0 or more, else
 * undo. Returns rc, or the -errno of the commit. */
int spool_end(struct spool *s, int rc) MUST_CHECK;

/*
 * True while nobody can tell if a message is durable or will be: from when
 * spool_commit() begins to write until the next transaction, and while somebody
 * else may commit it (share.h). For handlers of signals that end the process.
 */
extern volatile sig_atomic_t spool_is_in_doubt;

/* End the transaction without a trace; without one, do nothing. */
void spool_abort(struct spool *s);

/* ---- inside a transaction ------------------------------------------ */

/* A piece of a message's text. */
struct spool_piece {
	const char *data;
	size_t len;
};

/*
 * Store a new message, due at once, and allocate its id. The envelope's
 * text_len must be the sum of the pieces: -EINVAL. now_ms is the wall clock.
 */
int spool_put(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    uint64_t *id) MUST_CHECK;

/*
 * No due time that flushd sets lies further ahead than half of this: one that
 * lies beyond it was set before the clock was put back, and is due. So nobody
 * waits longer than that for a clock that was.
 */
#define SPOOL_DUE_HORIZON_MS (INT64_C(2) * 60 * 60 * 1000)

/* True if due lies ahead, but no further than that. */
bool spool_is_awaited(int64_t due_ms, int64_t now_ms);

/*
 * Find the due message behind (due_ms, id) in the order of due times, start
 * with 0, 0; the pair is moved to it. -ENOENT: none is due at now_ms, and
 * *next_due_ms is when the next one will be, INT64_MAX for never.
 */
int spool_next_due(struct spool *s, int64_t now_ms, int64_t *due_ms,
    uint64_t *id, int64_t *next_due_ms) MUST_CHECK;

/* True if the worker, another process, is giving it to the relay right now. */
bool spool_is_sending(struct spool *s, uint64_t id);

/* Find the message with the smallest id above *id. -ENOENT: no more. */
int spool_next(struct spool *s, uint64_t *id) MUST_CHECK;

/*
 * Read the envelope and state of a message. -ENOENT: no such message; -EBADMSG
 * also if an address could not stand in an SMTP command, or if envelope and
 * state do not belong together. On success release both.
 */
int spool_get(struct spool *s, uint64_t id, struct envelope *e,
    struct message_state *state) MUST_CHECK;

/*
 * Append the text from chunk *chunk on to out, until it holds at least max
 * bytes or the text ends; *chunk moves along. Returns 1 while there is more,
 * 0 at the end.
 */
int spool_read_text(struct spool *s, uint64_t id, uint32_t *chunk, size_t max,
    struct buf *out) MUST_CHECK;

/*
 * Compare the checksum of a message, which covers its text and envelope, with
 * what it holds. digest has been given the text, all of it; -EBADMSG: damaged.
 */
int spool_verify(struct spool *s, uint64_t id, struct digest *d) MUST_CHECK;

/*
 * Replace the state of a message, and its place among the due ones. -ENOENT:
 * there is no such message.
 */
int spool_set_state(
    struct spool *s, uint64_t id, const struct message_state *state) MUST_CHECK;

/*
 * Put a message that cannot be read on hold as "damaged", with whatever of it
 * can be read. -ENOENT: there is nothing of it.
 */
int spool_hold_damaged(struct spool *s, uint64_t id) MUST_CHECK;

/*
 * Remove a message altogether. -ENOENT: there was none. Of a long text part is
 * left for spool_sweep() to free, in transactions that are soon over.
 */
int spool_remove(struct spool *s, uint64_t id) MUST_CHECK;

/*
 * Free something of the messages removed before, or of one whose sender died
 * while he put it: 1, or 0 if nothing is left. now_ms is the wall clock.
 */
int spool_sweep(struct spool *s, int64_t now_ms) MUST_CHECK;
bool spool_has_leftovers(struct spool *s, int64_t now_ms);

/*
 * Remove an entry of the schedule that no message says it has; it is no error
 * if there is none. If there is, a message may have none now: the counters
 * become doubtful, and spool_repair() finds it.
 */
int spool_unschedule(struct spool *s, int64_t due_ms, uint64_t id) MUST_CHECK;

/*
 * The same for an entry that spool_next_due() finds though it was removed. Keys
 * that are out of order hide it from a search, not from a walk through all.
 */
int spool_unschedule_misplaced(
    struct spool *s, int64_t due_ms, uint64_t id) MUST_CHECK;

int spool_get_counters(struct spool *s, struct spool_counters *c) MUST_CHECK;
int spool_get_settings(struct spool *s, struct spool_settings *c) MUST_CHECK;
int spool_set_settings(
    struct spool *s, const struct spool_settings *c) MUST_CHECK;

/*
 * True in a SPOOL_READ if what it reads may not be sent: messages that joined
 * a commit whose end nobody told, and may be withdrawn. The next SPOOL_WRITE or
 * SPOOL_CHANGE settles that, see share.h.
 */
bool spool_is_unsettled(const struct spool *s);

/* ---- upkeep: the worker's -------------------------------------------- */

/* True if the spool has the name of this site. */
bool spool_is_of(struct spool *s, const char *site);

/*
 * In a SPOOL_CHANGE: give it that name, of RECORD_DOMAIN_MAX bytes at most. If
 * it had another one it is a copy from now on, as one that was cloned with its
 * jail.
 */
int spool_name_site(struct spool *s, const char *site) MUST_CHECK;

/*
 * True if the spool is a copy (restored from a backup, or cloned with its
 * jail), and some of what came with it is not yet on hold.
 */
bool spool_is_copy(const struct spool *s);

/*
 * Put messages that came with a copy of a spool on hold as "copied spool", as
 * the original has perhaps sent them: up to max from *after_id on, which moves
 * along; *held is how many. 1 while there is more, 0 when all was done or the
 * spool is no copy.
 */
int spool_hold_copied(
    struct spool *s, uint64_t *after_id, size_t max, size_t *held) MUST_CHECK;

/*
 * Make counters and schedule what the messages say they must be; first thing
 * in a SPOOL_CHANGE. 1 if the counters were wrong, 0 if not. Where the schedule
 * lacks more than one transaction should add, the counters stay doubtful. Takes
 * a second or two for a million messages.
 */
int spool_repair(struct spool *s) MUST_CHECK;

/* True if the counters say so themselves, or cannot be right. */
bool spool_is_doubtful(struct spool *s);

/* True if the file has grown and is nearly empty. */
bool spool_is_oversized(const struct spool *s);

/*
 * End a SPOOL_CHANGE in which nothing was changed. If the file is oversized,
 * replace it by one that holds what is left in it; senders wait for
 * about as long as a commit takes. 1 if it was replaced, 0 if there
 * was no need, else -errno and all is as it was.
 */
int spool_shrink(struct spool *s) MUST_CHECK;

/* In any transaction: remove what one that died in spool_shrink() has left. */
void spool_discard_new(struct spool *s);

#endif
