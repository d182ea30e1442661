/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sealed - a client whose every byte comes in sealed records.  sealed.c is only
 * in distccd-worker-gss; the other worker has sealed_none.c, and no GSSAPI.
 */
#ifndef SERVER_WORKER_SEALED_H
#define SERVER_WORKER_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/err.h"

struct sealed;
struct session;

/*
 * sealed_start - distccd-worker-gss is started once, and forks a worker for
 * each connection.
 * returns 1 in a worker: go on; an error in the first process, at its end
 */
int sealed_start(struct session *s) MUST_CHECK;

/*
 * sealed_open - take a connection over, before the worker confines itself for
 * good.  The context's bytes come from a process that met the client, and
 * Kerberos wants its configuration to read them: so everything has been given
 * up but reading that.
 * in      fd: of MSG_HELLO, consumed
 * returns 0; a failure has been logged
 */
int sealed_open(int fd, struct sealed **out) MUST_CHECK;

/* sealed_why - one line about the last failure. */
const char *sealed_why(const struct sealed *s);

/*
 * sealed_take - bytes of the client that are already in clear.
 * returns how many went to ptr, at most size; 0: sealed_feed() more first
 */
size_t sealed_take(struct sealed *s, void *ptr, size_t size);

/*
 * sealed_room, sealed_feed - where the next bytes of the socket go, and how
 * many have been put there.
 * returns 0, or what makes the connection worthless
 */
unsigned char *sealed_room(struct sealed *s, size_t *size);
int sealed_feed(struct sealed *s, size_t n) MUST_CHECK;

/* sealed_is_over - the client's last record was read, and all of it taken. */
bool sealed_is_over(const struct sealed *s);

/*
 * sealed_put - bytes for the client.
 * out     *out: what is to be written to the socket now, lent until the next
 *         call; often nothing
 * in      bytes: advanced; call again until it is empty
 * sealed_flush - the same for what was held back; last: nothing will follow
 */
int sealed_put(struct sealed *s, struct view *bytes, struct view *out)
    MUST_CHECK;
int sealed_flush(struct sealed *s, bool last, struct view *out) MUST_CHECK;

#endif
