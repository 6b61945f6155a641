/* SPDX-License-Identifier: ISC */
/*
 * blind.c - a negative control: who gives up does not look if it is too late
 *
 *   Linked with --wrap=staged_withdraw into mini_sendmail. He removes the name
 *   of his file and says that his message is not stored, whoever has it by
 *   then, and the experiments must notice.
 */
#include "spool/staged.h"

int __wrap_staged_withdraw(struct staged *f);

int
__wrap_staged_withdraw(struct staged *f)
{
	staged_take_back(f);
	return 0;
}
