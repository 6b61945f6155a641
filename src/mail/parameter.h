/* SPDX-License-Identifier: ISC */
/*
 * parameter.h - what MAIL and RCPT say besides an address; pure
 *
 *   RFC 3461 section 4 (RET, ENVID, NOTIFY, ORCPT) and RFC 6152 (BODY). Values
 *   are kept as what they mean, not as they are written: text without xtext's
 *   escapes, which come back when it is written for a command.
 */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"

/* When a recipient's sender wants to hear of it; NEVER stands alone. */
enum parameter_notify {
	NOTIFY_NEVER = 1 << 0,
	NOTIFY_SUCCESS = 1 << 1,
	NOTIFY_FAILURE = 1 << 2,
	NOTIFY_DELAY = 1 << 3,
};

/* What of the message a report brings back. */
enum parameter_ret { RET_UNSPECIFIED, RET_HDRS, RET_FULL, RET_COUNT };

enum parameter_body { BODY_UNSPECIFIED, BODY_7BIT, BODY_8BITMIME, BODY_COUNT };

/* As they stand behind RET= and BODY=, "" where unspecified. */
extern const char *const parameter_ret_names[RET_COUNT];
extern const char *const parameter_body_names[BODY_COUNT];

enum {
	PARAMETER_ENVID_MAX = 100,    /* bytes as xtext */
	PARAMETER_ORIGINAL_MAX = 500, /* bytes as type;xtext */
};

/* ---- what may be kept ----------------------------------------------- */

/* True for one of NEVER and any others of the bits. */
bool parameter_notify_is_valid(unsigned int notify);

/* Printable ASCII, not empty, that fits into ENVID= as xtext. */
bool parameter_envid_is_valid(const char *text, size_t len);

/* "type;address": an atom and printable ASCII that fits into ORCPT=. */
bool parameter_original_is_valid(const char *text, size_t len);

/* ---- reading ---------------------------------------------------------- */

/*
 * Read the value behind NOTIFY=, RET= or BODY=, in any case of its letters: 0,
 * or -EINVAL and *out is as it was.
 */
int parameter_parse_notify(
    const char *value, size_t len, unsigned int *notify) MUST_CHECK;
int parameter_parse_ret(
    const char *value, size_t len, enum parameter_ret *ret) MUST_CHECK;
int parameter_parse_body(
    const char *value, size_t len, enum parameter_body *body) MUST_CHECK;

/*
 * Read the value behind ENVID= or ORCPT=, and append what it means to out: 0,
 * or -EINVAL and out is as it was. What comes out is valid.
 */
int parameter_parse_envid(
    const char *value, size_t len, struct buf *out) MUST_CHECK;
int parameter_parse_original(
    const char *value, size_t len, struct buf *out) MUST_CHECK;

/* ---- writing ------------------------------------------------------------ */

/* Append the value for NOTIFY=, nothing for 0. */
void parameter_add_notify(struct buf *b, unsigned int notify);

/* Append the value for ENVID= or ORCPT=; no byte of text can end it. */
void parameter_add_envid(struct buf *b, const char *text);
void parameter_add_original(struct buf *b, const char *text);

#endif
