/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect - a TCP connection in the making, over all addresses of a host.
 *
 * As in RFC 8305, addresses of both families take turns, in the resolver's
 * order; the next one is tried after a quarter of a second, or when one fails,
 * and the first that answers wins.
 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/hosts.h"
#include "lib/err.h"

#define CONNECT_TIMEOUT_MS	4000	/* for all of a host's addresses */
#define CONNECT_NEXT_MS		250	/* then the next one is tried too */
#define CONNECT_ADDRS_MAX	8
#define CONNECT_WHY_BYTES	160

struct connect_addr {
	struct sockaddr_storage sa;
	socklen_t len;
	int fd;			/* owns: an attempt; -1: none */
};

struct connect {
	int fd;			/* owns; non-blocking, CLOEXEC; -1 until done */
	bool is_done;
	struct connect_addr addr[CONNECT_ADDRS_MAX];
	size_t naddrs;
	size_t next;		/* the first address not tried */
	size_t npending;
	int64_t next_ms;	/* when to try it */
	int64_t deadline_ms;	/* of everything */
	char why[CONNECT_WHY_BYTES];	/* of the last failure */
};

/*
 * connect_start - look the host up and start connecting.
 * returns 0; or an error with the reason in c->why.  connect_free() in any case.
 */
int connect_start(struct connect *c, const struct host *host) MUST_CHECK;

/* connect_poll - what to poll; returns how many; 0 when it is done. */
size_t connect_poll(const struct connect *c,
    struct pollfd p[CONNECT_ADDRS_MAX]);

/* connect_wake_ms - when to call connect_step() at the latest, by clock_ms();
 * -1 when it is done. */
int64_t connect_wake_ms(const struct connect *c);

/*
 * connect_step - look at what came of the attempts, without waiting; start the
 * next if it is time.
 * returns 0, perhaps with c->is_done; an error when no address is left
 */
int connect_step(struct connect *c) MUST_CHECK;
void connect_free(struct connect *c);

#endif
