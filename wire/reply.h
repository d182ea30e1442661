/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reply - what a server sends back: status, diagnostics, outputs. */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "wire/limits.h"
#include "wire/token.h"

enum reply_event {
	REPLY_MORE,		/* all input used; feed more */
	REPLY_STARTED,		/* DONE was read: the server is serving us */
	REPLY_STATUS,		/* reply_status() is known */
	REPLY_PART,		/* a part begins: reply_part(), reply_body_len() */
	REPLY_BODY,		/* reply_chunk() holds its next bytes */
	REPLY_PART_END,
	REPLY_DONE,		/* the reply is complete */
};

/* In the order of the wire.  DOTD comes only in protocol 3 and only with status
 * 0 (P-047): the caller counts on no part before it has seen its REPLY_PART. */
enum reply_part { REPLY_SERR, REPLY_SOUT, REPLY_DOTO, REPLY_DOTD };

struct reply;

/* reply_new - protocol: what the request said, 1 to 3. NULL: no memory. */
struct reply *reply_new(unsigned int protocol);
void reply_free(struct reply *r);

/*
 * reply_set_body_max - a tighter cap than WIRE_BODY_MAX_BYTES, in bytes as
 * sent, for each part.  To be called before the first reply_feed().
 */
void reply_set_body_max(struct reply *r, uint64_t bytes);

/*
 * reply_feed - go on parsing.
 * in      in: untrusted bytes; advanced past what was used.  Call again with
 *         what is left until REPLY_MORE.
 * returns an enum reply_event (>= 0); or, final for this reply, ERR_SYNTAX
 *         (not the format, bytes behind REPLY_DONE), ERR_LIMIT (a cap),
 *         ERR_PROTOCOL (another protocol than asked for; an object although
 *         the status is not 0).  reply_why() says what and where.
 * A server that refuses may end early: the caller sees EOF, no event.
 * wire    P-040 … P-049
 */
int reply_feed(struct reply *r, struct view *in) MUST_CHECK;
/* reply_why - one English clause about the last error; owned by r; contains
 * no byte of the peer. */
const char *reply_why(const struct reply *r);

uint32_t reply_status(const struct reply *r);	/* a wait status, <= 0xffff */
enum reply_part reply_part(const struct reply *r);
uint32_t reply_body_len(const struct reply *r);	/* as sent; 0 is empty */
struct view reply_chunk(const struct reply *r);	/* lent until next feed */
/* as request_body_left() and request_body_skip() */
uint32_t reply_body_left(const struct reply *r);
int reply_body_skip(struct reply *r, uint32_t n) MUST_CHECK;

/* reply_part_name - the part's token ("SERR" …); static. */
const char *reply_part_name(enum reply_part part);

#endif
