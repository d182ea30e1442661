/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "server/forker.h"
#include "server/msg.h"

/* Not fork(3), which does not know CLONE_PARENT; there are no threads. */
pid_t
forker_child(int chan)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL,
	    NULL);

	if (pid == 0) {
		if (dup2(chan, MSG_CHAN_FD) < 0)
			_exit(1);
		(void)close(chan);
	}
	return (pid_t)pid;
}

/* In the forked process. */
static int
begin(pid_t listener)
{
	/* a fork forgets it; the check is for what happened before */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != listener)
		_exit(1);
	return 1;
}

static int
fork_one(uint32_t job, int chan, pid_t listener)
{
	struct msg_forked m = { .head = { MSG_FORKED, job } };
	m.pid = forker_child(chan);
	if (m.pid == 0)
		return begin(listener);
	if (m.pid < 0)
		return err_from_errno(errno);
	return chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0);
}

static int
serve_one(pid_t listener)
{
	struct msg_plain m;
	int fds[CHAN_FDS_MAX], r;
	size_t nfds;
	ssize_t n = chan_recv(MSG_CHAN_FD, &m, sizeof(m), fds, &nfds);

	if (n < 0)
		return (int)n;
	r = n == (ssize_t)sizeof(m) && m.head.type == MSG_FORK && nfds == 1 ?
	    fork_one(m.head.job, fds[0], listener) : ERR_PROTOCOL;
	if (r == 1)
		return r;
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		fd_close(&fds[i]);
	return r;
}

int
forker_serve(void)
{
	pid_t listener = getppid();
	int r = 0;

	while (r == 0)
		r = serve_one(listener);
	return r;
}
