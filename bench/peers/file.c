/* SPDX-License-Identifier: ISC */
/*
 * file DIR COUNT [durable] - a queue with a file for each message
 *
 *   Standard input goes into a new file of DIR/tmp, which is flushed and
 *   renamed into DIR/new, COUNT times. Postfix's postdrop and dma flush as much
 *   and no more: the name itself may not survive a power cut. With "durable"
 *   the directory is flushed as well, as nullmailer and exim do.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { NAME_LEN = 64, TEXT_MAX = 64 * 1024 };

static char text[TEXT_MAX];
static size_t text_len;

/* In the current directory. */
static int
store(const char *draft, const char *name)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, text_len) != (ssize_t)text_len ||
	    fsync(fd) < 0 || close(fd) < 0)
		return -1;
	return rename(draft, name);
}

static int
store_one(void)
{
	char draft[NAME_LEN];
	char name[NAME_LEN];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(draft, sizeof(draft), "tmp/%lld.%ld.%ld",
	    (long long)now.tv_sec, now.tv_nsec, (long)getpid());
	snprintf(name, sizeof(name), "new/%s", draft + sizeof("tmp/") - 1);
	return store(draft, name);
}

static int
flush_directory(void)
{
	int fd = open("new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

int
main(int argc, char **argv)
{
	const int is_durable = argc > 3;
	ssize_t len;
	long count;

	if (argc < 3 || chdir(argv[1]) < 0)
		return 2;
	while ((len = read(STDIN_FILENO, text + text_len,
		    sizeof(text) - text_len)) > 0)
		text_len += (size_t)len;
	if (len < 0)
		return 1;
	for (count = strtol(argv[2], NULL, 10); count > 0; count--)
		if (store_one() < 0 || (is_durable && flush_directory() < 0))
			return 1;
	return 0;
}
