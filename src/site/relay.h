/* SPDX-License-Identifier: ISC */
/*
 * relay.h - where the relay is
 */
#ifndef SITE_RELAY_H
#define SITE_RELAY_H

#include <sys/socket.h>

#include "base/compiler.h"

struct relay {
	struct sockaddr_storage address;
	socklen_t address_len;
	char name[80]; /* as it was given, for people */
};

/*
 * Read "127.0.0.1:25", "[::1]:25" or "localhost:25". Names are not looked up:
 * a daemon that needs a resolver in order to hand mail to its own host stops
 * when the resolver does. 0 or -EINVAL.
 */
int relay_parse(const char *text, struct relay *r) MUST_CHECK;

#endif
