/* SPDX-License-Identifier: ISC */
/*
 * header.h - walk the fields at the top of a message
 *
 *   The text has LF line ends (text_canonicalize() made them). Views point
 *   into it; nothing is copied or changed, so untouched fields stay as they
 *   were, folds and order included (DKIM).
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct header_field {
	const char *raw; /* the field with its folds and its last LF */
	size_t raw_len;
	const char *name; /* before the colon, blanks in front of it left out */
	size_t name_len;
	const char *value; /* behind the colon, folds in it, no last LF */
	size_t value_len;
};

/* A place in a header; start with {text, len}. */
struct header_cursor {
	const char *at;
	size_t len;
};

/*
 * Take the field at the cursor and step behind it: true. False where the
 * header ends: at an empty line, at a line that is no field (RFC 5322 section
 * 2.2, also 4.5), or at the end of the text. The cursor then stands at what
 * ended it.
 */
bool header_next(struct header_cursor *c, struct header_field *f) MUST_CHECK;

/* True if the field has this name, whatever the case of its letters. */
bool header_is(const struct header_field *f, const char *name);

#endif
