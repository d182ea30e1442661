/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth - hosts with ",auth" or ",seal": who we are, who they are, and then
 * perhaps a sealed connection.  GSSAPI is loaded at the first such host.
 */
#ifndef CLIENT_AUTH_H
#define CLIENT_AUTH_H

#include <stdint.h>
#include <sys/types.h>

#include "client/env.h"
#include "client/hosts.h"
#include "lib/buf.h"
#include "lib/err.h"

#define AUTH_WHY_BYTES	256

struct auth;		/* a sealed connection */

/* auth_missing - NULL if this build can authenticate, else what it lacks. */
const char *auth_missing(void);

/*
 * auth_begin - the handshake with a host that asks for one.
 * in      fd: connected, borrowed, for as long as *out is used
 *         timeout_s: seconds without progress
 * out     *out: NULL for ",auth": the job follows in clear; for ",seal" what
 *         all further bytes go through; to be freed with auth_free()
 *         why: on error, one line
 */
int auth_begin(struct auth **out, int fd, const struct host *host,
    const struct env *env, char why[AUTH_WHY_BYTES]) MUST_CHECK;
void auth_free(struct auth *a);		/* NULL is fine */

/* auth_why - one line about the last failure. */
const char *auth_why(const struct auth *a);

/*
 * auth_pack - the sealed form of in, all of it, in out's place.
 * in      last: nothing will follow
 */
int auth_pack(struct auth *a, struct view in, bool last, struct buf *out)
    MUST_CHECK;

/*
 * auth_read - some clear bytes of the server.
 * returns how many (> 0); ERR_CLOSED: it is genuinely over; ERR_TRUNCATED: cut;
 *         ERR_ACCESS: not genuine, or refused, see auth_why(); ERR_TIMEOUT, ...
 */
ssize_t auth_read(struct auth *a, void *ptr, size_t size, int64_t deadline_ms)
    MUST_CHECK;

/*
 * auth_read_end - after the reply: the server must say that this was all.
 * returns 0; ERR_TRUNCATED: cut; ERR_ACCESS, see auth_why(); ERR_TIMEOUT, ...
 */
int auth_read_end(struct auth *a, int64_t deadline_ms) MUST_CHECK;

#endif
