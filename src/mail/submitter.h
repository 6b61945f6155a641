/* SPDX-License-Identifier: ISC */
/*
 * submitter.h - what is known of the process that handed a message in
 *
 *   Facts to trace a hacked site by, not to trust: any bytes but NUL, that have
 *   to be escaped wherever they are shown.
 */
#ifndef MAIL_SUBMITTER_H
#define MAIL_SUBMITTER_H

#include <stddef.h>
#include <stdint.h>

enum {
	SUBMITTER_CWD_MAX = 512, /* bytes */
	SUBMITTER_ARGV_MAX = 1024,
	SUBMITTER_SCRIPT_MAX = 512,
};

struct submitter {
	uint32_t uid;
	uint32_t pid;
	uint32_t ppid; /* 0: not known */
	char *cwd;     /* these: NULL where not known */
	char *argv;    /* its words with a blank between them */
	char *script;  /* the program that called for it, as it says itself */
};

void submitter_release(struct submitter *s);

/* Replace all that is known by a copy. */
void submitter_copy(struct submitter *s, const struct submitter *from);

/* Copy a text of len bytes, up to a NUL; what is too long ends in "...". */
void submitter_set_cwd(struct submitter *s, const char *text, size_t len);
void submitter_set_argv(struct submitter *s, const char *text, size_t len);
void submitter_set_script(struct submitter *s, const char *text, size_t len);

#endif
