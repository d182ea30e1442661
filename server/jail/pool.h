/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool - the jails of a daemon: ready ones made in advance, off the path of any
 * request; each used once, for one compile, and thrown away.
 */
#ifndef SERVER_JAIL_POOL_H
#define SERVER_JAIL_POOL_H

#include "sandbox/jail.h"
#include "server/jail/init.h"
#include "server/msg.h"

#define POOL_JAILS_MAX	5122	/* --jobs, --pool at their most, and 2 */

/*
 * pool_run - serve the listener's channel until it closes, then end every jail.
 * in      chan: MSG_RUN and MSG_KILL come, MSG_RAN and MSG_LOG go
 * returns 0 when the listener has gone; ERR_PROTOCOL on a message that it
 *         could not have meant
 */
int pool_run(int chan, const struct jail_plan *plan,
    struct init_context *ctx) MUST_CHECK;

#endif
