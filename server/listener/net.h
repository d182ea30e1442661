/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net - listening sockets and peers' addresses.  Nothing here reads a byte. */
#ifndef SERVER_LISTENER_NET_H
#define SERVER_LISTENER_NET_H

#include <stddef.h>
#include <sys/socket.h>

#include "lib/err.h"
#include "server/listener/options.h"

#define NET_SOCKETS_MAX	64
#define NET_NAME_BYTES	80	/* "[IPv6%scope]:port" with its NUL */

/*
 * net_listen - bind everything that the options name.
 * out     fds: NET_SOCKETS_MAX entries, *n used; owned by the caller
 * returns 0; what failed has been reported with its address
 */
int net_listen(const struct options *o, int *fds, size_t *n) MUST_CHECK;

/*
 * net_accept - the next connection of a listening socket.
 * out     *fd: owned, CLOEXEC, non-blocking; peer: its address
 * returns 0; ERR_BUSY when there is none (any more); ERR_LIMIT when we are
 *         out of descriptors; others: that connection is lost, try again
 */
int net_accept(int listener, int *fd, struct sockaddr_storage *peer)
    MUST_CHECK;

/* net_name - "ADDRESS:PORT"; returns dst. */
const char *net_name(const struct sockaddr *sa, char dst[NET_NAME_BYTES]);

#endif
