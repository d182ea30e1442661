/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serve - accept, and the loop itself. */
#ifndef SERVER_LISTENER_SERVE_H
#define SERVER_LISTENER_SERVE_H

#include "server/listener/server.h"

/* serve_open_files - room for a descriptor a client and then some. */
void serve_open_files(struct server *s);

/* serve_listen - take connections of these sockets from the loop. */
int serve_listen(struct server *s, const int *fds, size_t n) MUST_CHECK;

/* serve_stdio - --inetd: the one connection on descriptors 0 and 1. */
int serve_stdio(struct server *s) MUST_CHECK;

/* serve_loop - until the end; the exit code. */
int serve_loop(struct server *s);

/* serve_stop - end: the first call lets running jobs finish, the second
 * doesn't. */
void serve_stop(struct server *s);

#endif
