/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/clients.h"
#include "server/listener/master.h"
#include "server/listener/workers.h"

#define HELD	(sizeof(((struct client *)0)->held) / sizeof(int))

union message {
	struct msg_head head;
	struct msg_forked forked;
	struct msg_log log;
};

static struct client *
find(const struct server *s, uint32_t job)
{
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->job == job && c->is_starting)
			return c;
	return NULL;
}

/* It lives and waits: now it gets its client. */
static int
say_hello(struct client *c)
{
	struct msg_plain hello = { .head = { MSG_HELLO, c->job } };
	const int fds[1 + HELD] = { c->server->config_fd, c->held[0],
	    c->held[1], c->held[2] };
	int r = chan_send(c->chan.fd, &hello, sizeof(hello), fds, 1 + HELD);

	workers_forget(c);
	return r;
}

static int
note_forked(struct server *s, const struct msg_forked *m)
{
	struct client *c = find(s, m->head.job);

	/* given up meanwhile: it ends when it finds its channel closed */
	if (c == NULL)
		return 0;
	if (master_is_child(m->pid)) {
		c->pid = m->pid;
		if (say_hello(c) == 0)
			return 0;
	}
	clients_lose(c);
	return 0;
}

static int
receive(struct server *s)
{
	char text[MSG_TEXT_BYTES];
	union message m;
	ssize_t n = chan_recv(s->workers.chan.fd, &m, sizeof(m), NULL, NULL);

	if (n < 0)
		return (int)n;
	if (n == (ssize_t)sizeof(m.forked) && m.head.type == MSG_FORKED) {
		s->workers.retry_at_ms = 0;
		return note_forked(s, &m.forked);
	}
	if (n != (ssize_t)sizeof(m.log) || m.head.type != MSG_LOG)
		return ERR_PROTOCOL;
	log_errx("distccd-worker-gss: %s", log_escape(view_of(m.log.text,
	    strnlen(m.log.text, sizeof(m.log.text))), text, sizeof(text)));
	return 0;
}

/* Those that wait for it are lost. */
static void
lose(struct server *s)
{
	struct client *next;

	master_stop(&s->workers);
	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		if (c->is_starting)
			clients_lose(c);
	}
}

static void
ready(void *arg)
{
	struct server *s = arg;
	int r = receive(s);

	if (r == 0 || r == ERR_BUSY)
		return;
	log_errx("event=workers_lost reason=\"%s\"", err_text(r));
	lose(s);
}

void
workers_init(struct server *s)
{
	s->workers.chan = (struct loop_item){ -1, ready, s };
}

static int
start(struct server *s)
{
	return master_start(s, &s->workers, "distccd-worker-gss", MSG_HELLO,
	    &s->config_fd, 1);
}

void
workers_open(struct server *s)
{
	/* what fails now is tried again with the first client */
	(void)!start(s);
}

int
workers_fork(struct client *c, int in, int out, int context)
{
	const int fds[HELD] = { context, in, out };
	int r = start(c->server);

	if (r < 0)
		return r;
	c->is_starting = true;
	c->generation = c->server->workers.generation;
	for (size_t i = 0; i < HELD; i++)
		c->held[i] = -1;
	for (size_t i = 0; i < HELD; i++)
		if ((c->held[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0)) < 0)
			return ERR_SYS;
	return master_fork(&c->server->workers, c->job, &c->chan);
}

void
workers_forget(struct client *c)
{
	if (!c->is_starting)
		return;
	c->is_starting = false;
	/* if it never ran it did not crash */
	if (c->pid == 0)
		c->state = CLIENT_ENDED;
	for (size_t i = 0; i < HELD; i++)
		fd_close(&c->held[i]);
}

void
workers_renew(struct server *s)
{
	if (s->workers.chan.fd < 0)
		return;
	lose(s);
	master_retire(&s->workers);
	workers_open(s);
}
