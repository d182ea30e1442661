/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connect - a TCP connection in the making, over all addresses of a host. */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/hosts.h"
#include "lib/err.h"

#define CONNECT_TIMEOUT_MS	4000	/* for each address */
#define CONNECT_WHY_BYTES	160

struct connect {
	int fd;			/* owns; non-blocking, CLOEXEC */
	bool is_done;
	int64_t deadline_ms;	/* of this attempt */
	struct addrinfo *found;	/* owns: the resolver's answer, or NULL */
	struct addrinfo *next;	/* still to be tried */
	struct addrinfo numeric;	/* an address that needed no resolver */
	struct sockaddr_storage addr;
	char why[CONNECT_WHY_BYTES];	/* of the last failure */
};

/*
 * connect_start - look the host up and start connecting.
 * returns 0; or an error with the reason in c->why.  connect_free() in any case.
 */
int connect_start(struct connect *c, const struct host *host) MUST_CHECK;

/*
 * connect_step - the socket is writable, or its deadline has passed: finish, or
 * go on with the next address (c->fd is another then).
 */
int connect_step(struct connect *c) MUST_CHECK;
void connect_free(struct connect *c);

#endif
