/* SPDX-License-Identifier: ISC */
/*
 * field.h - what records are made of: tag:1 length:4 bytes:length
 *
 *   Decoding takes hostile bytes. What a field must not be is -EBADMSG, and
 *   the out-parameter is then as it was.
 */
#ifndef SPOOL_FIELD_H
#define SPOOL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

void field_add(struct buf *out, int tag, const void *data, size_t len);
void field_add_text(struct buf *out, int tag, const char *text);
void field_add_number(struct buf *out, int tag, uint64_t value);

struct field {
	int tag;
	const char *data;
	size_t len;
};

#define FIELD_SEEN(tag) (UINT32_C(1) << (tag)) /* of tags below 32 */

/* What the fields of a kind of record are. */
struct field_layout {
	uint32_t required; /* FIELD_SEEN() of each */
	uint32_t optional;
	uint32_t repeated; /* of those, the ones that may come more than once */
	/* Take a field, of one of these tags, into the record. */
	int (*take)(const struct field *f, void *record);
};

/*
 * Take all fields of a record. It must have each that is required, none twice
 * but the repeated ones, and no unknown one but those that may be skipped.
 */
int field_take_all(const char *data, size_t len,
    const struct field_layout *layout, void *record) MUST_CHECK;

int field_number(
    const struct field *f, uint64_t max, uint64_t *value) MUST_CHECK;
int field_number32(
    const struct field *f, uint32_t max, uint32_t *value) MUST_CHECK;
int field_time(const struct field *f, int64_t *ms) MUST_CHECK; /* not < 0 */
int field_flag(const struct field *f, bool *value) MUST_CHECK; /* 0 or 1 */

/* Is it text without NUL, of at most max bytes? */
int field_check_text(const struct field *f, size_t max) MUST_CHECK;

#endif
