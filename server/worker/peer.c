/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "server/worker/peer.h"
#include "server/worker/sealed.h"
#include "wire/seal.h"
#include "wire/token.h"

static int flush_sealed(struct session *s, struct peer_out *o, bool last);

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* By when bytes must have come or gone at the least rate. */
static int64_t
rate_deadline(const struct session *s, int64_t began_ms, uint64_t bytes)
{
	const struct limits *l = &s->config->limits;

	return began_ms + l->idle_ms + (int64_t)(bytes * 1000 / l->min_rate);
}

static int64_t
idle_deadline(const struct session *s)
{
	return clock_ms() + s->config->limits.idle_ms;
}

/* Before the command line is complete one deadline counts for all of it. */
static int64_t
read_deadline(const struct session *s)
{
	if (s->body_began_ms == 0)
		return s->began_ms + s->config->limits.header_ms;
	return earlier(idle_deadline(s), rate_deadline(s, s->body_began_ms,
	    s->body_bytes + (s->sealed != NULL ? SEAL_RECORD_MAX_BYTES : 0)));
}

static int
left(struct session *s, const char *when)
{
	return session_end(s, MSG_OUTCOME_CLIENT_LEFT, ANSWER_NOTHING,
	    "the client left %s", when);
}

static ssize_t
read_socket(struct session *s, void *ptr, size_t size)
{
	ssize_t n = fd_read_some(MSG_PEER_FD, ptr, size, read_deadline(s));

	if (n == ERR_TIMEOUT)
		return session_end(s, MSG_OUTCOME_TIMEOUT, ANSWER_NOTHING,
		    "the request came too slowly");
	if (n < 0)
		return left(s, "in the middle of its request");
	s->summary.bytes_in += (uint64_t)n;
	return n;
}

/*
 * The least rate is of the job's bytes, since a record of one byte takes ninety;
 * a record counts when all of it is there.
 */
static ssize_t
note_read(struct session *s, ssize_t n)
{
	if (n > 0 && s->body_began_ms != 0)
		s->body_bytes += (uint64_t)n;
	return n;
}

static int
spoilt(struct session *s)
{
	return session_end(s, MSG_OUTCOME_TAMPERED, ANSWER_NOTHING,
	    "sealed connection: %s", sealed_why(s->sealed));
}

/* Clear bytes; where that needs more of the socket's, these first. */
static ssize_t
read_sealed(struct session *s, void *ptr, size_t size)
{
	size_t have = 0;

	if (sealed_feed(s->sealed, 0) < 0)
		return spoilt(s);
	while ((have = sealed_take(s->sealed, ptr, size)) == 0) {
		size_t room;
		unsigned char *to = sealed_room(s->sealed, &room);
		ssize_t n;

		if (sealed_is_over(s->sealed))
			return left(s, "in the middle of its request");
		if ((n = read_socket(s, to, room)) < 0)
			return n;
		if (sealed_feed(s->sealed, (size_t)n) < 0)
			return spoilt(s);
	}
	return (ssize_t)have;
}

ssize_t
peer_read(struct session *s, void *ptr, size_t size)
{
	return note_read(s, s->sealed != NULL ? read_sealed(s, ptr, size) :
	    read_socket(s, ptr, size));
}

int
peer_end_request(struct session *s)
{
	unsigned char byte;

	if (s->sealed == NULL)
		return 0;
	while (!sealed_is_over(s->sealed)) {
		size_t room;
		unsigned char *to = sealed_room(s->sealed, &room);
		ssize_t n;

		if (sealed_feed(s->sealed, 0) < 0)
			return spoilt(s);
		if (sealed_take(s->sealed, &byte, 1) != 0)
			return session_end(s, MSG_OUTCOME_BAD_REQUEST,
			    ANSWER_NOTHING, "more bytes behind the request");
		if (sealed_is_over(s->sealed))
			break;
		if ((n = read_socket(s, to, room)) < 0)
			return (int)n;
		if (sealed_feed(s->sealed, (size_t)n) < 0)
			return spoilt(s);
	}
	return 0;
}

struct pollfd
peer_pollfd(const struct session *s)
{
	/* bytes are news only behind a complete request, behind a FIN nothing
	 * but an error or a hang-up is */
	if (s->has_eof || !s->is_complete)
		return (struct pollfd){ .fd = MSG_PEER_OUT_FD };
	return (struct pollfd){ .fd = MSG_PEER_FD, .events = POLLIN };
}

/* The beginning of the reply, before anything of it is known. */
static int
send_done(struct session *s)
{
	unsigned char header[TOKEN_LEN];
	struct peer_out o;
	int r;

	if (s->has_done)
		return 0;
	s->has_done = true;
	token_encode(header, "DONE", s->protocol);
	peer_out_begin(&o);
	r = peer_write(s, &o, header, sizeof(header));
	return r < 0 || s->sealed == NULL ? r : flush_sealed(s, &o, false);
}

