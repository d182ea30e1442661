/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients - one entry a connection: its worker, its place in the queues.
 */
#ifndef SERVER_LISTENER_CLIENTS_H
#define SERVER_LISTENER_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "server/listener/server.h"

/* clients_init - queues and counters for opt.max_clients; reported if not. */
int clients_init(struct server *s) MUST_CHECK;

/*
 * clients_judge - whether a new peer is to be served; a refusal is logged.
 * out     *source: of sources_find()
 */
bool clients_judge(struct server *s, const struct sockaddr *peer,
    uint32_t *source);

/*
 * clients_admit - start a worker for a connection as soon as its client sends
 * something.  Silent connections cost a descriptor, and no process.
 * in      fd: consumed
 */
int clients_admit(struct server *s, int fd, const struct sockaddr *peer,
    uint32_t source) MUST_CHECK;

/*
 * clients_start - start a worker for a connection.
 * in      in, out: the connection, consumed (the same number for a socket)
 */
int clients_start(struct server *s, int in, int out,
    const struct sockaddr *peer, uint32_t source) MUST_CHECK;

/*
 * clients_start_known - the same for a client that has proved who it is.
 * in      principal: its name, borrowed; context: for the worker, borrowed;
 *         -1: the connection is not sealed
 */
int clients_start_known(struct server *s, int in, int out,
    const struct sockaddr *peer, uint32_t source, const char *principal,
    int context) MUST_CHECK;

/* clients_pump - grant memory and slots as far as they go. */
void clients_pump(struct server *s);

/* clients_compiled - tell the job's worker, if it is still there. */
void clients_compiled(struct server *s, const struct msg_compiled *m,
    const int *fds, size_t nfds);

/* clients_lose - close the channel, end the worker, leave every queue. */
void clients_lose(struct client *c);

/* clients_reaped - note the end of a worker; false if pid is none. */
bool clients_reaped(struct server *s, pid_t pid, int status);

void clients_tick(struct server *s, int64_t now_ms);

/* clients_stop - for SIGTERM: end the workers whose request is incomplete;
 * with all set, all of them. */
void clients_stop(struct server *s, bool all);

#endif
