/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/scan/msg.h"
#include "client/scan/scan.h"
#include "client/scan/serve.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define REPLY_MS	5000	/* for a client to take its answer */
#define QUIET_MS	2000	/* for it to say something, once there is no room */
#define READ_BYTES	16384

struct client {
	int fd;			/* owns */
	struct buf in;
	struct buf rest;	/* of an answer that it has not taken yet */
	size_t sent;		/* … of the rest */
	int64_t due_ms;		/* when it must have taken it, or asked */
	bool is_served;		/* it has no reason to ask for more */
};

struct server {
	const struct serve_options *opt;
	struct scan *scan;	/* owns */
	struct client clients[SERVE_CLIENTS_MAX];
	size_t nclients;
	bool is_ending;
	int64_t last_ms;	/* when something was asked */
	struct buf out;
};

/* ---- answers --------------------------------------------------------- */

/* As much as the client takes now; *sent is how much that was. */
static int
send_some(int fd, struct view v, size_t *sent)
{
	ssize_t n;

	for (*sent = 0; *sent < v.len; *sent += (size_t)n) {
		n = send(fd, v.ptr + *sent, v.len - *sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return errno == EAGAIN ? 0 : err_from_errno(errno);
	}
	return 0;
}

/* What a client does not take at once waits: others are served meanwhile. */
static int
send_out(struct server *s, struct client *c)
{
	size_t sent;
	int r;

	if ((r = send_some(c->fd, buf_view(&s->out), &sent)) < 0 ||
	    sent == s->out.len)
		return r;
	c->sent = 0;
	c->due_ms = clock_ms() + REPLY_MS;
	return buf_append(&c->rest, s->out.ptr + sent, s->out.len - sent);
}

static int
send_rest(struct client *c)
{
	struct view v = view_of(c->rest.ptr + c->sent, c->rest.len - c->sent);
	size_t sent;
	int r;

	if ((r = send_some(c->fd, v, &sent)) < 0)
		return r;
	c->sent += sent;
	if (c->sent == c->rest.len)
		buf_reset(&c->rest);
	return 0;
}

static int
refuse(struct server *s, struct client *c, const char *why)
{
	int r;

	buf_reset(&s->out);
	if ((r = msg_begin(&s->out, MSG_REFUSED)) < 0 ||
	    (r = msg_put_bytes(&s->out, view_str(why))) < 0)
		return r;
	msg_end(&s->out, 0);
	return send_out(s, c);
}

static struct scan *
new_scan(const struct serve_options *o)
{
	struct scan *s = scan_new(o->fds_max);

	scan_use_notices(s, o->notices);
	return s;
}

/* Too much remembered: begin anew rather than grow for ever. */
static void
limit_memory(struct server *s)
{
	if (scan_memory(s->scan) / 1024 / 1024 <
	    (size_t)s->opt->memory_mb)
		return;
	scan_free(s->scan);
	s->scan = new_scan(s->opt);
}

/* in      r: what came of making it */
static int
answer(struct server *s, struct client *c, const struct scan_answer *a, int r)
{
	buf_reset(&s->out);
	if (r < 0 || (r = msg_begin(&s->out, MSG_ANSWER)) < 0 ||
	    (r = msg_put_answer(&s->out, a)) < 0)
		return refuse(s, c, err_text(r));
	msg_end(&s->out, 0);
	return send_out(s, c);
}

static int
do_scan(struct server *s, struct client *c, const struct msg_request *m)
{
	struct scan_answer a;
	int r;

	r = answer(s, c, &a, scan_command(s->scan, &m->req, &a));
	c->is_served = a.outcome != SCAN_NEEDS;
	scan_answer_free(&a);
	limit_memory(s);
	return r;
}

static int
do_name(struct server *s, struct client *c, struct view body)
{
	struct scan_answer asked = { .n = 0 }, a = { .n = 0 };
	int r;

	r = msg_get_numbers(&body, &asked);
	if (r == 0 && body.len != 0)
		r = ERR_SYNTAX;
	if (r == 0)
		r = answer(s, c, &a, scan_name(s->scan, &asked, &a));
	scan_answer_free(&asked);
	scan_answer_free(&a);
	return r;
}

static int
do_learn(struct server *s, struct client *c, const struct msg_request *m)
{
	int r;

	r = scan_learn(s->scan, &m->req, m->queries, m->text);
	if (r < 0)
		return refuse(s, c, "the compiler's answer makes no sense");
	buf_reset(&s->out);
	if ((r = msg_begin(&s->out, MSG_DONE)) < 0)
		return r;
	return send_out(s, c);
}

static bool
same_place(const struct msg_request *m)
{
	struct msg_place here;

	return msg_place_of(m->req.cwd, &here) == 0 &&
	    memcmp(&here, &m->place, sizeof(here)) == 0;
}

/* Acts on one whole message; an error ends the connection. */
static int
dispatch(struct server *s, struct client *c, enum msg_kind kind,
    struct view body)
{
	struct msg_request m;
	int r;

	s->last_ms = clock_ms();
	c->is_served = false;
	if (kind == MSG_STOP) {
		s->is_ending = true;
		return 0;
	}
	if (kind == MSG_NAME)
		return do_name(s, c, body);
	if (kind != MSG_SCAN && kind != MSG_LEARN)
		return ERR_PROTOCOL;
	r = msg_get_request(&body, kind, &m);
	if (r == 0 && !same_place(&m))
		r = refuse(s, c, "the scanner sees another file system");
	else if (r == 0)
		r = kind == MSG_SCAN ? do_scan(s, c, &m) :
		    do_learn(s, c, &m);
	msg_request_free(&m);
	return r;
}

/* ---- connections ----------------------------------------------------- */

static void
drop(struct server *s, struct client *c)
{
	fd_close(&c->fd);
	buf_free(&c->in);
	buf_free(&c->rest);
	*c = s->clients[--s->nclients];	/* the last takes its place */
}

/*
 * Acts on each whole message that has come in.  Whoever has an answer is let go
 * at once: to be woken up by its going costs as much as a part of a scan.
 */
static int
consume(struct server *s, struct client *c)
{
	enum msg_kind kind;
	size_t len, whole;
	int r = 0;

	while (r == 0 && c->rest.len == 0 && c->in.len >= MSG_HEADER_BYTES) {
		if ((r = msg_get_header(c->in.ptr, &kind, &len)) < 0)
			return r;
		whole = MSG_HEADER_BYTES + len;
		if (c->in.len < whole)
			return 0;
		r = dispatch(s, c, kind,
		    view_of(c->in.ptr + MSG_HEADER_BYTES, len));
		memmove(c->in.ptr, c->in.ptr + whole, c->in.len - whole);
		c->in.len -= whole;
	}
	if (r == 0 && c->is_served && c->in.len == 0 && c->rest.len == 0)
		return ERR_CLOSED;
	return r;
}

static int
receive(struct server *s, struct client *c)
{
	ssize_t n;
	int r;

	if ((r = buf_reserve(&c->in, READ_BYTES)) < 0)
		return r;
	n = recv(c->fd, c->in.ptr + c->in.len, READ_BYTES, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
		    err_from_errno(errno);
	if (n == 0)
		return ERR_CLOSED;
	c->in.len += (size_t)n;
	c->due_ms = clock_ms() + QUIET_MS;
	return consume(s, c);
}

static bool
is_user(int fd, uid_t user)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    peer.uid == user;
}

static void
admit(struct server *s)
{
	struct client *c = &s->clients[s->nclients];
	AUTOFD fd = accept4(s->opt->listen_fd, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || !is_user(fd, s->opt->user))
		return;
	memset(c, 0, sizeof(*c));
	c->fd = fd_take(&fd);
	c->due_ms = clock_ms() + QUIET_MS;
	buf_init(&c->rest, MSG_BODY_MAX_BYTES + MSG_HEADER_BYTES);
	buf_init(&c->in, MSG_BODY_MAX_BYTES + MSG_HEADER_BYTES + READ_BYTES);
	s->nclients++;
	/* its request is there already, as a rule */
	if (receive(s, c) < 0)
		drop(s, c);
}

/* Who says nothing may stay as long as there is room for others. */
static bool
has_deadline(const struct server *s, const struct client *c)
{
	return c->rest.len != 0 || s->nclients == SERVE_CLIENTS_MAX;
}

static bool
is_overdue(const struct server *s, const struct client *c)
{
	return has_deadline(s, c) && clock_ms() >= c->due_ms;
}

static int
serve(struct server *s, struct client *c)
{
	int r;

	if (c->rest.len == 0)
		return receive(s, c);
	if ((r = send_rest(c)) < 0 || c->rest.len != 0)
		return r;
	return consume(s, c);	/* it may have asked again already */
}

/* From the last on, since drop() moves the last. */
static void
serve_ready(struct server *s, const struct pollfd *p, size_t n)
{
	while (n-- > 0)
		if (p[n].revents != 0 ? serve(s, &s->clients[n]) < 0 :
		    is_overdue(s, &s->clients[n]))
			drop(s, &s->clients[n]);
}

/* When there is something to do although nobody says anything. */
static int64_t
next_deadline(const struct server *s)
{
	int64_t end = s->last_ms + (int64_t)s->opt->idle_s * 1000;
	size_t i;

	for (i = 0; i < s->nclients; i++)
		if (has_deadline(s, &s->clients[i]) &&
		    s->clients[i].due_ms < end)
			end = s->clients[i].due_ms;
	return end;
}

static int
turn(struct server *s)
{
	struct pollfd p[SERVE_CLIENTS_MAX + 1];
	size_t i, n = s->nclients;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ s->clients[i].fd,
		    s->clients[i].rest.len != 0 ? POLLOUT : POLLIN, 0 };
	p[n] = (struct pollfd){ n < SERVE_CLIENTS_MAX ? s->opt->listen_fd :
	    -1, POLLIN, 0 };
	if (poll(p, n + 1, clock_poll_timeout(next_deadline(s))) < 0)
		return errno == EINTR ? 0 : err_from_errno(errno);
	serve_ready(s, p, n);
	if (p[n].revents != 0)
		admit(s);
	if (clock_ms() >= s->last_ms + (int64_t)s->opt->idle_s * 1000)
		s->is_ending = true;
	return 0;
}

int
serve_run(const struct serve_options *o)
{
	struct server *s = mem_calloc(1, sizeof(*s));
	int r = 0;

	s->opt = o;
	s->scan = new_scan(o);
	s->last_ms = clock_ms();
	buf_init(&s->out, MSG_BODY_MAX_BYTES + MSG_HEADER_BYTES);
	while (r == 0 && !s->is_ending)
		r = turn(s);
	o->ending(o->arg);
	(void)close(o->listen_fd);
	while (s->nclients != 0)
		drop(s, &s->clients[s->nclients - 1]);
	buf_free(&s->out);
	scan_free(s->scan);
	free(s);
	return r;
}
