/* SPDX-License-Identifier: ISC */
/*
 * domain.h - names of domains
 */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True for what can stand behind the @ of an address (RFC 5321 section 4.1.2):
 * labels of letters, digits and hyphens, neither first nor last, of at most 63
 * bytes, with dots in between; 255 bytes in all. Not a literal.
 */
bool domain_is_valid(const char *name, size_t len);

#endif
