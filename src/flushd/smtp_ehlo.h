/* SPDX-License-Identifier: ISC */
/*
 * smtp_ehlo.h - the extensions that a relay offers in its reply to EHLO; pure
 */
#ifndef FLUSHD_SMTP_EHLO_H
#define FLUSHD_SMTP_EHLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smtp_extensions {
	bool has_pipelining; /* RFC 2920 */
	bool has_size;	     /* RFC 1870 */
	bool has_8bitmime;   /* RFC 6152 */
	bool has_smtputf8;   /* RFC 6531 */
	bool has_dsn;	     /* RFC 3461 */
	uint64_t size_limit; /* 0: none, or the relay did not say */
};

/*
 * Take in a line of the reply, without its code; the first one is the relay's
 * name and is not for here. Unknown extensions are ignored.
 */
void smtp_ehlo_add(struct smtp_extensions *e, const char *line, size_t len);

#endif
