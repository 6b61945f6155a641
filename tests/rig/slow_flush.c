/* SPDX-License-Identifier: ISC */
/*
 * slow_flush.c - a plugin of nbdkit: a disk in a file that needs time to flush
 *
 *   file=FILE   holds what is on the disk
 *   us=TIME     how long each flush takes; all else takes none
 *
 *   Nothing is flushed into the file itself: only the time matters.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static int fd = -1;
static unsigned int flush_us;

static int
slow_config(const char *key, const char *value)
{
	if (strcmp(key, "file") == 0) {
		fd = open(value, O_RDWR | O_CLOEXEC);
		return fd < 0 ? -1 : 0;
	}
	if (strcmp(key, "us") != 0)
		return -1;
	flush_us = (unsigned int)strtoul(value, NULL, 10);
	return 0;
}

static void *
slow_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t
slow_get_size(void *handle)
{
	(void)handle;
	return lseek(fd, 0, SEEK_END);
}

static int
slow_pread(void *handle, void *data, uint32_t len, uint64_t at, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return pread(fd, data, len, (off_t)at) == (ssize_t)len ? 0 : -1;
}

static int
slow_pwrite(
    void *handle, const void *data, uint32_t len, uint64_t at, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return pwrite(fd, data, len, (off_t)at) == (ssize_t)len ? 0 : -1;
}

static int
slow_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return usleep(flush_us);
}

static int
slow_can(void *handle)
{
	(void)handle;
	return 1;
}

static struct nbdkit_plugin plugin = {
    .name = "slow-flush",
    .config = slow_config,
    .open = slow_open,
    .get_size = slow_get_size,
    .pread = slow_pread,
    .pwrite = slow_pwrite,
    .flush = slow_flush,
    .can_flush = slow_can,
    .can_multi_conn = slow_can,
};

NBDKIT_REGISTER_PLUGIN(plugin)
