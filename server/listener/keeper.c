/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/keeper.h"
#include "server/listener/spawn.h"

#define ANSWER_MS	5000	/* it does nothing else, so at once */

int
keeper_start(struct server *s)
{
	struct msg_plain m = { .head = { MSG_SETUP, 0 } };
	struct spawn sp = { .name = "distccd-jail", .in = -1, .out = -1,
	    .err = s->opt.log_stderr ? STDERR_FILENO : -1 };
	int pair[2], r;

	if ((r = chan_pair(pair)) < 0)
		return r;
	sp.chan = pair[1];
	r = spawn_start(&sp, &s->keeper.pid);
	(void)close(pair[1]);
	s->keeper.chan = pair[0];
	s->keeper.is_started = true;
	return r < 0 ? r : chan_send(pair[0], &m, sizeof(m), &s->config_fd, 1);
}

static int
receive(const struct server *s, struct msg_forked *m)
{
	ssize_t n;
	int r = fd_wait(s->keeper.chan, POLLIN, clock_ms() + ANSWER_MS);

	if (r < 0)
		return r;
	n = chan_recv(s->keeper.chan, m, sizeof(*m), NULL, NULL);
	if (n < 0)
		return (int)n;
	return n == (ssize_t)sizeof(*m) &&
	    m->head.type == MSG_JAILER_FORKED ? 0 : ERR_PROTOCOL;
}

int
keeper_fork(struct server *s, int chan, pid_t *pid)
{
	struct msg_plain ask = { .head = { MSG_JAILER_FORK, 0 } };
	struct msg_forked answer;
	int r;

	if (s->keeper.chan < 0)
		return ERR_CLOSED;
	r = chan_send(s->keeper.chan, &ask, sizeof(ask), &chan, 1);
	if (r == 0)
		r = receive(s, &answer);
	if (r < 0) {
		fd_close(&s->keeper.chan);
		return ERR_CLOSED;
	}
	if (answer.pid <= 1)
		return ERR_NOMEM;
	*pid = answer.pid;
	return 0;
}

bool
keeper_reaped(struct server *s, pid_t pid)
{
	if (pid != s->keeper.pid)
		return false;
	s->keeper.pid = 0;
	fd_close(&s->keeper.chan);
	log_errx("event=keeper_gone: the jailer cannot be started again");
	return true;
}

void
keeper_stop(struct server *s)
{
	if (!s->keeper.is_started)
		return;
	fd_close(&s->keeper.chan);
	if (s->keeper.pid > 0) {
		(void)kill(s->keeper.pid, SIGKILL);
		(void)waitpid(s->keeper.pid, NULL, 0);
		s->keeper.pid = 0;
	}
}
