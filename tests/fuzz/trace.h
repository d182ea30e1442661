/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace - run a parser over input cut into pieces and write down all that its
 * owner could learn, so that two ways of cutting can be compared byte by byte.
 * For fuzz targets and unit tests; any failure here is abort().
 */
#ifndef TESTS_FUZZ_TRACE_H
#define TESTS_FUZZ_TRACE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "wire/reply.h"
#include "wire/request.h"

#define TRACE_MAX_BYTES	(64U * 1024 * 1024)

#define MUST(cond) do {							\
	if (!(cond)) {							\
		(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,	\
		    #cond);						\
		abort();						\
	}								\
} while (0)

/* How to cut: the first piece is `first` bytes long, later ones 1 to `most`
 * by a little random generator; most 0: one piece. */
struct cut {
	size_t first;
	size_t most;
	uint32_t seed;
	int is_direct;		/* read bodies past the parser, with _skip() */
};

static inline size_t
cut_next(struct cut *c, size_t at, size_t left)
{
	size_t n;

	c->seed = c->seed * 1103515245U + 12345U;
	if (at == 0 && c->first != 0)
		n = c->first;
	else if (c->most == 0)
		n = left;
	else
		n = 1 + (c->seed >> 16) % c->most;
	return n < left ? n : left;
}

static inline void
note(struct buf *log, const char *what, const void *ptr, size_t len)
{
	MUST(buf_printf(log, "\n%s %zu ", what, len) == 0);
	MUST(buf_append(log, ptr, len) == 0);
}

static inline void
note_str(struct buf *log, const char *what, const char *s)
{
	note(log, what, s, strlen(s));
}

static inline void
note_command(struct buf *log, const struct request *r)
{
	struct view all = request_argv_bytes(r);
	size_t bytes = 0;

	MUST(request_argc(r) >= 1 && request_argc(r) <= WIRE_ARGC_MAX);
	for (size_t i = 0; i < request_argc(r); i++) {
		const char *arg = request_arg(r, i);

		MUST(memcmp(all.ptr + bytes, arg, strlen(arg) + 1) == 0);
		bytes += strlen(arg) + 1;
	}
	MUST(bytes == all.len && bytes <= WIRE_ARGV_MAX_BYTES);
	note(log, "command", all.ptr, all.len);
	MUST((request_cdir(r) != NULL) == (request_protocol(r) == 3));
	if (request_cdir(r) != NULL)
		note_str(log, "cdir", request_cdir(r));
}

static inline void
note_request(struct buf *log, const struct request *r, int event)
{
	struct view chunk = request_chunk(r);

	MUST((event == REQUEST_BODY) == (chunk.len != 0));
	switch (event) {
	case REQUEST_MORE:
		return;			/* depends on the cutting */
	case REQUEST_BODY:
		MUST(buf_append(log, chunk.ptr, chunk.len) == 0);
		return;
	case REQUEST_COMMAND:
		note_command(log, r);
		return;
	case REQUEST_FILE:
		MUST(request_body_len(r) == request_body_left(r));
		if (request_protocol(r) == 3)
			note_str(log, "name", request_name(r));
		MUST(buf_printf(log, "\nfile %u ", request_body_len(r)) == 0);
		return;
	case REQUEST_LINK:
		note_str(log, "link", request_name(r));
		note_str(log, "target", request_target(r));
		return;
	default:
		MUST(buf_printf(log, "\nevent %d of %u", event,
		    request_protocol(r)) == 0);
		if (event < 0)
			note_str(log, "why", request_why(r));
	}
}

/* Take what the parser would lend, behind its back. */
static inline void
read_direct(struct buf *log, struct request *r, struct view *in)
{
	size_t n = request_body_left(r);
	struct view part;

	MUST(request_body_skip(r, (uint32_t)n + 1) == ERR_LIMIT || n ==
	    UINT32_MAX);
	if (n > in->len)
		n = in->len;
	MUST(view_take(in, n, &part) == 0);
	MUST(buf_append(log, part.ptr, part.len) == 0);
	MUST(request_body_skip(r, (uint32_t)n) == 0);
}

/* Feed one piece, held in memory of exactly its size; returns the last event. */
static inline int
feed_request(struct buf *log, struct request *r, const uint8_t *data,
    size_t len, int is_direct)
{
	uint8_t *piece = malloc(len != 0 ? len : 1);
	struct view in = view_of(piece, len);
	int event;

	MUST(piece != NULL);
	if (len != 0)
		memcpy(piece, data, len);
	do {
		if (is_direct)
			read_direct(log, r, &in);
		event = request_feed(r, &in);
		note_request(log, r, event);
	} while (event > REQUEST_MORE);
	MUST(event < 0 || in.len == 0);
	free(piece);
	return event;
}

