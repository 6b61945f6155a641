/* SPDX-License-Identifier: ISC */
#include "jailsh/jailsh.h"

int
main(int argc, char **argv)
{
	return jailsh_main(argc, argv);
}
