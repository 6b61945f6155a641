/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/clock.h"
#include "spool/gate.h"
#include "spool/spool_internal.h"

enum {
	PATIENCE_MS = 2000, /* with who stands in the turnstile */
	/* Whoever has the lock may be stopped, and others commit past him. */
	LOOK_MS = 100,
	/* So often one looks who has staged if the turnstile is free: at first,
	 * and after a while. A timer costs more than a look, and there may be
	 * hundreds who wait. */
	POLL_MIN_US = 4 * 1000,
	POLL_MAX_US = 16 * 1000,
};

/* As lock_take(), but 1 as soon as one's own message is committed. */
static int
wait_for_lock(const struct spool *s, enum lock_kind kind,
    const struct staged *own, int64_t deadline_ms)
{
	int64_t until_ms;
	int rc;

	do {
		until_ms = clock_boot_ms() + LOOK_MS;
		if (own->fd < 0 || until_ms > deadline_ms)
			until_ms = deadline_ms;
		rc = lock_take(s->dir_fd, kind, until_ms);
		if (staged_id(own) != 0) {
			if (rc == 0)
				lock_release(s->dir_fd);
			return 1;
		}
	} while (rc == -ETIMEDOUT && until_ms < deadline_ms);
	return rc;
}

/*
 * A commit tells many at once, and wakes each. In a queue at the turnstile they
 * would hear it when all before them have gone through, one woken after the
 * other: on a busy machine that takes longer than the commit. So nobody queues
 * who has staged; one of them takes the turnstile when he finds it free.
 */
static int
poll_turnstile(const struct spool *s, struct staged *own, int64_t deadline_ms)
{
	unsigned int pause_us = POLL_MIN_US;
	int rc;

	for (;;) {
		staged_wait(own, pause_us);
		if (staged_id(own) != 0)
			return 1;
		rc = lock_take(s->turnstile_fd, LOCK_EXCLUSIVE, 0);
		if (rc != -ETIMEDOUT || clock_boot_ms() >= deadline_ms)
			return rc;
		if (pause_us < POLL_MAX_US)
			pause_us *= 2;
	}
}

static int
wait_in_turn(const struct spool *s, enum lock_kind kind, struct staged *own,
    int64_t deadline_ms)
{
	int64_t patience_ms = clock_boot_ms() + PATIENCE_MS;
	int turnstile;
	int rc;

	if (patience_ms > deadline_ms)
		patience_ms = deadline_ms;
	turnstile = own->fd >= 0 ? poll_turnstile(s, own, patience_ms)
				 : lock_take(s->turnstile_fd, LOCK_EXCLUSIVE,
				       patience_ms);
	if (turnstile > 0)
		return turnstile;
	rc = wait_for_lock(s, kind, own, deadline_ms);
	if (turnstile == 0)
		lock_release(s->turnstile_fd);
	return rc;
}

/* Nobody waits, so there is nobody to wait for but who has the lock. */
static int
enter_alone(const struct spool *s, enum lock_kind kind, int64_t deadline_ms)
{
	int rc = lock_take(s->dir_fd, kind, deadline_ms);

	lock_release(s->turnstile_fd);
	return rc;
}

/* Whoever cannot stage waits all the same, and commits himself. */
static void
stage(const struct spool *s, const struct spool_draft *d, struct staged *own)
{
	spool_is_in_doubt = 1;
	if (staged_make(own, s->turnstile_fd, d) < 0)
		spool_is_in_doubt = 0;
}

int
gate_enter(struct spool *s, enum lock_kind kind, const struct spool_draft *d,
    struct staged *own, int64_t deadline_ms)
{
	own->fd = -1;
	if (s->turnstile_fd < 0)
		return lock_take(s->dir_fd, kind, deadline_ms);
	if (lock_take(s->turnstile_fd, LOCK_EXCLUSIVE, 0) == 0)
		return enter_alone(s, kind, deadline_ms);
	if (d)
		stage(s, d, own);
	return wait_in_turn(s, kind, own, deadline_ms);
}
