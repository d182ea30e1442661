/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "server/listener/spawn.h"
#include "server/msg.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR	"/usr/local/libexec/distcc"
#endif

#define FIRST_FREE_FD	(MSG_PEER_OUT_FD + 1)

static int null_fd = -1;
static char helper_dir[PATH_MAX];

/* In a build tree the helpers are in ../libexec beside our bin. */
static int
find_helpers(void)
{
	char self[PATH_MAX], near[PATH_MAX], probe[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	(void)snprintf(helper_dir, sizeof(helper_dir), "%s", LIBEXECDIR);
	if (n > 0) {
		self[n] = '\0';
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
		(void)snprintf(near, sizeof(near), "%.*s/libexec",
		    (int)(sizeof(near) - 16), self);
		(void)snprintf(probe, sizeof(probe), "%s/distccd-worker",
		    near);
		if (access(probe, X_OK) == 0)
			memcpy(helper_dir, near, sizeof(helper_dir));
	}
	(void)snprintf(probe, sizeof(probe), "%s/distccd-worker", helper_dir);
	if (access(probe, X_OK) < 0) {
		log_err("can't find %s", probe);
		return ERR_NOENT;
	}
	return 0;
}

int
spawn_init(void)
{
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0) {
		log_err("can't open /dev/null");
		return err_from_errno(errno);
	}
	return find_helpers();
}

const char *
spawn_path(const char *program)
{
	static char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", helper_dir, program);
	return path;
}

char *const *
spawn_gss_environment(void)
{
	static const char *const names[] = { "KRB5_CONFIG",
	    "GSSAPI_MECH_CONF", "KRB5_TRACE" };
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	static char *env[sizeof(names) / sizeof(names[0]) + 2];
	size_t n = 0;

	if (env[0] != NULL)
		return env;
	env[n++] = path;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL)
			env[n++] = mem_printf("%s=%s", names[i], value);
	}
	return env;
}

/* Move fd to target, by way of a number that no target has. */
static bool
place_fds(const int from[FIRST_FREE_FD])
{
	int high[FIRST_FREE_FD];

	for (int i = 0; i < FIRST_FREE_FD; i++) {
		high[i] = from[i] < 0 ? -1 :
		    fcntl(from[i], F_DUPFD, FIRST_FREE_FD);
		if (from[i] >= 0 && high[i] < 0)
			return false;
	}
	for (int i = 0; i < FIRST_FREE_FD; i++)
		if (high[i] >= 0 && dup2(high[i], i) < 0)
			return false;
	return true;
}

static bool
take_ids(const struct ids *ids)
{
	if (ids == NULL || !ids->is_root)
		return true;
	return setgroups(0, NULL) == 0 &&
	    setresgid(ids->gid, ids->gid, ids->gid) == 0 &&
	    setresuid(ids->uid, ids->uid, ids->uid) == 0;
}

static void
reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

/*
 * What the child does between vfork and exec.  It shares our memory: nothing
 * here may change a variable of ours.
 */
static void __attribute__((noreturn, noinline))
become(const struct spawn *s, pid_t parent)
{
	static char path_env[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *env[] = { path_env, NULL };
	char *argv[] = { (char *)(uintptr_t)s->name, NULL };
	const int fds[FIRST_FREE_FD] = { null_fd, null_fd,
	    s->err >= 0 ? s->err : null_fd, s->chan,
	    s->in >= 0 ? s->in : null_fd, s->out >= 0 ? s->out : null_fd };

	reset_signals();
	if (!place_fds(fds))
		_exit(126);
	fd_keep_only(FIRST_FREE_FD);
	if (!take_ids(s->ids))
		_exit(126);
	/* taking on other ids clears it, so not before */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);
	(void)execve(s->path, argv, s->env != NULL ? s->env : env);
	_exit(127);
}

int
spawn_start(const struct spawn *s, pid_t *pid)
{
	pid_t self = getpid();

	*pid = vfork();
	if (*pid == 0)
		become(s, self);
	if (*pid > 0)
		return 0;
	*pid = 0;
	return err_from_errno(errno);
}
