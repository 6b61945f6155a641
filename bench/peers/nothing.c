/* SPDX-License-Identifier: ISC */
/*
 * nothing [FILE] - what any submission costs at least: a static program that
 * does nothing; with FILE, one that overwrites a page of it durably
 */
#include <fcntl.h>
#include <unistd.h>

enum { PAGE_LEN = 4096 };

int
main(int argc, char **argv)
{
	static const char page[PAGE_LEN];
	int fd;

	if (argc < 2)
		return 0;
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, page, sizeof(page), 0) != sizeof(page))
		return 1;
	return fdatasync(fd) < 0;
}
