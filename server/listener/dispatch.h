/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dispatch - what a worker may say, and when. */
#ifndef SERVER_LISTENER_DISPATCH_H
#define SERVER_LISTENER_DISPATCH_H

#include "server/listener/server.h"

/*
 * dispatch_worker - receive one message of a worker and act on it.
 * returns 0; ERR_BUSY: none there; ERR_CLOSED; ERR_PROTOCOL and others: the
 *         worker is not to be trusted any more, the caller ends it
 */
int dispatch_worker(struct client *c) MUST_CHECK;

/*
 * dispatch_summary - a connection is over: log it, charge its source, and set
 * the state to CLIENT_ENDED.
 * in      m: of a checked message, or our own
 */
void dispatch_summary(struct client *c, const struct msg_summary *m);

#endif
