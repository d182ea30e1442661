/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "server/worker/peer.h"
#include "wire/token.h"

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
	return earlier(idle_deadline(s),
	    rate_deadline(s, s->body_began_ms, s->body_bytes));
}

static int
left(struct session *s, const char *when)
{
	return session_end(s, MSG_OUTCOME_CLIENT_LEFT, ANSWER_NOTHING,
	    "the client left %s", when);
}

ssize_t
peer_read(struct session *s, void *ptr, size_t size)
{
	ssize_t n = fd_read_some(MSG_PEER_FD, ptr, size, read_deadline(s));

	if (n == ERR_TIMEOUT)
		return session_end(s, MSG_OUTCOME_TIMEOUT, ANSWER_NOTHING,
		    "the request came too slowly");
	if (n < 0)
		return left(s, "in the middle of its request");
	s->summary.bytes_in += (uint64_t)n;
	if (s->body_began_ms != 0)
		s->body_bytes += (uint64_t)n;
	return n;
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

	if (s->has_done)
		return 0;
	s->has_done = true;
	token_encode(header, "DONE", s->protocol);
	peer_out_begin(&o);
	return peer_write(s, &o, header, sizeof(header));
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

int
peer_write(struct session *s, struct peer_out *o, const void *ptr, size_t len)
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

int
peer_send_file(struct session *s, struct peer_out *o, int fd, uint64_t len)
{
	off_t at = 0;

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
