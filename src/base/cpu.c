/* SPDX-License-Identifier: ISC */
#include <sys/resource.h>
#include <time.h>

#include "base/cpu.h"

void
cpu_limit(int sec)
{
	struct timespec used;
	struct rlimit limit;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0 ||
	    getrlimit(RLIMIT_CPU, &limit) < 0)
		return;
	limit.rlim_cur = (rlim_t)used.tv_sec + 1 + (rlim_t)sec;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	/* It only matters when something is broken. */
	(void)setrlimit(RLIMIT_CPU, &limit);
}
