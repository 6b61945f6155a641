/* SPDX-License-Identifier: ISC */
/*
 * make_due DIR - whatever waits for its time in that spool is due now, as if
 * the time had come
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "spool/spool.h"

enum { LOCK_TIMEOUT_MS = 30 * 1000 };

static int
make_due(struct spool *s, uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(s, id, &e, &state);

	if (rc < 0)
		return rc;
	if (state_is_scheduled(&state)) {
		state.due_ms = clock_wall_ms();
		rc = spool_set_state(s, id, &state);
	}
	envelope_release(&e);
	state_release(&state);
	return rc;
}

int
main(int argc, char **argv)
{
	struct spool *s = NULL;
	uint64_t id = 0;
	int rc;

	if (argc != 2)
		return EXIT_FAILURE;
	rc = spool_open(argv[1], &s);
	if (rc == 0)
		rc = spool_begin(
		    s, SPOOL_CHANGE, 0, clock_boot_ms() + LOCK_TIMEOUT_MS);
	while (rc == 0 && (rc = spool_next(s, &id)) == 0)
		rc = make_due(s, id);
	if (rc == -ENOENT)
		rc = spool_commit(s);
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-rc));
	spool_close(s);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
