/* SPDX-License-Identifier: ISC */
/*
 * The one runner of all unit tests. CK_FORK=no runs them in one process, for a
 * debugger; CK_RUN_SUITE=smtp and CK_RUN_CASE=... choose (check(3)).
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "flushd/child.h"
#include "unit/puppet.h"
#include "unit/suites.h"

int
main(int argc, char **argv)
{
	SRunner *runner;
	int failed;

	/* As flushd does. */
	if (argc > 1 && (strcmp(argv[1], child_argument_worker) == 0 ||
			    strcmp(argv[1], child_argument_prober) == 0))
		return puppet_main(argv[1]);
	/* Tests may put a channel there; Check must have nothing of its own. */
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < CHILD_CHANNEL)
		;
	runner = srunner_create(NULL);
	/* For what hangs; a machine may be slow, and busy too. */
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
#define ADD_SUITE(name) srunner_add_suite(runner, name##_suite());
	SUITES(ADD_SUITE)
#undef ADD_SUITE
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
