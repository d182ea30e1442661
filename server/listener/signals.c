/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/listener/announce.h"
#include "server/listener/auth.h"
#include "server/listener/clients.h"
#include "server/listener/daemon.h"
#include "server/listener/jailer.h"
#include "server/listener/keeper.h"
#include "server/listener/serve.h"
#include "server/listener/signals.h"

static void
reap(struct server *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!jailer_reaped(s, pid, status) &&
		    !keeper_reaped(s, pid) &&
		    !auth_reaped(s, pid, status) &&
		    !announce_reaped(s, pid, status))
			(void)clients_reaped(s, pid, status);
}

static void
ready(void *arg)
{
	struct server *s = arg;
	struct signalfd_siginfo info;

	if (read(s->signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		reap(s);
		break;
	case SIGHUP:
		daemon_reopen_log(&s->ids);
		auth_reload(s);
		break;
	default:
		serve_stop(s);
		break;
	}
}

int
signals_open(struct server *s)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_from_errno(errno);
	s->signals = (struct loop_item){
	    signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), ready, s };
	if (s->signals.fd < 0)
		return err_from_errno(errno);
	return loop_add(&s->signals);
}
