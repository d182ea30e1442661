/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "sandbox/sandbox.h"
#include "server/jail/capture.h"

#define DEADLINE_MS	10000

static void
run_child(char *const *argv, const struct capture_as *as, int out)
    __attribute__((noreturn));

static void
run_child(char *const *argv, const struct capture_as *as, int out)
{
	static char *const env[] = { (char *)(uintptr_t)"LC_ALL=C",
	    (char *)(uintptr_t)"PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(127);
	fd_keep_only(3);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    (as->drop && sandbox_drop_ids(as->uid, as->gid) < 0) ||
	    sandbox_no_new_privs() < 0)
		_exit(127);
	execve(argv[0], argv, env);
	_exit(127);
}

int
capture_run(char *const *argv, const struct capture_as *as, struct buf *out)
{
	int64_t deadline = clock_ms() + DEADLINE_MS;
	int pipefd[2], status, r = 0;
	AUTOFD in = -1;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_from_errno(errno);
	in = pipefd[0];
	pid = fork();
	if (pid == 0)
		run_child(argv, as, pipefd[1]);
	(void)close(pipefd[1]);
	if (pid < 0)
		return err_from_errno(errno);
	for (;;) {
		char chunk[4096];
		ssize_t n = fd_read_some(in, chunk, sizeof(chunk), deadline);

		if (n == ERR_CLOSED)
			break;
		r = n < 0 ? (int)n : buf_append(out, chunk, (size_t)n);
		if (r < 0) {
			(void)kill(pid, SIGKILL);
			break;
		}
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_from_errno(errno);
	return r < 0 ? r : status;
}