/* The whole story of a request; the caller frees log. */
static inline void
trace_request(struct buf *log, const uint8_t *data, size_t len,
    uint64_t body_max, struct cut c)
{
	struct request *r = request_new();
	int event = REQUEST_MORE;

	MUST(r != NULL);
	request_set_body_max(r, body_max);
	buf_init(log, TRACE_MAX_BYTES);
	for (size_t at = 0; at < len && event >= 0;) {
		size_t n = cut_next(&c, at, len - at);

		event = feed_request(log, r, data + at, n, c.is_direct);
		at += n;
	}
	if (event < 0) {		/* an error is for good */
		struct view none = view_of(NULL, 0);

		MUST(request_feed(r, &none) == event);
	}
	request_free(r);
}

static inline void
note_reply(struct buf *log, const struct reply *r, int event)
{
	struct view chunk = reply_chunk(r);

	MUST((event == REPLY_BODY) == (chunk.len != 0));
	if (event == REPLY_MORE)
		return;
	if (event == REPLY_BODY) {
		MUST(buf_append(log, chunk.ptr, chunk.len) == 0);
		return;
	}
	MUST(buf_printf(log, "\nevent %d ", event) == 0);
	if (event == REPLY_STATUS)
		MUST(buf_printf(log, "%u", reply_status(r)) == 0);
	if (event == REPLY_PART || event == REPLY_PART_END)
		MUST(buf_printf(log, "%s %u ", reply_part_name(reply_part(r)),
		    reply_body_len(r)) == 0);
	if (event < 0)
		note_str(log, "why", reply_why(r));
}

static inline void
read_reply_direct(struct buf *log, struct reply *r, struct view *in)
{
	size_t n = reply_body_left(r);
	struct view part;

	if (n > in->len)
		n = in->len;
	MUST(view_take(in, n, &part) == 0);
	MUST(buf_append(log, part.ptr, part.len) == 0);
	MUST(reply_body_skip(r, (uint32_t)n) == 0);
}

static inline int
feed_reply(struct buf *log, struct reply *r, const uint8_t *data, size_t len,
    int is_direct)
{
	uint8_t *piece = malloc(len != 0 ? len : 1);
	struct view in = view_of(piece, len);
	int event;

	MUST(piece != NULL);
	if (len != 0)
		memcpy(piece, data, len);
	do {
		if (is_direct)
			read_reply_direct(log, r, &in);
		event = reply_feed(r, &in);
		note_reply(log, r, event);
	} while (event > REPLY_MORE);
	MUST(event < 0 || in.len == 0);
	free(piece);
	return event;
}

static inline void
trace_reply(struct buf *log, const uint8_t *data, size_t len,
    unsigned int protocol, uint64_t body_max, struct cut c)
{
	struct reply *r = reply_new(protocol);
	int event = REPLY_MORE;

	MUST(r != NULL);
	reply_set_body_max(r, body_max);
	buf_init(log, TRACE_MAX_BYTES);
	for (size_t at = 0; at < len && event >= 0;) {
		size_t n = cut_next(&c, at, len - at);

		event = feed_reply(log, r, data + at, n, c.is_direct);
		at += n;
	}
	if (event < 0) {
		struct view none = view_of(NULL, 0);

		MUST(reply_feed(r, &none) == event);
	}
	reply_free(r);
}

/* The story must not depend on the cutting. */
static inline void
same_story(const struct buf *a, const struct buf *b)
{
	if (a->len == b->len && (a->len == 0 ||
	    memcmp(a->ptr, b->ptr, a->len) == 0))
		return;
	(void)fprintf(stderr, "--- %.*s\n+++ %.*s\n", (int)a->len,
	    (const char *)a->ptr, (int)b->len, (const char *)b->ptr);
	abort();
}

/*
 * Single cuts at every position (in a long input: at some, other ones for
 * another input), then byte by byte, then random pieces; each once with bodies
 * lent by the parser and once with bodies read past it.
 */
#define CUT_ALL_BYTES	400U	/* every position up to this length */
#define CUT_SOME	40U	/* so many beyond it */
#define CUT_RANDOM	5U

static inline size_t
cut_singles(size_t len)
{
	return len <= CUT_ALL_BYTES ? len : CUT_SOME;
}

static inline size_t
cut_count(size_t len)
{
	return 2 * (cut_singles(len) + CUT_RANDOM);
}

static inline struct cut
cut_number(size_t i, const uint8_t *data, size_t len)
{
	size_t singles = cut_singles(len), k = i / 2;
	struct cut c = { .is_direct = i % 2 != 0, .seed = (uint32_t)(i + len) };

	if (k >= singles)
		c.most = (size_t)1 << (2 * (k - singles));
	else if (singles == len)
		c.first = k;
	else
		c.first = 1 + (k * len / singles + data[k] * 7U) % (len - 1);
	return c;
}

#endif
