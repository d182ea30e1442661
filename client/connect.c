/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "client/connect.h"
#include "lib/clock.h"
#include "lib/fd.h"

/* A peer that vanished while it compiles is noticed after half a minute, not
 * after DISTCC_IO_TIMEOUT, which has to allow for long compiles. */
#define KEEP_IDLE_S	15
#define KEEP_PROBE_S	5
#define KEEP_PROBES	3

/* ---- addresses ---- */

static void
add_address(struct connect *c, const void *sa, size_t len)
{
	struct connect_addr *a = &c->addr[c->naddrs];

	if (c->naddrs == CONNECT_ADDRS_MAX || len > sizeof(a->sa))
		return;
	memcpy(&a->sa, sa, len);
	a->len = (socklen_t)len;
	a->fd = -1;
	c->naddrs++;
}

/* An address in figures needs no resolver, which is slow to start. */
static bool
use_numeric(struct connect *c, const struct host *host)
{
	struct sockaddr_in in4 = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)host->port),
	};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)host->port),
	};

	if (inet_pton(AF_INET, host->name, &in4.sin_addr) == 1)
		add_address(c, &in4, sizeof(in4));
	else if (inet_pton(AF_INET6, host->name, &in6.sin6_addr) == 1)
		add_address(c, &in6, sizeof(in6));
	return c->naddrs != 0;
}

/* The next address of the list that is, or is not, of the family. */
static const struct addrinfo *
find_family(const struct addrinfo *ai, int family, bool is_same)
{
	while (ai != NULL && (ai->ai_family == family) != is_same)
		ai = ai->ai_next;
	return ai;
}

/* The resolver's order within each of the two families, which take turns. */
static void
add_in_turn(struct connect *c, const struct addrinfo *found)
{
	int family = found->ai_family;
	const struct addrinfo *one = found;
	const struct addrinfo *other = find_family(found, family, false);

	while (one != NULL || other != NULL) {
		if (one != NULL) {
			add_address(c, one->ai_addr, one->ai_addrlen);
			one = find_family(one->ai_next, family, true);
		}
		if (other != NULL) {
			add_address(c, other->ai_addr, other->ai_addrlen);
			other = find_family(other->ai_next, family, false);
		}
	}
}

static int
resolve(struct connect *c, const struct host *host)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	struct addrinfo *found;
	char port[8];
	int e;

	if (use_numeric(c, host))
		return 0;
	(void)snprintf(port, sizeof(port), "%u", host->port);
	e = getaddrinfo(host->name, port, &hints, &found);
	if (e != 0) {
		(void)snprintf(c->why, sizeof(c->why), "cannot resolve: %s",
		    gai_strerror(e));
		return ERR_NOENT;
	}
	add_in_turn(c, found);
	freeaddrinfo(found);
	return 0;
}

/* ---- attempts ---- */

static void
note(struct connect *c, const char *what)
{
	(void)snprintf(c->why, sizeof(c->why), "cannot connect: %s", what);
}

/* Start with the next address at which connecting starts at all. */
static void
try_next(struct connect *c)
{
	while (c->next < c->naddrs) {
		struct connect_addr *a = &c->addr[c->next++];

		a->fd = socket(a->sa.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (a->fd >= 0 && (connect(a->fd, (struct sockaddr *)&a->sa,
		    a->len) == 0 || errno == EINPROGRESS)) {
			c->npending++;
			c->next_ms = clock_ms() + CONNECT_NEXT_MS;
			return;
		}
		note(c, strerror(errno));
		fd_close(&a->fd);
	}
}

static int
judge(const struct connect *c)
{
	return c->npending == 0 && c->next == c->naddrs ? ERR_CLOSED : 0;
}

int
connect_start(struct connect *c, const struct host *host)
{
	int r;

	*c = (struct connect){ .fd = -1 };
	c->deadline_ms = clock_ms() + CONNECT_TIMEOUT_MS;
	r = resolve(c, host);
	if (r < 0)
		return r;
	try_next(c);
	return judge(c);
}

size_t
connect_poll(const struct connect *c, struct pollfd p[CONNECT_ADDRS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; !c->is_done && i < c->next; i++) {
		if (c->addr[i].fd >= 0)
			p[n++] = (struct pollfd){ c->addr[i].fd, POLLOUT, 0 };
	}
	return n;
}

int64_t
connect_wake_ms(const struct connect *c)
{
	if (c->is_done)
		return -1;
	return c->next < c->naddrs && c->next_ms < c->deadline_ms ?
	    c->next_ms : c->deadline_ms;
}

static void
set_number(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void
set_options(int fd)
{
	/* the source follows the command in a write of its own */
	set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_PROBE_S);
	set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBES);
}

/* One attempt: is it over, and how? */
static void
look_at(struct connect *c, struct connect_addr *a)
{
	socklen_t len = sizeof(int);
	int e = 0;
	int ready = fd_wait(a->fd, POLLOUT, 0);

	if (ready == ERR_TIMEOUT)
		return;
	if (ready < 0 || getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	c->npending--;
	if (e == 0) {
		c->fd = fd_take(&a->fd);
		c->is_done = true;
		return;
	}
	note(c, strerror(e));
	fd_close(&a->fd);
}

static void
close_attempts(struct connect *c)
{
	for (size_t i = 0; i < c->naddrs; i++)
		fd_close(&c->addr[i].fd);
	c->npending = 0;
}

int
connect_step(struct connect *c)
{
	int64_t now = clock_ms();

	for (size_t i = 0; !c->is_done && i < c->next; i++) {
		if (c->addr[i].fd >= 0)
			look_at(c, &c->addr[i]);
	}
	if (c->is_done) {
		set_options(c->fd);
		close_attempts(c);
		return 0;
	}
	if (now >= c->deadline_ms) {
		note(c, "timed out");
		return ERR_TIMEOUT;
	}
	if (c->npending == 0 || now >= c->next_ms)
		try_next(c);
	return judge(c);
}

void
connect_free(struct connect *c)
{
	close_attempts(c);
	fd_close(&c->fd);
}
