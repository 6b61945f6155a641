/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flushd/host.h"

void
host_name(char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-";

	if (gethostname(name, HOST_NAME_SIZE) < 0)
		name[0] = '\0';
	name[HOST_NAME_SIZE - 1] = '\0';
	if (name[0] == '\0' || name[strspn(name, allowed)] != '\0')
		snprintf(name, HOST_NAME_SIZE, "localhost");
}
