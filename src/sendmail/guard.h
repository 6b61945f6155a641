/* SPDX-License-Identifier: ISC */
/*
 * guard.h - a damaged spool must not end us without a word
 *
 *   LMDB does not check what it reads: a damaged file makes it crash or turn
 *   in circles. From guard_begin() to guard_end() both end the program with
 *   one line on standard error and an exit code. Whatever else is written to
 *   standard error meanwhile is lost.
 *
 *   Either is 78 with nothing stored before spool_commit() began, and 74,
 *   perhaps stored, from then on.
 */
#ifndef SENDMAIL_GUARD_H
#define SENDMAIL_GUARD_H

/*
 * Before the program ends, call hook with the exit code and the line without
 * its end. It runs in a handler, and the heap may be what is damaged.
 */
void guard_on_ending(void (*hook)(int code, const char *why));

/* Guard the use of the spool dir, for at most timeout_sec of real time. */
void guard_begin(const char *dir, int timeout_sec);

/* Back to what signals did before; harmless without guard_begin(). */
void guard_end(void);

#endif
