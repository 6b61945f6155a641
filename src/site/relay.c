/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "site/relay.h"

static int
parse_port(const char *text, in_port_t *port)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || value < 1 || value > 65535)
		return -EINVAL;
	*port = htons((in_port_t)value);
	return 0;
}

static int
parse_host(const char *host, in_port_t port, struct relay *r)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&r->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&r->address;
	size_t len = strlen(host);
	char bare[INET6_ADDRSTRLEN];

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		r->address_len = sizeof(*v4);
		return 0;
	}
	if (len < 3 || len - 2 >= sizeof(bare) || host[0] != '[' ||
	    host[len - 1] != ']')
		return -EINVAL;
	memcpy(bare, host + 1, len - 2);
	bare[len - 2] = '\0';
	if (inet_pton(AF_INET6, bare, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	r->address_len = sizeof(*v6);
	return 0;
}

int
relay_parse(const char *text, struct relay *r)
{
	struct relay got = {0};
	const char *colon = strrchr(text, ':');
	char host[sizeof(got.name)];
	in_port_t port;
	int rc;

	if (!colon || strlen(text) >= sizeof(got.name))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	rc = parse_port(colon + 1, &port);
	if (rc == 0)
		rc = parse_host(host, port, &got);
	if (rc < 0)
		return rc;
	snprintf(got.name, sizeof(got.name), "%s", text);
	*r = got;
	return 0;
}
