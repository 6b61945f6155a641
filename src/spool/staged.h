/* SPDX-License-Identifier: ISC */
/*
 * staged.h - a message that waits in incoming/ to join somebody's commit
 *
 *   Its sender writes it into a file and keeps a flock on that for as long as
 *   he lives. Whoever commits takes it along, then writes its id into the file,
 *   which the sender still has open, and removes the name. How senders and who
 *   commits agree is in share.h; here is what they do to one file.
 *
 *   incoming/NAME    waits, or was committed by one who died before he said so
 *   incoming/NAME.w  was withdrawn by its sender
 *
 *   NAME is 16 hexadecimal digits, random, and never given a second time.
 */
#ifndef SPOOL_STAGED_H
#define SPOOL_STAGED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "mail/envelope.h"
#include "spool/draft.h"
#include "spool/spool.h"

enum {
	/* Bytes of a file. What is longer is not worth to be written twice. */
	STAGED_MAX = 256 << 10,
};

/* ---- the sender's side --------------------------------------------- */

struct staged {
	int incoming_fd; /* not ours */
	int fd;		 /* of the file; -1: there is none */
	uint64_t name;
	const char *page; /* to wait at */
};

#define STAGED_INIT                                                            \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Make a file of a message. -EFBIG: it is too long; or -errno. */
int staged_make(
    struct staged *f, int incoming_fd, const struct spool_draft *d) MUST_CHECK;

/* The id of the message, if it was committed; else 0. */
uint64_t staged_id(const struct staged *f);

/* Wait for that, for at most so many microseconds; sometimes less. */
void staged_wait(struct staged *f, unsigned int us);

/*
 * Give up: 0, and the message will not be sent, but for a power cut in the next
 * seconds; 1: it was committed before; -EINPROGRESS: nobody can tell.
 */
int staged_withdraw(struct staged *f) MUST_CHECK;

/* Under the lock, settled, and not committed: it waits no more. */
void staged_take_back(struct staged *f);

/* Let go of the file; without one, do nothing. */
void staged_close(struct staged *f);

/* ---- the side of who commits, under the lock ----------------------- */

/* Is this what a file in incoming/ can be called? */
bool staged_parse_name(
    const char *file_name, uint64_t *name, bool *is_withdrawn);

/* As it was read from its file. */
struct staged_message {
	struct buf bytes; /* what the others point into */
	struct envelope envelope;
	struct spool_piece sealed; /* the envelope as it is stored */
	struct spool_piece text;
};

/*
 * Read a message whose sender waits for it. -ENOENT: there is none, or not all
 * of it, or its sender is dead, and then the file is removed. Whatever a site
 * puts there is looked at as its bytes are: hostile.
 */
int staged_read(
    int incoming_fd, uint64_t name, struct staged_message *m) MUST_CHECK;
void staged_message_release(struct staged_message *m);

/* True if the file is there: nobody has told its sender anything yet. */
bool staged_is_waiting(int incoming_fd, uint64_t name);

/*
 * Tell the sender that his message is durable, and which id it has. 0: he knows
 * or will know, if he is there; 1: he has withdrawn it; or -errno.
 */
int staged_acknowledge(int incoming_fd, uint64_t name, uint64_t id) MUST_CHECK;

/* Remove the file of a message that was withdrawn and is in no spool. */
void staged_forget(int incoming_fd, uint64_t name);

/* Remove all files of a spool that is none any more. */
void staged_forget_all(int spool_fd);

#endif
