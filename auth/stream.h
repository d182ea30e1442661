/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream - a sealed connection's bytes: plain on one side, records on the
 * other.  It moves no byte to or from a descriptor; the caller does.
 */
#ifndef AUTH_STREAM_H
#define AUTH_STREAM_H

#include <stdbool.h>

#include "auth/context.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "wire/seal.h"

struct stream;

/*
 * stream_new - over an established context, which is consumed, also on failure.
 * in      client, server: the nonces of the hellos
 * returns NULL: no memory
 */
struct stream *stream_new(struct context *c, bool is_client,
    const unsigned char *client, const unsigned char *server);
void stream_free(struct stream *s);	/* NULL is fine */

/* stream_why - one line about the last failure. */
const char *stream_why(const struct stream *s);

/*
 * stream_pack - append one record with as much of in as fits to out.
 * in      in: advanced past what was taken
 *         kind: of the record that takes the last of it; those before it say
 *         SEAL_MORE.  Nothing, and SEAL_MORE, makes no record.
 */
int stream_pack(struct stream *s, struct view *in, enum seal_kind kind,
    struct buf *out) MUST_CHECK;

/*
 * stream_feed - go on collecting and unwrapping one record.
 * in      in: untrusted; advanced past what was used.  Must be empty before
 *         the next call if this one gave nothing.
 * returns 1: *plain has bytes (maybe none), lent until the next call; 0: feed
 *         more; ERR_ACCESS, ERR_SYNTAX, ERR_PROTOCOL, ERR_LIMIT: not a genuine
 *         record in its place; ERR_CLOSED: the server refuses, stream_why()
 */
int stream_feed(struct stream *s, struct view *in, struct view *plain)
    MUST_CHECK;

/* stream_is_over - whether the peer's last record was read: only then is the
 * end of the file the end of what it had to say. */
bool stream_is_over(const struct stream *s);

#endif