int
peer_noticed(struct session *s, short revents)
{
	char byte;
	ssize_t n;

	if (revents == 0)
		return 0;
	if (s->has_eof || !s->is_complete)
		return left(s, "while it was waiting");
	n = read(MSG_PEER_FD, &byte, 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return left(s, "while it was waiting for its reply");
	if (n > 0)
		return session_end(s, MSG_OUTCOME_BAD_REQUEST, ANSWER_NOTHING,
		    "more bytes behind the request");
	s->has_eof = true;
	return send_done(s);
}

void
peer_out_begin(struct peer_out *o)
{
	o->began_ms = clock_ms();
	o->sent = 0;
}

/* After a write that would have blocked or failed. */
static int
wait_writable(struct session *s, const struct peer_out *o)
{
	int r;

	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return left(s, "before it had its reply");
	r = fd_wait(MSG_PEER_OUT_FD, POLLOUT, earlier(idle_deadline(s),
	    rate_deadline(s, o->began_ms, o->sent)));
	if (r == ERR_TIMEOUT)
		return session_end(s, MSG_OUTCOME_TIMEOUT, ANSWER_NOTHING,
		    "the client took its reply too slowly");
	return r < 0 ? left(s, "before it had its reply") : 0;
}

static void
note_sent(struct session *s, struct peer_out *o, ssize_t n)
{
	o->sent += (uint64_t)n;
	s->summary.bytes_out += (uint64_t)n;
}

static int
write_socket(struct session *s, struct peer_out *o, const void *ptr,
    size_t len)
{
	const char *p = ptr;

	while (len != 0) {
		ssize_t n = write(MSG_PEER_OUT_FD, p, len);
		int r;

		if (n < 0) {
			if ((r = wait_writable(s, o)) < 0)
				return r;
			continue;
		}
		note_sent(s, o, n);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
unsealable(struct session *s)
{
	return session_end(s, MSG_OUTCOME_INTERNAL, ANSWER_NOTHING,
	    "can't seal the reply: %s", sealed_why(s->sealed));
}

static int
flush_sealed(struct session *s, struct peer_out *o, bool last)
{
	struct view out;

	if (sealed_flush(s->sealed, last, &out) < 0)
		return unsealable(s);
	return write_socket(s, o, out.ptr, out.len);
}

static int
write_sealed(struct session *s, struct peer_out *o, struct view bytes)
{
	while (bytes.len != 0) {
		struct view out;
		int r;

		if (sealed_put(s->sealed, &bytes, &out) < 0)
			return unsealable(s);
		if ((r = write_socket(s, o, out.ptr, out.len)) < 0)
			return r;
	}
	return 0;
}

int
peer_write(struct session *s, struct peer_out *o, const void *ptr, size_t len)
{
	return s->sealed != NULL ? write_sealed(s, o, view_of(ptr, len)) :
	    write_socket(s, o, ptr, len);
}

int
peer_end_reply(struct session *s, struct peer_out *o)
{
	return s->sealed != NULL ? flush_sealed(s, o, true) : 0;
}

/* The kernel cannot seal, so the file comes through here. */
static int
seal_file(struct session *s, struct peer_out *o, int fd, uint64_t len)
{
	for (uint64_t at = 0; at < len;) {
		uint64_t want = len - at < sizeof(s->buffer) ? len - at :
		    sizeof(s->buffer);
		ssize_t n = pread(fd, s->buffer, (size_t)want, (off_t)at);
		int r;

		if (n <= 0)
			return session_end(s, MSG_OUTCOME_INTERNAL,
			    ANSWER_NOTHING, "can't read a result");
		if ((r = peer_write(s, o, s->buffer, (size_t)n)) < 0)
			return r;
		at += (uint64_t)n;
	}
	return 0;
}

int
peer_send_file(struct session *s, struct peer_out *o, int fd, uint64_t len)
{
	off_t at = 0;

	if (s->sealed != NULL)
		return seal_file(s, o, fd, len);

	while ((uint64_t)at < len) {
		ssize_t n = sendfile(MSG_PEER_OUT_FD, fd, &at,
		    (size_t)(len - (uint64_t)at));
		int r;

		if (n == 0)
			return session_end(s, MSG_OUTCOME_INTERNAL,
			    ANSWER_NOTHING, "a result became shorter");
		if (n < 0) {
			if ((r = wait_writable(s, o)) < 0)
				return r;
			continue;
		}
		note_sent(s, o, n);
	}
	return 0;
}

void
peer_drain(struct session *s)
{
	int64_t began = clock_ms();
	uint64_t bytes = 0;

	if (shutdown(MSG_PEER_OUT_FD, SHUT_WR) < 0)
		(void)close(MSG_PEER_OUT_FD);
	while (!s->has_eof && bytes <= s->config->limits.max_request) {
		ssize_t n = fd_read_some(MSG_PEER_FD, s->buffer,
		    sizeof(s->buffer), earlier(idle_deadline(s),
		    rate_deadline(s, began, bytes)));

		if (n < 0)
			return;
		bytes += (uint64_t)n;
	}
}
