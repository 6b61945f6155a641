/* SPDX-License-Identifier: ISC */
#include "flushctl/verb.h"

int
main(int argc, char **argv)
{
	return verb_main(argc, argv);
}
