/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/memory.h"

bool
memory_has_room(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && munmap(p, len) == 0;
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
	if (setrlimit(RLIMIT_DATA, &limit) == 0 && !memory_has_room(1))
		(void)setrlimit(RLIMIT_DATA, &old);
}
