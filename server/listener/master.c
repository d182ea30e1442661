/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/master.h"
#include "server/listener/spawn.h"

#define RETRY_MS	1000	/* after one that did not even start */

static int
spawn(struct server *s, struct master *m, const char *program, uint32_t hello,
    const int *fds, size_t nfds)
{
	struct msg_plain first = { .head = { hello, 0 } };
	struct spawn sp = { .name = program, .in = -1, .out = -1,
	    .err = s->opt.log_stderr ? STDERR_FILENO : -1, .ids = &s->ids,
	    .env = spawn_gss_environment() };
	int pair[2], r;

	if ((r = chan_pair(pair)) < 0)
		return r;
	m->chan.fd = pair[0];
	m->is_ready = false;
	m->generation++;
	sp.chan = pair[1];
	r = chan_send(pair[0], &first, sizeof(first), fds, nfds);
	if (r == 0)
		r = spawn_start(&sp, &m->pid);
	(void)close(pair[1]);
	if (r == 0)
		r = fd_set_nonblock(pair[0], true);
	return r == 0 ? loop_add(&m->chan) : r;
}

int
master_start(struct server *s, struct master *m, const char *program,
    uint32_t hello, const int *fds, size_t nfds)
{
	int r;

	if (m->chan.fd >= 0)
		return 0;
	if (clock_ms() < m->retry_at_ms)
		return ERR_BUSY;
	/* if this one fails, the next try is not at once */
	m->retry_at_ms = clock_ms() + RETRY_MS;
	r = spawn(s, m, program, hello, fds, nfds);
	if (r < 0) {
		log_errx("event=spawn_failed program=%s reason=\"%s\"", program,
		    err_text(r));
		master_stop(m);
	}
	return r;
}

void
master_stop(struct master *m)
{
	int fd = m->chan.fd;

	if (fd < 0)
		return;
	loop_remove(&m->chan);
	(void)close(fd);
}

void
master_retire(struct master *m)
{
	master_stop(m);
	m->retry_at_ms = 0;
}

bool
master_reaped(struct master *m, pid_t pid)
{
	if (pid != m->pid)
		return false;
	m->pid = 0;
	return true;
}

int
master_fork(struct master *m, uint32_t id, struct loop_item *chan)
{
	struct msg_plain ask = { .head = { MSG_FORK, id } };
	int pair[2], r = chan_pair(pair);

	chan->fd = -1;
	if (r < 0)
		return r;
	chan->fd = pair[0];
	r = chan_send(m->chan.fd, &ask, sizeof(ask), &pair[1], 1);
	(void)close(pair[1]);
	if (r == 0)
		r = fd_set_nonblock(pair[0], true);
	return r == 0 ? loop_add(chan) : r;
}

bool
master_is_child(pid_t pid)
{
	siginfo_t info;

	return pid > 1 && waitid(P_PID, (id_t)pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) == 0;
}
