/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/memory.h"

/* A page more can be had. */
static int
has_room(void)
{
	void *p = mmap(NULL, 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && munmap(p, 1) == 0;
}

void
memory_limit(size_t len)
{
	struct rlimit old;
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &old) < 0 || old.rlim_cur <= len)
		return;
	limit = old;
	limit.rlim_cur = len;
	/* It only matters when something is broken. */
	if (setrlimit(RLIMIT_DATA, &limit) == 0 && !has_room())
		(void)setrlimit(RLIMIT_DATA, &old);
}
