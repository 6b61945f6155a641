/* SPDX-License-Identifier: ISC */
/*
 * host.h - the name of this host, fit for EHLO and Received
 */
#ifndef FLUSHD_HOST_H
#define FLUSHD_HOST_H

enum { HOST_NAME_SIZE = 256 };

/*
 * Write the host's name into name, of HOST_NAME_SIZE bytes: "localhost" where
 * it holds anything but letters, digits, dots and hyphens (RFC 5321 section
 * 4.1.1.1).
 */
void host_name(char *name);

#endif
