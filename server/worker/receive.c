/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "server/worker/ask.h"
#include "server/worker/command.h"
#include "server/worker/peer.h"
#include "server/worker/receive.h"
#include "wire/lzo.h"
#include "wire/path.h"

#define FREE_BYTES	(64 * 1024)	/* held without asking */
#define STEP_BYTES	(8ULL * 1024 * 1024)	/* asked for at one time */
#define LZO_RATIO	10	/* first guess of how far a body expands */

struct receiver {
	struct session *s;
	char input[512];	/* protocols 1 and 2: the body's name */
	uint64_t held;		/* bytes of bodies that we hold */
	uint64_t expanded;	/* of them, in the job file */
	unsigned char *packed;	/* owns: the present body as sent, lzo */
	size_t packed_len;
};

static int
bad(struct session *s, const char *why)
{
	return session_end(s, MSG_OUTCOME_BAD_REQUEST, ANSWER_NOTHING, "%s",
	    why);
}

/* --- memory -------------------------------------------------------------- */

/*
 * Before bytes more are held.  What is still to come of a large body is asked
 * for in steps: who only announces bytes does not take memory from others.
 */
static int
hold(struct receiver *v, uint64_t bytes)
{
	struct session *s = v->s;
	uint64_t need = v->held + bytes, step;

	if (need > FREE_BYTES && need > s->granted) {
		step = need - s->granted;
		if (step < STEP_BYTES / 8)
			step = STEP_BYTES / 8;
		if (ask_memory(s, step) < 0)
			return ERR_CLOSED;
	}
	v->held = need;
	return 0;
}

/* --- bodies -------------------------------------------------------------- */

static bool
is_packed(const struct session *s)
{
	return s->protocol >= 2;
}

static int
begin_body(struct receiver *v, const char *name)
{
	struct session *s = v->s;

	if (jobfile_begin(&s->file, JOB_FILE, name) < 0)
		return bad(s, "more names than a job may have");
	v->packed_len = 0;
	if (!is_packed(s) || request_body_len(s->request) == 0)
		return 0;
	/* not touched before it is read into, so this takes no memory yet */
	v->packed = malloc(request_body_len(s->request));
	return v->packed != NULL ? 0 : session_end(s, MSG_OUTCOME_INTERNAL,
	    ANSWER_NOTHING, "no memory for a body");
}

/* Where the next bytes of the body go; *n: how many may. */
static unsigned char *
body_room(struct receiver *v, size_t *n)
{
	if (!is_packed(v->s))
		return jobfile_room(&v->s->file, n);
	*n = request_body_len(v->s->request) - v->packed_len;
	return v->packed + v->packed_len;
}

static void
body_advance(struct receiver *v, size_t n)
{
	if (!is_packed(v->s)) {
		jobfile_advance(&v->s->file, n);
		v->expanded += n;
	} else {
		v->packed_len += n;
	}
}

/* A part of a body that came with what was before it. */
static int
take_chunk(struct receiver *v)
{
	struct view chunk = request_chunk(v->s->request);
	size_t room;
	unsigned char *to;
	int r = hold(v, chunk.len);

	if (r < 0)
		return r;
	to = body_room(v, &room);
	if (chunk.len > room)
		return bad(v->s, "more bytes than allowed");
	memcpy(to, chunk.ptr, chunk.len);
	body_advance(v, chunk.len);
	return 0;
}

/* The rest of a body, read straight into its place. */
static int
read_body(struct receiver *v)
{
	struct session *s = v->s;
	uint32_t left;

	while ((left = request_body_left(s->request)) > 0) {
		size_t step = left < STEP_BYTES ? left : STEP_BYTES, room;
		unsigned char *to;
		int r = hold(v, step);

		if (r < 0)
			return r;
		to = body_room(v, &room);
		if (step > room)
			return bad(s, "more bytes than allowed");
		for (size_t have = 0; have < step;) {
			ssize_t n = peer_read(s, to + have, step - have);

			if (n < 0)
				return (int)n;
			have += (size_t)n;
		}
		body_advance(v, step);
		if (request_body_skip(s->request, (uint32_t)step) < 0)
			return bad(s, "more bytes than allowed");
	}
	return 0;
}

/* Decompress into the job file, at most cap bytes. */
static int
unpack(struct receiver *v, uint64_t cap, size_t *len)
{
	size_t room;
	unsigned char *to = jobfile_room(&v->s->file, &room);

	return lzo_unpack(v->packed, v->packed_len, to,
	    cap < room ? (size_t)cap : room, len);
}

