/* SPDX-License-Identifier: ISC */
/*
 * destroy.h - the end of a spool
 */
#ifndef SPOOL_DESTROY_H
#define SPOOL_DESTROY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "spool/spool.h"

/*
 * Remove what makes dir_fd a spool; the directory stays, empty if nobody put
 * anything else into it. What is left of a spool that was destroyed in part is
 * removed, too. Senders who wait for its lock find that there is none.
 *
 * 0 or -errno. -ENOTEMPTY: there is a message, and may_hold_mail is false;
 * nothing was removed then. The lock is waited for until deadline_ms.
 */
int spool_destroy(
    int dir_fd, bool may_hold_mail, int64_t deadline_ms) MUST_CHECK;

#endif
