/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/futex.h"

enum {
	PAGE_LEN = 4096, /* of a longer one all is mapped */
	SEC_US = 1000 * 1000,
	US_NS = 1000,
};

const char *
futex_map(int fd)
{
	void *page = mmap(NULL, PAGE_LEN, PROT_READ, MAP_SHARED, fd, 0);

	return page == MAP_FAILED ? NULL : page;
}

void
futex_unmap(const char *page)
{
	if (page)
		munmap((void *)(uintptr_t)page, PAGE_LEN);
}

void
futex_wait(const char *page, size_t at, unsigned int us)
{
	const struct timespec timeout = {
	    .tv_sec = us / SEC_US, .tv_nsec = (long)(us % SEC_US) * US_NS};

	if (page &&
	    (syscall(SYS_futex, page + at, FUTEX_WAIT, 0, &timeout, NULL, 0) ==
		    0 ||
		errno == ETIMEDOUT || errno == EAGAIN || errno == EINTR))
		return;
	/* What cannot be waited for is at least not asked for all the time. */
	nanosleep(&timeout, NULL);
}

void
futex_wake(const char *page, size_t at)
{
	if (page)
		syscall(
		    SYS_futex, page + at, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
