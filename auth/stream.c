/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/stream.h"
#include "lib/log.h"

struct stream {
	struct context *context;	/* owns */
	struct seal seal;
	struct buf clear;		/* of the record being read or written */
	struct buf wrapped;
	unsigned char header[TOKEN_LEN];
	size_t have;			/* bytes of header */
	uint32_t len;			/* of the record; 0: not known yet */
	char why[CONTEXT_WHY_BYTES];
};

struct stream *
stream_new(struct context *c, bool is_client, const unsigned char *client,
    const unsigned char *server)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		context_free(c);
		return NULL;
	}
	s->context = c;
	seal_init(&s->seal, is_client, client, server);
	buf_init(&s->clear, SEAL_RECORD_MAX_BYTES);
	buf_init(&s->wrapped, SEAL_RECORD_MAX_BYTES);
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	context_free(s->context);
	buf_free(&s->clear);
	buf_free(&s->wrapped);
	free(s);
}

const char *
stream_why(const struct stream *s)
{
	return s->why;
}

bool
stream_is_over(const struct stream *s)
{
	return s->seal.read_last;
}

static int
explain(struct stream *s, int err, const char *why)
{
	(void)snprintf(s->why, sizeof(s->why), "%s", why);
	return err;
}

int
stream_pack(struct stream *s, struct view *in, enum seal_kind kind,
    struct buf *out)
{
	bool is_all = in->len <= SEAL_PAYLOAD_MAX_BYTES;
	struct view payload;
	int r;

	if (in->len == 0 && kind == SEAL_MORE)
		return 0;
	if (view_take(in, is_all ? in->len : SEAL_PAYLOAD_MAX_BYTES,
	    &payload) < 0)
		return ERR_TRUNCATED;
	buf_reset(&s->clear);
	buf_reset(&s->wrapped);
	if ((r = seal_put_head(&s->seal, is_all ? kind : SEAL_MORE,
	    &s->clear)) < 0 ||
	    (r = buf_append(&s->clear, payload.ptr, payload.len)) < 0)
		return explain(s, r, "no record can follow");
	r = context_wrap(s->context, buf_view(&s->clear), &s->wrapped);
	if (r < 0)
		return explain(s, r, context_why(s->context));
	return seal_put_record(out, buf_view(&s->wrapped));
}

static size_t
at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* returns 1 when the header is complete and s->len known */
static int
gather_header(struct stream *s, struct view *in)
{
	struct view part;
	int r;

	if (s->len != 0)
		return 1;
	if (view_take(in, at_most(in->len, TOKEN_LEN - s->have), &part) < 0)
		return ERR_TRUNCATED;
	memcpy(s->header + s->have, part.ptr, part.len);
	s->have += part.len;
	if (s->have < TOKEN_LEN)
		return 0;
	s->have = 0;
	r = seal_decode_length(s->header, &s->len);
	if (r < 0)
		return explain(s, r, r == ERR_LIMIT ?
		    "a record is too long" : "bytes that are no record");
	buf_reset(&s->wrapped);
	return 1;
}

/* What a refusing server wrote for people. */
static int
refused(struct stream *s, struct view reason)
{
	(void)log_escape(reason, s->why, sizeof(s->why));
	return ERR_CLOSED;
}

static int
open_record(struct stream *s, struct view *plain)
{
	int r;

	s->len = 0;
	buf_reset(&s->clear);
	r = context_unwrap(s->context, buf_view(&s->wrapped), &s->clear);
	if (r < 0)
		return explain(s, r, context_why(s->context));
	*plain = buf_view(&s->clear);
	r = seal_check(&s->seal, plain);
	if (r < 0)
		return explain(s, r, "a record is not in its place");
	return r == SEAL_REFUSED ? refused(s, *plain) : 1;
}

int
stream_feed(struct stream *s, struct view *in, struct view *plain)
{
	struct view part;
	int r;

	if (s->seal.read_last && in->len != 0)
		return explain(s, ERR_PROTOCOL, "bytes behind the last record");
	if (in->len == 0)
		return 0;
	r = gather_header(s, in);
	if (r <= 0)
		return r;
	if (view_take(in, at_most(in->len, s->len - s->wrapped.len),
	    &part) < 0 ||
	    buf_append(&s->wrapped, part.ptr, part.len) < 0)
		return explain(s, ERR_NOMEM, "no memory for a record");
	if (s->wrapped.len < s->len)
		return 0;
	return open_record(s, plain);
}
