/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/probe.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/mem.h"
#include "wire/lzo.h"
#include "wire/reply.h"
#include "wire/request.h"
#include "wire/token.h"

#define READ_BYTES	4096

static const char source[] = "int distcc_probe(void) { return 0; }\n";

/* ---- the request ---- */

/* The source behind a token, compressed where the protocol says so. */
static int
put_source(struct buf *b, unsigned int protocol, const char *name)
{
	struct view v = view_str(source);
	AUTOFREE unsigned char *packed = NULL;
	size_t len = 0;
	int r;

	if (protocol == 1)
		return token_put_body(b, name, v);
	packed = malloc(lzo_bound(v.len));
	if (packed == NULL)
		return ERR_NOMEM;
	r = lzo_pack(v.ptr, v.len, packed, &len);
	return r < 0 ? r : token_put_body(b, name, view_of(packed, len));
}

int
probe_request(unsigned int protocol, const char *compiler, struct buf *b)
{
	AUTOFREE char *word = mem_strdup(compiler);
	char c[] = "-c", in[] = "probe.c", o[] = "-o", out[] = "probe.o";
	char *argv[] = { word, c, in, o, out, NULL };
	int r;

	buf_init(b, PROBE_REQUEST_MAX_BYTES);
	r = request_put_head(b, protocol, protocol == 3 ? "/" : NULL, argv);
	if (r == 0 && protocol == 3) {
		r = token_put(b, "NFIL", 1);
		if (r == 0)
			r = token_put_body(b, "NAME", view_str("/probe.c"));
		return r < 0 ? r : put_source(b, protocol, "FILE");
	}
	return r < 0 ? r : put_source(b, protocol, "DOTI");
}

/* ---- one connection ---- */

static void
finish(struct probe *p, enum probe_phase phase)
{
	p->phase = phase;
	p->total_us = clock_us() - p->start_us;
	p->events = 0;
	fd_close(&p->fd);
}

void
probe_stop(struct probe *p, const char *why)
{
	(void)snprintf(p->why, sizeof(p->why), "%s", why);
	finish(p, PROBE_FAILED);
}

bool
probe_is_over(const struct probe *p)
{
	return p->phase == PROBE_OK || p->phase == PROBE_FAILED;
}

static void
set_connected(struct probe *p)
{
	int on = 1;

	p->connect_us = clock_us() - p->start_us;
	if (p->reply == NULL) {
		finish(p, PROBE_OK);
		return;
	}
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p->phase = PROBE_SEND;
	p->events = POLLOUT;
}

void
probe_start(struct probe *p, const struct sockaddr *addr, socklen_t len,
    unsigned int protocol, struct view request)
{
	*p = (struct probe){
		.phase = PROBE_CONNECT, .events = POLLOUT, .connect_us = -1,
		.request = request, .start_us = clock_us(),
	};
	p->fd = socket(addr->sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (protocol != 0) {
		p->reply = reply_new(protocol);
		if (p->reply == NULL) {
			probe_stop(p, err_text(ERR_NOMEM));
			return;
		}
	}
	if (p->fd < 0)
		probe_stop(p, strerror(errno));
	else if (connect(p->fd, addr, len) == 0)
		set_connected(p);
	else if (errno != EINPROGRESS)
		probe_stop(p, strerror(errno));
}

static void
step_connect(struct probe *p)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		e = errno;
	if (e != 0)
		probe_stop(p, strerror(e));
	else
		set_connected(p);
}

static void
step_send(struct probe *p)
{
	ssize_t n = send(p->fd, p->request.ptr, p->request.len, MSG_NOSIGNAL);
	struct view sent;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* a server that hangs up may have said why */
	if (n < 0 && errno != EPIPE && errno != ECONNRESET) {
		probe_stop(p, strerror(errno));
		return;
	}
	if (n >= 0 && view_take(&p->request, (size_t)n, &sent) < 0)
		p->request.len = 0;
	if (n < 0 || p->request.len == 0) {
		p->phase = PROBE_RECEIVE;
		p->events = POLLIN;
	}
}

static void
judge_status(struct probe *p)
{
	uint32_t status = reply_status(p->reply);

	if (status == 0 && p->object_bytes != 0) {
		finish(p, PROBE_OK);
		return;
	}
	if (status == 0)
		probe_stop(p, "the reply has no object");
	else
		(void)snprintf(p->why, sizeof(p->why),
		    "the compile failed with wait status 0x%x", status);
	finish(p, PROBE_FAILED);
}

static void
take_events(struct probe *p, struct view in)
{
	int e = REPLY_STARTED;

	while (e != REPLY_MORE && !probe_is_over(p)) {
		e = reply_feed(p->reply, &in);
		if (e < 0)
			probe_stop(p, reply_why(p->reply));
		else if (e == REPLY_PART &&
		    reply_part(p->reply) == REPLY_DOTO)
			p->object_bytes = reply_body_len(p->reply);
		else if (e == REPLY_DONE)
			judge_status(p);
	}
}

static void
step_receive(struct probe *p)
{
	unsigned char bytes[READ_BYTES];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		take_events(p, view_of(bytes, (size_t)n));
	else if (n == 0)
		probe_stop(p, "the server hung up");
	else if (errno != EAGAIN && errno != EINTR)
		probe_stop(p, strerror(errno));
}

void
probe_step(struct probe *p)
{
	switch (p->phase) {
	case PROBE_CONNECT:
		step_connect(p);
		break;
	case PROBE_SEND:
		step_send(p);
		break;
	case PROBE_RECEIVE:
		step_receive(p);
		break;
	case PROBE_OK:
	case PROBE_FAILED:
		break;
	}
}

void
probe_free(struct probe *p)
{
	fd_close(&p->fd);
	reply_free(p->reply);
	p->reply = NULL;
}

void
probe_run(struct probe *p, const struct sockaddr *addr, socklen_t len,
    unsigned int protocol, struct view request, int64_t timeout_ms)
{
	int64_t deadline = clock_ms() + timeout_ms;

	probe_start(p, addr, len, protocol, request);
	while (!probe_is_over(p)) {
		int e = fd_wait(p->fd, p->events, deadline);

		if (e > 0)
			probe_step(p);
		else
			probe_stop(p, err_text(e));
	}
}
