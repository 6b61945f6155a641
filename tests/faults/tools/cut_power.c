/* SPDX-License-Identifier: ISC */
/*
 * cut_power - take the disk away from an ext4 file system, as a power cut does
 *
 *   cut_power MOUNTPOINT: from now on nothing reaches its disk any more, not
 *   even its journal. What a flush has made durable by now is there when it is
 *   mounted again; of the rest, what the kernel happened to write already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Not in the headers of Linux before 6.0. */
#define SHUTDOWN _IOR('X', 125, uint32_t)
enum { NO_LOG_FLUSH = 2 };

int
main(int argc, char **argv)
{
	uint32_t how = NO_LOG_FLUSH;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: cut_power MOUNTPOINT\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, SHUTDOWN, &how) < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	close(fd);
	return 0;
}
