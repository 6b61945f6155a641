/* SPDX-License-Identifier: ISC */
/*
 * phrase.h - a person's name as it stands in front of <address>
 */
#ifndef SENDMAIL_PHRASE_H
#define SENDMAIL_PHRASE_H

#include "base/buf.h"

/*
 * Append name as a phrase of RFC 5322 section 3.2.5: as it is, quoted, or in
 * encoded words (RFC 2047), whichever it needs. Control characters become
 * blanks, so it stays within its field; IDENTITY_NAME_MAX bytes at most count.
 */
void phrase_add(struct buf *b, const char *name);

#endif
