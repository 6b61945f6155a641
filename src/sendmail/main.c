/* SPDX-License-Identifier: ISC */
/*
 * mini_sendmail - put a message into the spool of this site
 */
#include "sendmail/sendmail.h"

int
main(int argc, char **argv)
{
	return sendmail_main(argc, argv);
}
