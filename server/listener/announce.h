/* SPDX-License-Identifier: GPL-2.0-or-later */
/* announce - start distccd-zeroconf, for --zeroconf. */
#ifndef SERVER_LISTENER_ANNOUNCE_H
#define SERVER_LISTENER_ANNOUNCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"
#include "server/listener/server.h"

/* announce_start - returns 0, also without --zeroconf; failures are logged. */
int announce_start(struct server *s) MUST_CHECK;

/* announce_stop - take the announcement back: no more clients are wanted. */
void announce_stop(struct server *s);

/* announce_reaped - whether pid was that process.  It is not started again:
 * it waits for D-Bus and Avahi itself, and serves nobody who could end it. */
bool announce_reaped(struct server *s, pid_t pid, int status);

#endif
