/* SPDX-License-Identifier: ISC */
/*
 * entry_json.h - one message of a list, as postqueue -j shows it; pure
 */
#ifndef FLUSHCTL_ENTRY_JSON_H
#define FLUSHCTL_ENTRY_JSON_H

#include "listing/entry.h"

/*
 * Append the entry, of the site of this name ("" of none), as one JSON object
 * and a newline, in ASCII. Bytes that are not UTF-8 become U+FFFD.
 */
void entry_add_json(struct buf *b, const struct entry *e, const char *site);

#endif
