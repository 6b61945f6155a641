/* SPDX-License-Identifier: ISC */
/*
 * file DIR [durable] - a queue with a file for each message
 *
 *   Standard input goes into a new file of DIR/tmp, which is flushed and
 *   renamed into DIR/new: that is what postfix, nullmailer and dma do, but for
 *   the order, and they do no more. With "durable" the directory is flushed as
 *   well, without which a power cut may take the new name back.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { NAME_LEN = 64, PIECE_LEN = 64 * 1024 };

static int
copy(int from, int to)
{
	static char piece[PIECE_LEN];
	ssize_t len;

	while ((len = read(from, piece, sizeof(piece))) > 0)
		if (write(to, piece, (size_t)len) != len)
			return -1;
	return (int)len;
}

/* In the current directory. */
static int
store(const char *draft, const char *name)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || copy(STDIN_FILENO, fd) < 0 || fsync(fd) < 0 ||
	    close(fd) < 0)
		return -1;
	return rename(draft, name);
}

int
main(int argc, char **argv)
{
	char draft[NAME_LEN];
	char name[NAME_LEN];
	struct timespec now;
	int dir;

	if (argc < 2 || chdir(argv[1]) < 0)
		return 2;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(draft, sizeof(draft), "tmp/%lld.%ld.%ld",
	    (long long)now.tv_sec, now.tv_nsec, (long)getpid());
	snprintf(name, sizeof(name), "new/%s", draft + sizeof("tmp/") - 1);
	if (store(draft, name) < 0)
		return 1;
	if (argc < 3)
		return 0;
	dir = open("new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 || fsync(dir) < 0;
}
