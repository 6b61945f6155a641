/* SPDX-License-Identifier: ISC */
/*
 * harm.h - what disks, machines and attackers do to a file of LMDB
 */
#ifndef FUZZ_HARM_H
#define FUZZ_HARM_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Damage the content of a file at a few places, from single bits to whole
 * pages: changed, lost, at another place, or as they were in old, the same file
 * at an earlier time. Which places follows from random. It may become shorter.
 */
void harm_do(struct buf *file, const struct buf *old, uint32_t random);

#endif
