/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signals - as events of the loop. */
#ifndef SERVER_LISTENER_SIGNALS_H
#define SERVER_LISTENER_SIGNALS_H

#include "server/listener/server.h"

/* signals_open - from here on SIGTERM, SIGINT, SIGHUP and SIGCHLD arrive
 * through the loop; SIGPIPE is ignored. */
int signals_open(struct server *s) MUST_CHECK;

#endif
