/* SPDX-License-Identifier: ISC */
/*
 * The one runner of all unit tests. CK_FORK=no runs them in one process, for a
 * debugger; CK_RUN_SUITE=smtp and CK_RUN_CASE=... choose (check(3)).
 */
#include <check.h>
#include <stdlib.h>

#include "unit/suites.h"

int
main(void)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

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
