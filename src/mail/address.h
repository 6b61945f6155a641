/* SPDX-License-Identifier: ISC */
/*
 * address.h - find the addresses in what people and programs write
 *
 *   Parsing takes RFC 5322 section 3.4 with the obsolete syntax of section 4.4
 *   and reads lists as postfix's sendmail does where the RFC leaves it open,
 *   unless that loses an address. A list is read twice, from left to right.
 *   What comes out is what goes between the <> of RFC 5321: no comments, no
 *   blanks outside quotes, no route, quotes only where the local part needs
 *   them.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * True if address can stand between <> in an SMTP command: 1 to
 * ENVELOPE_ADDRESS_MAX bytes, no control character, and no blank, angle
 * bracket, comma or semicolon outside a quoted string (RFC 5321 section
 * 4.1.2; bytes of 128 and more pass, RFC 6531), and it is no route. Unqualified
 * names pass. The empty address is not valid here: the null sender is the
 * caller's matter.
 */
bool address_is_valid(const char *address, size_t len);

/* True if a byte is not ASCII, so that the message needs SMTPUTF8. */
bool address_is_utf8(const char *address, size_t len);

/* Called once for each address found; the bytes are gone when it returns. */
typedef void address_found_fn(void *context, const char *address, size_t len);

/*
 * Call found for each address in list, a header field's value (folds still in
 * it) or an argument of the command line. Groups yield their members; an empty
 * list, a list of comments, and an empty group yield none. Returns 0, or
 * -EINVAL at the first address that address_is_valid() refuses; those found
 * before it have been reported. No limit but len.
 */
int address_parse_list(const char *list, size_t len, address_found_fn *found,
    void *context) MUST_CHECK;

#endif
