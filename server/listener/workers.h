/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workers - the workers of sealed connections, forked from the first
 * distccd-worker-gss.
 */
#ifndef SERVER_LISTENER_WORKERS_H
#define SERVER_LISTENER_WORKERS_H

#include "server/listener/server.h"

void workers_init(struct server *s);

/* workers_open - start the first process ahead of need; reported if not. */
void workers_open(struct server *s);

/*
 * workers_fork - ask for c's worker.  It is there when c->pid is set, and then
 * has had its HELLO; until then c holds copies of what it is to get.
 * in      in, out, context: borrowed
 */
int workers_fork(struct client *c, int in, int out, int context) MUST_CHECK;

/* workers_forget - c's worker is not wanted any more, if it was on its way. */
void workers_forget(struct client *c);

/* workers_renew - if there is a first process, another, with other addresses. */
void workers_renew(struct server *s);

#endif
