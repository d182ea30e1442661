/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "server/worker/ask.h"
#include "server/worker/peer.h"

#define MEMORY_WAITS	4	/* times idle_ms: how long to wait for memory */

static int
tell(struct session *s, enum msg_type type)
{
	struct msg_plain m = { .head = { type, s->job } };

	return chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0);
}

/* A sealed connection's context and the client, whose numbers are fixed. */
static int
take_client(struct session *s, int fds[CHAN_FDS_MAX])
{
	for (int i = 1; i < 4; i++) {
		int high = fcntl(fds[i], F_DUPFD_CLOEXEC, MSG_PEER_OUT_FD + 1);

		fd_close(&fds[i]);
		if (high < 0)
			return ERR_SYS;
		fds[i] = high;
	}
	s->context_fd = fds[1];
	if (dup2(fds[2], MSG_PEER_FD) < 0 || dup2(fds[3], MSG_PEER_OUT_FD) < 0)
		return ERR_SYS;
	fd_close(&fds[2]);
	fd_close(&fds[3]);
	return 0;
}

int
ask_hello(struct session *s)
{
	struct msg_plain m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	struct stat st;
	void *map = MAP_FAILED;
	ssize_t n = chan_recv(MSG_CHAN_FD, &m, sizeof(m), fds, &nfds);

	if (n != (ssize_t)sizeof(m) || m.head.type != MSG_HELLO ||
	    (nfds != 1 && nfds != 4))
		return ERR_PROTOCOL;
	if (fd_is_sealed(fds[0]) && fstat(fds[0], &st) == 0 &&
	    st.st_size == (off_t)sizeof(*s->config))
		map = mmap(NULL, sizeof(*s->config), PROT_READ, MAP_SHARED,
		    fds[0], 0);
	fd_close(&fds[0]);
	if (map == MAP_FAILED)
		return ERR_PROTOCOL;
	s->config = map;
	s->job = m.head.job;
	if (s->config->magic != MSG_CONFIG_MAGIC)
		return ERR_PROTOCOL;
	s->context_fd = -1;
	return nfds == 4 ? take_client(s, fds) : 0;
}

static int
listener_failed(struct session *s)
{
	return session_end(s, MSG_OUTCOME_INTERNAL, ANSWER_NOTHING,
	    "the listener does not answer");
}

/* Wait until the listener has sent something, or the client has left. */
static int
wait_listener(struct session *s, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = MSG_CHAN_FD, .events = POLLIN },
			peer_pollfd(s),
		};
		int n = poll(p, 2, clock_poll_timeout(deadline_ms));
		int r;

		if (n == 0)
			return ERR_TIMEOUT;
		if (n < 0)
			continue;
		if (p[0].revents != 0)
			return 0;
		if ((r = peer_noticed(s, p[1].revents)) < 0)
			return r;
	}
}

/* An answer of this type and size, with its descriptors. */
static int
answer(struct session *s, enum msg_type type, void *m, size_t size, int *fds,
    size_t *nfds, int64_t deadline_ms)
{
	struct msg_head head;
	ssize_t n;
	int r = wait_listener(s, deadline_ms);

	if (r < 0)
		return r;
	n = chan_recv(MSG_CHAN_FD, m, size, fds, nfds);
	if (n != (ssize_t)size)
		return listener_failed(s);
	memcpy(&head, m, sizeof(head));
	return head.type == (uint32_t)type && head.job == s->job ? 0 :
	    listener_failed(s);
}

int
ask_memory(struct session *s, uint64_t bytes)
{
	struct msg_reserve ask = { .head = { MSG_RESERVE, s->job },
	    .bytes = bytes };
	struct msg_plain m;
	int64_t began = clock_ms();
	int r = chan_send(MSG_CHAN_FD, &ask, sizeof(ask), NULL, 0);

	if (r < 0)
		return listener_failed(s);
	r = answer(s, MSG_RESERVED, &m, sizeof(m), NULL, NULL, began +
	    MEMORY_WAITS * (int64_t)s->config->limits.idle_ms);
	if (r == ERR_TIMEOUT)
		return session_end(s, MSG_OUTCOME_INTERNAL, ANSWER_NOTHING,
		    "no memory for the request");
	if (r < 0)
		return r;
	s->granted += bytes;
	s->body_began_ms += clock_ms() - began;
	return 0;
}

/* Sort the descriptors that came by the bits of m->fds. */
static int
sort_fds(struct ask_result *res, const int *fds, size_t nfds)
{
	int *const slots[] = { &res->err, &res->out, &res->object, &res->deps };
	size_t used = 0;

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if ((res->m.fds & 1U << i) != 0 && used < nfds)
			*slots[i] = fds[used++];
	return used == nfds ? 0 : ERR_PROTOCOL;
}

int
ask_compile(struct session *s, struct ask_result *res)
{
	struct msg_compile ask = { .head = { MSG_COMPILE, s->job },
	    .compiler = s->compiler, .protocol = s->protocol };
	struct msg_plain granted;
	int fds[CHAN_FDS_MAX];
	size_t nfds = 0;
	int r;

	memset(res, 0, sizeof(*res));
	res->err = res->out = res->object = res->deps = -1;
	if (tell(s, MSG_SLOT) < 0)
		return listener_failed(s);
	if ((r = answer(s, MSG_SLOT_GRANTED, &granted, sizeof(granted), NULL,
	    NULL, -1)) < 0)
		return r;
	if (chan_send(MSG_CHAN_FD, &ask, sizeof(ask), &s->file.fd, 1) < 0)
		return listener_failed(s);
	/* the jail has it now; memory that nobody needs is given back */
	jobfile_close(&s->file);
	if ((r = answer(s, MSG_COMPILED, &res->m, sizeof(res->m), fds, &nfds,
	    -1)) < 0)
		return r;
	res->m.text[sizeof(res->m.text) - 1] = '\0';
	return sort_fds(res, fds, nfds) < 0 ? listener_failed(s) : 0;
}

void
ask_log(enum log_level level, const char *line, void *arg)
{
	const struct session *s = arg;
	struct msg_log m = { .head = { MSG_LOG, s->job },
	    .level = (uint32_t)level };

	(void)snprintf(m.text, sizeof(m.text), "%s", line);
	if (chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0) < 0)
		return;		/* there is nobody else to tell */
}

void
ask_summary(struct session *s)
{
	s->summary.head = (struct msg_head){ MSG_SUMMARY, s->job };
	if (chan_send(MSG_CHAN_FD, &s->summary, sizeof(s->summary), NULL,
	    0) < 0)
		return;		/* as above */
}
