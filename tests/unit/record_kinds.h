/* SPDX-License-Identifier: ISC */
/*
 * record_kinds.h - the kinds of records, for tests that treat them alike
 */
#ifndef UNIT_RECORD_KINDS_H
#define UNIT_RECORD_KINDS_H

#include <stddef.h>

#include "base/buf.h"

/*
 * A kind of record: encode a sample; decode bytes and, where that succeeds,
 * encode again what came out.
 */
struct record_kind {
	const char *name;
	void (*sample)(struct buf *out);
	int (*recode)(const char *data, size_t len, struct buf *again);
};

enum { RECORD_KIND_COUNT = 5 };

extern const struct record_kind record_kinds[RECORD_KIND_COUNT];

/* The kind of this name, which must be one. */
const struct record_kind *record_kind_find(const char *name);

#endif
