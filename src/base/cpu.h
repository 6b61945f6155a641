/* SPDX-License-Identifier: ISC */
/*
 * cpu.h - an end to what goes round in circles
 */
#ifndef BASE_CPU_H
#define BASE_CPU_H

/*
 * Let SIGXCPU, which kills, come when this process has used sec more seconds
 * of CPU time, or one more; the next call begins anew. Time spent waiting does
 * not count.
 */
void cpu_limit(int sec);

#endif
