/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "wire/reply.h"

enum state {
	WANT_DONE, WANT_STAT, WANT_PART,	/* a header must come next */
	IN_BODY,			/* body_left more bytes to lend */
	AT_END,				/* of a part: the next, or REPLY_DONE */
	IS_DONE,
	HAS_FAILED,			/* for good; error says how */
};

struct reply {
	enum state state;
	int error;
	char why[96];
	struct token_gather gather;
	unsigned int protocol;
	uint32_t status;
	enum reply_part part;		/* the present or the next one */
	uint64_t body_max;
	uint32_t body_len, body_left;
	struct view chunk;
};

static const char *const part_names[] = {
	[REPLY_SERR] = "SERR",	[REPLY_SOUT] = "SOUT",
	[REPLY_DOTO] = "DOTO",	[REPLY_DOTD] = "DOTD",
};

struct reply *
reply_new(unsigned int protocol)
{
	struct reply *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->protocol = protocol;
	r->body_max = WIRE_BODY_MAX_BYTES;
	return r;
}

void
reply_free(struct reply *r)
{
	free(r);
}

void
reply_set_body_max(struct reply *r, uint64_t bytes)
{
	r->body_max = bytes < WIRE_BODY_MAX_BYTES ? bytes :
	    WIRE_BODY_MAX_BYTES;
}

const char *
reply_part_name(enum reply_part part)
{
	return part_names[part];
}

/* The packet that the present state waits for, for reply_why(). */
static const char *
packet_name(const struct reply *r)
{
	switch (r->state) {
	case WANT_DONE:
		return "DONE";
	case WANT_STAT:
		return "STAT";
	case WANT_PART:
		return part_names[r->part];
	default:
		return "end of the reply";
	}
}

/* Record an error; returns it. */
static int
fail(struct reply *r, int error, const char *what)
{
	(void)snprintf(r->why, sizeof(r->why), "%s: %s", packet_name(r), what);
	r->state = HAS_FAILED;
	r->error = error;
	return error;
}

const char *
reply_why(const struct reply *r)
{
	return r->why;
}

static int
take_done(struct reply *r, uint32_t val)
{
	if (val != r->protocol)		/* P-041 */
		return fail(r, ERR_PROTOCOL, "not the protocol asked for");
	r->state = WANT_STAT;
	return REPLY_STARTED;
}

static int
take_stat(struct reply *r, uint32_t val)
{
	if (val > WIRE_STAT_MAX)	/* P-042 */
		return fail(r, ERR_LIMIT, "no wait status");
	r->status = val;
	r->part = REPLY_SERR;
	r->state = WANT_PART;
	return REPLY_STATUS;
}

static int
take_part(struct reply *r, uint32_t val)
{
	if (val > r->body_max)
		return fail(r, ERR_LIMIT, "more bytes than allowed");
	if (r->part == REPLY_DOTO && r->status != 0 && val != 0)  /* P-045 */
		return fail(r, ERR_PROTOCOL, "an object of a failed compile");
	r->body_len = r->body_left = val;
	r->state = IN_BODY;
	return REPLY_PART;
}

static int
step_token(struct reply *r, struct view *in)
{
	struct token t;
	int got = token_gather(&r->gather, in, &t);

	if (got < 0)
		return fail(r, ERR_SYNTAX, "not a packet header");
	if (got == 0)
		return REPLY_MORE;
	if (!token_is(&t, packet_name(r)))	/* P-005 */
		return fail(r, ERR_SYNTAX, "another packet came instead");
	if (r->state == WANT_DONE)
		return take_done(r, t.val);
	if (r->state == WANT_STAT)
		return take_stat(r, t.val);
	return take_part(r, t.val);
}

/* P-040, P-047: DOTD is protocol 3's, and only where there is an object. */
static enum reply_part
last_part(const struct reply *r)
{
	return r->protocol == 3 && r->status == 0 ? REPLY_DOTD : REPLY_DOTO;
}

/*
 * The part that has just ended stays "the present one" for the caller until
 * its REPLY_PART_END has been seen, so the step onward is step_end()'s.
 */
static int
step_body(struct reply *r, struct view *in)
{
	size_t n = r->body_left < in->len ? r->body_left : in->len;

	if (r->body_left == 0) {
		r->state = AT_END;
		return REPLY_PART_END;
	}
	if (n == 0 || view_take(in, n, &r->chunk) < 0)
		return REPLY_MORE;
	r->body_left -= (uint32_t)n;
	return REPLY_BODY;
}

uint32_t
reply_body_left(const struct reply *r)
{
	return r->state == IN_BODY ? r->body_left : 0;
}

int
reply_body_skip(struct reply *r, uint32_t n)
{
	if (n > reply_body_left(r))
		return ERR_LIMIT;
	r->body_left -= n;
	return 0;
}

/* Behind a part: the next one's header, or the end. */
static int
step_end(struct reply *r, struct view *in)
{
	if (r->part == last_part(r)) {
		r->state = IS_DONE;
		return REPLY_DONE;
	}
	r->part++;
	r->state = WANT_PART;
	return step_token(r, in);
}

int
reply_feed(struct reply *r, struct view *in)
{
	r->chunk = view_of(NULL, 0);
	switch (r->state) {
	case HAS_FAILED:
		return r->error;
	case AT_END:
		return step_end(r, in);
	case IS_DONE:			/* P-006 */
		return in->len == 0 ? REPLY_MORE :
		    fail(r, ERR_SYNTAX, "more bytes follow");
	case IN_BODY:
		return step_body(r, in);
	default:
		return step_token(r, in);
	}
}

uint32_t
reply_status(const struct reply *r)
{
	return r->status;
}

enum reply_part
reply_part(const struct reply *r)
{
	return r->part;
}

uint32_t
reply_body_len(const struct reply *r)
{
	return r->body_len;
}

struct view
reply_chunk(const struct reply *r)
{
	return r->chunk;
}
