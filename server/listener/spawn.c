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

#define PROGRAM_FD	FIRST_FREE_FD	/* until exec */

static int null_fd = -1;

/*
 * Opened once, at start: the ids that a helper runs with need not reach its
 * folder (a build tree below /root, say), and a new version that is installed
 * meanwhile does not mix with ours.
 */
static struct helper {
	const char *name;
	bool is_needed;		/* by every daemon */
	int fd;
} helpers[] = {
	{ "distccd-worker", true, -1 },
	{ "distccd-jail", true, -1 },
	{ "distccd-worker-gss", false, -1 },
	{ "distccd-auth", false, -1 },
	{ "distccd-zeroconf", false, -1 },
};
#define N_HELPERS	(sizeof(helpers) / sizeof(helpers[0]))

/* In a build tree the helpers are in ../libexec beside our bin. */
static int
open_folder(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	AUTOFREE char *near = NULL;
	char *slash = NULL;

	self[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 2; i++)
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
	near = mem_printf("%s/libexec/%s", self, helpers[0].name);
	if (slash != NULL && access(near, X_OK) == 0) {
		*strrchr(near, '/') = '\0';
		return open(near, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return open(LIBEXECDIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int
open_helpers(void)
{
	AUTOFD folder = open_folder();

	for (size_t i = 0; i < N_HELPERS; i++) {
		struct helper *h = &helpers[i];

		h->fd = openat(folder, h->name, O_PATH | O_CLOEXEC);
		if (h->fd < 0 && h->is_needed) {
			log_err("can't open %s, a part of distccd that is "
			    "installed in %s", h->name, LIBEXECDIR);
			return ERR_NOENT;
		}
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
	return open_helpers();
}

static int
helper_fd(const char *name)
{
	for (size_t i = 0; i < N_HELPERS; i++)
		if (strcmp(helpers[i].name, name) == 0)
			return helpers[i].fd;
	return -1;
}

const char *
spawn_path(const char *name)
{
	static char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
	    helper_fd(name));
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
place_fds(const int from[PROGRAM_FD + 1])
{
	int high[PROGRAM_FD + 1];

	for (int i = 0; i <= PROGRAM_FD; i++) {
		high[i] = from[i] < 0 ? -1 :
		    fcntl(from[i], F_DUPFD, PROGRAM_FD + 1);
		if (from[i] >= 0 && high[i] < 0)
			return false;
	}
	for (int i = 0; i <= PROGRAM_FD; i++)
		if (high[i] >= 0 && dup2(high[i], i) < 0)
			return false;
	return fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC) == 0;
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
become(const struct spawn *s, int program, pid_t parent)
{
	static char path_env[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *env[] = { path_env, NULL };
	char *argv[] = { (char *)(uintptr_t)s->name, NULL };
	const int fds[PROGRAM_FD + 1] = { null_fd, null_fd,
	    s->err >= 0 ? s->err : null_fd,
	    s->chan >= 0 ? s->chan : null_fd,
	    s->in >= 0 ? s->in : null_fd, s->out >= 0 ? s->out : null_fd,
	    program };

	reset_signals();
	if (!place_fds(fds))
		_exit(126);
	fd_keep_only(PROGRAM_FD + 1);
	if (!take_ids(s->ids))
		_exit(126);
	/* taking on other ids clears it, so not before */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);
	(void)execveat(PROGRAM_FD, "", argv, s->env != NULL ? s->env : env,
	    AT_EMPTY_PATH);
	_exit(127);
}

int
spawn_start(const struct spawn *s, pid_t *pid)
{
	pid_t self = getpid();
	int program = helper_fd(s->name);

	*pid = 0;
	if (program < 0) {
		log_errx("%s is not installed", s->name);
		return ERR_NOENT;
	}
	*pid = vfork();
	if (*pid == 0)
		become(s, program, self);
	if (*pid > 0)
		return 0;
	*pid = 0;
	return err_from_errno(errno);
}
