/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth - handshakes: one distccd-auth a connection, some started ahead of
 * time, and the judgement of who has proved to be whom.  The listener keeps
 * the client's socket, so distccd-auth cannot hand it another one.
 */
#ifndef SERVER_LISTENER_AUTH_H
#define SERVER_LISTENER_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/listener/server.h"

/* auth_init - with --auth, read the rules and open the keytab and the replay
 * cache; reported if not. */
int auth_init(struct server *s) MUST_CHECK;

/* auth_open - start the first process and wait until it is confined: what is
 * wrong with keytab or mechanism is known before the first client. */
int auth_open(struct server *s) MUST_CHECK;

/*
 * auth_start - begin a connection's handshake; a worker follows.
 * in      in, out: the connection, consumed (the same number for a socket)
 */
int auth_start(struct server *s, int in, int out, const struct sockaddr *peer,
    uint32_t source) MUST_CHECK;

/* auth_reload - SIGHUP: read keytab and rules again. */
void auth_reload(struct server *s);

/* auth_reaped - note the end of a process; false if pid is none of ours. */
bool auth_reaped(struct server *s, pid_t pid, int status);
void auth_tick(struct server *s, int64_t now_ms);

/* auth_stop - end every handshake. */
void auth_stop(struct server *s);

#endif
