/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/cleanup.h"
#include "client/exits.h"
#include "client/spawn.h"
#include "lib/log.h"

/* posix_spawn(3) or posix_spawnp(3) */
typedef int start_fn(pid_t *, const char *,
    const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
    char *const *, char *const *);

static int
redirect(posix_spawn_file_actions_t *actions, const int fds[3])
{
	int e = 0;

	for (int i = 0; e == 0 && i < 3; i++) {
		if (fds[i] >= 0)
			e = posix_spawn_file_actions_adddup2(actions, fds[i],
			    i);
	}
	return e;
}

static int
start(start_fn *how, const char *file, char *const *argv, const int fds[3],
    pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int e = posix_spawn_file_actions_init(&actions);

	if (e == 0) {
		e = redirect(&actions, fds);
		if (e == 0)
			e = how(pid, file, &actions, NULL, argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	if (e == 0)
		return 0;
	log_errx("failed to exec %s: %s", file, strerror(e));
	return err_from_errno(e);
}

int
spawn_start(const char *file, char *const *argv, int out, int err, pid_t *pid)
{
	const int fds[3] = { -1, out, err };
	int r = start(posix_spawn, file, argv, fds, pid);

	if (r == 0)
		cleanup_child(*pid);
	return r;
}

int
spawn_search(char *const *argv, const int fds[3], pid_t *pid)
{
	return start(posix_spawnp, argv[0], argv, fds, pid);
}

int
spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	cleanup_child(0);
	return status;
}

int
spawn_exec(const char *file, char *const *argv)
{
	(void)execv(file, argv);
	log_err("failed to exec %s", file);
	return err_from_errno(errno);
}

int
spawn_exit_code(int status)
{
	if (status < 0)
		return EXIT_DISTCC_FAILED;
	return WIFSIGNALED(status) ? EXIT_SIGNAL_BASE + WTERMSIG(status) :
	    WEXITSTATUS(status);
}
