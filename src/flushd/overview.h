/* SPDX-License-Identifier: ISC */
/*
 * overview.h - how all the sites and their relay are: for the log, for who asks
 * at the desk, and for the service manager
 */
#ifndef FLUSHD_OVERVIEW_H
#define FLUSHD_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/compiler.h"

struct keeper_host;
struct roster;

struct overview {
	const struct keeper_host *host;
	const struct roster *roster;
	int64_t started_ms; /* clock_boot_ms(), this flushd */
};

/* Log that the relay is up, after it was down for so long, or is down. */
void overview_log_relay(const struct overview *o, bool is_up, int64_t down_ms);

/* Append a line without its end for the service manager. */
void overview_add_notice(const struct overview *o, struct buf *line);

/* Append what root, or a site's user, may know; see struct desk_host. */
bool overview_answer(
    const struct overview *o, uid_t uid, char *at, struct buf *out) MUST_CHECK;

#endif
