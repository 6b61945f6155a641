/* SPDX-License-Identifier: ISC */
/*
 * item.h - the programs of a jail: what is put there, and what is there
 */
#ifndef FLUSHCTL_ITEM_H
#define FLUSHCTL_ITEM_H

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/jail.h"
#include "flushctl/place.h"
#include "flushctl/programs.h"

#define ITEM_SENDMAIL "/usr/libexec/mini-sendmail/mini_sendmail"
#define ITEM_JAILSH   "/usr/libexec/mini-sendmail/jailsh"

/*
 * Ours are copies in a directory of their own, and links to them under the
 * names by which they are called, if these names are free.
 */
enum item { SENDMAIL_COPY, SENDMAIL_LINK, SHELL_COPY, SHELL_LINK, ITEM_COUNT };

/* Its path in the jail. */
const char *item_path(enum item i);

/* True for the copies; the others are links. */
bool item_is_copy(enum item i);

/* The directory that only our copies are in. */
const char *item_own_directory(void);

struct item_look {
	enum place_state state;
	bool is_users; /* who may put something else in its place */
	struct buf why;
};

/* Look at it. 0, and item_look_release() is due; or -errno. */
int item_look(const struct jail *j, const struct programs *p, enum item i,
    struct item_look *look) MUST_CHECK;
void item_look_release(struct item_look *look);

/* Put it there, as place.h does, or remove it. 0 or -errno. */
int item_put(
    const struct jail *j, const struct programs *p, enum item i) MUST_CHECK;
int item_remove(const struct jail *j, enum item i) MUST_CHECK;

#endif
