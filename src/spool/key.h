/* SPDX-License-Identifier: ISC */
/*
 * key.h - the kinds of keys in the environment, besides those of its records
 *
 *   Keys and values are those of docs/spool-format.md. An id or a time in one
 *   is big-endian, so that keys of a kind are in its order.
 */
#ifndef SPOOL_KEY_H
#define SPOOL_KEY_H

#include <stddef.h>

#include "base/compiler.h"
#include "spool/environment.h"

/* What a key begins with. */
enum key_kind { KEY_MESSAGE = 0x10, KEY_SCHEDULE = 0x11, KEY_LEFTOVER = 0x12 };

/*
 * Move to the first key that is not below *key. -ENOENT: that is of another
 * kind, or there is none; -EBADMSG: it is not key_len bytes long.
 */
int key_find(struct environment *e, MDB_val *key, size_t key_len) MUST_CHECK;

#endif
