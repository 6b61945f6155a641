/* SPDX-License-Identifier: ISC */
/*
 * storable.h - what is accepted must not be damaged as soon as it is read
 */
#ifndef FUZZ_STORABLE_H
#define FUZZ_STORABLE_H

#include "base/buf.h"
#include "mail/envelope.h"

/*
 * End the process unless the envelope, once it is stored, can be read again and
 * is the same. Appends the record to out.
 */
void storable_check(const struct envelope *e, struct buf *out);

#endif
