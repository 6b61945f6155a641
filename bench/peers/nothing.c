/* SPDX-License-Identifier: ISC */
/*
 * nothing [FILE COUNT] - what any submission costs at least: a static program
 * that does nothing; with FILE, one that overwrites a page of it durably, COUNT
 * times
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAGE_LEN = 4096 };

int
main(int argc, char **argv)
{
	static const char page[PAGE_LEN];
	long count;
	int fd;

	if (argc < 3)
		return 0;
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	for (count = strtol(argv[2], NULL, 10); count > 0; count--)
		if (pwrite(fd, page, sizeof(page), 0) != sizeof(page) ||
		    fdatasync(fd) < 0)
			return 1;
	return 0;
}
