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

/* in the order of the wire */
enum reply_part { REPLY_SERR, REPLY_SOUT, REPLY_DOTO, REPLY_DOTD };

struct reply;

/* reply_new - protocol: what the request said, 1 to 3. NULL: no memory. */
struct reply *reply_new(unsigned int protocol);
void reply_free(struct reply *r);

/*
 * reply_feed - go on parsing; as request_feed().
 * A server that refuses may end early: the caller sees EOF, no event.
 * wire    P-040 … P-059
 */
int reply_feed(struct reply *r, struct view *in) MUST_CHECK;
const char *reply_why(const struct reply *r);

uint32_t reply_status(const struct reply *r);	/* a wait status, <= 0xffff */
enum reply_part reply_part(const struct reply *r);
uint32_t reply_body_len(const struct reply *r);	/* as sent; 0 is empty */
struct view reply_chunk(const struct reply *r);
uint32_t reply_body_left(const struct reply *r);
int reply_body_skip(struct reply *r, uint32_t n) MUST_CHECK;

/* reply_part_name - the part's token ("SERR" …); static. */
const char *reply_part_name(enum reply_part part);

#endif
