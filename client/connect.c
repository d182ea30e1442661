/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "client/connect.h"
#include "lib/clock.h"
#include "lib/fd.h"

/* An address in figures needs no resolver, which is slow to start. */
static bool
use_numeric(struct connect *c, const struct host *host)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&c->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&c->addr;

	memset(&c->addr, 0, sizeof(c->addr));
	if (inet_pton(AF_INET, host->name, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)host->port);
		c->numeric.ai_addrlen = sizeof(*in4);
	} else if (inet_pton(AF_INET6, host->name, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)host->port);
		c->numeric.ai_addrlen = sizeof(*in6);
	} else {
		return false;
	}
	c->numeric.ai_family = c->addr.ss_family;
	c->numeric.ai_addr = (struct sockaddr *)&c->addr;
	c->next = &c->numeric;
	return true;
}

static int
resolve(struct connect *c, const struct host *host)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	char port[8];
	int e;

	if (use_numeric(c, host))
		return 0;
	(void)snprintf(port, sizeof(port), "%u", host->port);
	e = getaddrinfo(host->name, port, &hints, &c->found);
	if (e != 0) {
		(void)snprintf(c->why, sizeof(c->why), "cannot resolve: %s",
		    gai_strerror(e));
		return ERR_NOENT;
	}
	c->next = c->found;
	return 0;
}

static void
note(struct connect *c, const char *what)
{
	(void)snprintf(c->why, sizeof(c->why), "cannot connect: %s", what);
}

/* The next address at which connecting starts at all. */
static int
try_next(struct connect *c)
{
	while (c->next != NULL) {
		const struct addrinfo *ai = c->next;

		c->next = ai->ai_next;
		fd_close(&c->fd);
		c->fd = socket(ai->ai_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (c->fd >= 0 && (connect(c->fd, ai->ai_addr,
		    ai->ai_addrlen) == 0 || errno == EINPROGRESS)) {
			c->deadline_ms = clock_ms() + CONNECT_TIMEOUT_MS;
			return 0;
		}
		note(c, strerror(errno));
	}
	return ERR_CLOSED;
}

int
connect_start(struct connect *c, const struct host *host)
{
	int r;

	*c = (struct connect){ .fd = -1 };
	r = resolve(c, host);
	return r == 0 ? try_next(c) : r;
}

int
connect_step(struct connect *c)
{
	int e = 0, on = 1;
	socklen_t len = sizeof(e);
	int ready = fd_wait(c->fd, POLLOUT, 0);

	if (ready == ERR_TIMEOUT) {
		if (clock_ms() < c->deadline_ms)
			return 0;
		note(c, "timed out");
		return try_next(c);
	}
	if (ready < 0 || getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		return ERR_SYS;
	if (e != 0) {
		note(c, strerror(e));
		return try_next(c);
	}
	/* the source follows the command in a write of its own */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->is_done = true;
	return 0;
}

void
connect_free(struct connect *c)
{
	fd_close(&c->fd);
	if (c->found != NULL)
		freeaddrinfo(c->found);
	c->found = c->next = NULL;
}