/*
 * How large it becomes is not known before: ask for memory for the usual case,
 * and for all that is allowed only if that was too little.
 */
static int
expand(struct receiver *v)
{
	struct session *s = v->s;
	uint64_t max = s->config->limits.max_request - v->expanded;
	uint64_t guess = v->packed_len * LZO_RATIO + FREE_BYTES;
	size_t len = 0;
	int r;

	if (guess > max)
		guess = max;
	if (hold(v, guess) < 0)
		return ERR_CLOSED;
	r = unpack(v, guess, &len);
	if (r == ERR_LIMIT && guess < max) {
		if (hold(v, max - guess) < 0)
			return ERR_CLOSED;
		guess = max;
		r = unpack(v, max, &len);
	}
	v->held -= guess + v->packed_len - len;
	if (r == ERR_LIMIT)
		return bad(s, "it expands to more than --max-request");
	if (r < 0)
		return bad(s, "its compressed data is corrupt");
	v->expanded += len;
	jobfile_advance(&s->file, len);
	return 0;
}

static int
end_body(struct receiver *v)
{
	int r = v->packed_len != 0 ? expand(v) : 0;

	free(v->packed);
	v->packed = NULL;
	if (r == 0)
		jobfile_end(&v->s->file);
	return r;
}

/* --- protocol 3's names -------------------------------------------------- */

static int
begin_file(struct receiver *v)
{
	struct session *s = v->s;
	const char *name = s->protocol == 3 ? request_name(s->request) :
	    v->input;

	if (path_check_name(name) < 0)
		return bad(s, "a file's name is no clean absolute path");
	return begin_body(v, name);
}

static int
take_link(struct receiver *v)
{
	struct session *s = v->s;
	const char *name = request_name(s->request);
	const char *target = request_target(s->request);
	char resolved[4097];
	bool is_system;

	if (path_check_link(name, target, &is_system, resolved,
	    sizeof(resolved)) < 0)
		return bad(s, "a link's name or target is not allowed");
	if (jobfile_begin(&s->file, is_system ? JOB_SYSTEM_LINK : JOB_LINK,
	    name) < 0 || jobfile_append(&s->file,
	    view_str(is_system ? resolved : target)) < 0)
		return bad(s, "more names than a job may have");
	jobfile_end(&s->file);
	return 0;
}

/* --- events -------------------------------------------------------------- */

static int
take_command(struct receiver *v)
{
	v->s->body_began_ms = clock_ms();
	return command_take(v->s, v->input);
}

static int
take_event(struct receiver *v, int event)
{
	struct session *s = v->s;

	switch ((enum request_event)event) {
	case REQUEST_VERSION:
		s->protocol = request_protocol(s->request);
		return 0;
	case REQUEST_COMMAND:
		return take_command(v);
	case REQUEST_FILE:
		return begin_file(v);
	case REQUEST_BODY:
		return take_chunk(v);
	case REQUEST_FILE_END:
		return end_body(v);
	case REQUEST_LINK:
		return take_link(v);
	case REQUEST_DONE:
		s->is_complete = true;
		return 0;
	case REQUEST_MORE:
		break;
	}
	return 0;
}

/* Everything that is in the buffer. */
static int
feed(struct receiver *v)
{
	struct session *s = v->s;
	int event, r;

	while ((event = request_feed(s->request, &s->unread)) != REQUEST_MORE) {
		if (event < 0)
			return bad(s, request_why(s->request));
		if ((r = take_event(v, event)) < 0)
			return r;
	}
	return 0;
}

static int
fill_buffer(struct session *s)
{
	ssize_t n = peer_read(s, s->buffer, sizeof(s->buffer));

	if (n < 0)
		return (int)n;
	s->unread = view_of(s->buffer, (size_t)n);
	return 0;
}

int
receive_request(struct session *s)
{
	struct receiver v = { .s = s };
	int r = 0;

	request_set_body_max(s->request, s->config->limits.max_request);
	while (r == 0 && !s->is_complete) {
		if (request_body_left(s->request) > 0)
			r = read_body(&v);
		else
			r = fill_buffer(s);
		if (r == 0)
			r = feed(&v);
	}
	free(v.packed);
	return r < 0 ? r : peer_end_request(s);
}
