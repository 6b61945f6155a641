/* SPDX-License-Identifier: ISC */
/*
 * hasty.c - no defect: a sender that waits for others no longer than the
 * milliseconds that PATIENCE_MS of its environment says
 *
 *   Linked with --wrap=visit_open into mini_sendmail.
 */
#include <stdlib.h>

#include "sendmail/visit.h"

void __real_visit_open(struct visit *v, const char *dir);
void __wrap_visit_open(struct visit *v, const char *dir);

void
__wrap_visit_open(struct visit *v, const char *dir)
{
	const char *patience = getenv("PATIENCE_MS");

	__real_visit_open(v, dir);
	if (patience)
		v->patience_ms = strtol(patience, NULL, 10);
}
