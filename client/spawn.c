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

static int
redirect(posix_spawn_file_actions_t *actions, int out, int err)
{
	int e = 0;

	if (out >= 0)
		e = posix_spawn_file_actions_adddup2(actions, out,
		    STDOUT_FILENO);
	if (e == 0 && err >= 0)
		e = posix_spawn_file_actions_adddup2(actions, err,
		    STDERR_FILENO);
	return e;
}

int
spawn_start(const char *file, char *const *argv, int out, int err, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int e = posix_spawn_file_actions_init(&actions);

	if (e == 0) {
		e = redirect(&actions, out, err);
		if (e == 0)
			e = posix_spawn(pid, file, &actions, NULL, argv,
			    environ);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	if (e != 0) {
		log_errx("failed to exec %s: %s", file, strerror(e));
		return err_from_errno(e);
	}
	cleanup_child(*pid);
	return 0;
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
