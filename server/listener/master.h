/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * master - the first process of a helper that forks one for each connection
 * (server/forker.h): starting it, asking it, believing it.
 */
#ifndef SERVER_LISTENER_MASTER_H
#define SERVER_LISTENER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/listener/server.h"

/*
 * master_start - if there is none, start it and send it its first message.
 * in      m->chan.ready and .arg are set; program: "distccd-auth"
 *         hello: a message type; fds: what comes with it, borrowed
 * returns 0; ERR_BUSY: a start failed a moment ago; another error, reported
 */
int master_start(struct server *s, struct master *m, const char *program,
    uint32_t hello, const int *fds, size_t nfds) MUST_CHECK;

/*
 * master_stop - close its channel; it ends when it sees that.
 * master_retire - the same with one that did nothing wrong: the next may be
 * started at once.
 */
void master_stop(struct master *m);
void master_retire(struct master *m);

/* master_reaped - note its end; false if pid is not its. */
bool master_reaped(struct master *m, pid_t pid);

/*
 * master_fork - ask for a process.
 * in      id: comes back in MSG_FORKED
 * out     chan->fd: the process's channel, added to the loop; -1 unless that is
 *         open, also on failure
 */
int master_fork(struct master *m, uint32_t id, struct loop_item *chan)
    MUST_CHECK;

/*
 * master_is_child - whether pid is a child of ours that can still be waited
 * for.  What a message calls so may have ended, or never have been: a number
 * that anybody has by now must not be killed.
 */
bool master_is_child(pid_t pid);

#endif
