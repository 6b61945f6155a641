/* SPDX-License-Identifier: ISC */
/*
 * replay.c - the main of a fuzz target without libFuzzer: reads files once
 *
 *   usage: fuzz_NAME FILE-OR-DIRECTORY...
 *
 *   A claim that does not hold ends the process; what held is counted.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "fuzz/fuzz.h"

enum {
	INPUT_MAX = 1 << 20, /* bytes of one file */
	PATIENCE_SEC = 60,   /* for all of them, sanitized or not */
};

static unsigned int count;

NORETURN static void
fail(const char *path)
{
	perror(path);
	exit(EXIT_FAILURE);
}

static void
replay_file(const char *path)
{
	struct buf content = BUF_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *exact;

	if (fd < 0 || io_read_all(fd, INPUT_MAX, &content) < 0)
		fail(path);
	close(fd);
	exact = (uint8_t *)fuzz_copy(content.data, content.len);
	LLVMFuzzerTestOneInput(exact, content.len);
	free(exact);
	buf_release(&content);
	count++;
}

static void
replay_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[PATH_MAX];

	if (!dir)
		fail(path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay_file(name);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	struct stat st;

	alarm(PATIENCE_SEC);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) < 0)
			fail(argv[i]);
		if (S_ISDIR(st.st_mode))
			replay_directory(argv[i]);
		else
			replay_file(argv[i]);
	}
	printf("%u inputs\n", count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
