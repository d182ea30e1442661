/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper - the listener's side of distccd-jail's first process, which keeps the
 * rights that a jailer needs.  The listener itself gives them up.
 */
#ifndef SERVER_LISTENER_KEEPER_H
#define SERVER_LISTENER_KEEPER_H

#include "server/listener/server.h"

/* keeper_start - start it; once, before the listener shuts itself in. */
int keeper_start(struct server *s) MUST_CHECK;

/*
 * keeper_fork - have it make a jailer, our child.
 * in      chan: the jailer's end of its channel, borrowed
 * out     *pid
 * returns 0; ERR_CLOSED when the keeper is gone, which is for good
 */
int keeper_fork(struct server *s, int chan, pid_t *pid) MUST_CHECK;

/* keeper_reaped - whether pid was the keeper; notes that it is gone. */
bool keeper_reaped(struct server *s, pid_t pid);

/* keeper_stop - for the listener's own end. */
void keeper_stop(struct server *s);

#endif
