/* SPDX-License-Identifier: ISC */
/*
 * identity.h - who somebody without -f is: user@host, and a full name
 *
 *   Read from plain files of the jail, without NSS. The jail's owner writes
 *   them, so what cannot stand in an address or a header counts as missing.
 */
#ifndef SENDMAIL_IDENTITY_H
#define SENDMAIL_IDENTITY_H

#include <sys/types.h>

#include "base/buf.h"

enum {
	IDENTITY_USER_MAX = 64,	 /* bytes; RFC 5321 section 4.5.3.1.1 */
	IDENTITY_HOST_MAX = 255, /* bytes; RFC 5321 section 4.5.3.1.2 */
	IDENTITY_NAME_MAX = 256, /* bytes of a full name */
};

struct identity {
	struct buf user; /* fit for a local part */
	struct buf host; /* fit for a domain, never empty */
	struct buf name; /* full name, any bytes but control; may be empty */
};

/* Where to look; a file that is missing is skipped. */
struct identity_sources {
	const char *passwd;   /* passwd(5); else the user is uidN */
	const char *mailname; /* the host in its first line */
	const char *hostname; /* the host otherwise; else localhost */
};

/* Find out who uid is; never fails. Release it afterwards. */
void identity_read(
    struct identity *id, uid_t uid, const struct identity_sources *from);
void identity_release(struct identity *id);

#endif
