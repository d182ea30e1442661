/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/cleanup.h"

static struct {
	volatile sig_atomic_t child;
	volatile sig_atomic_t has_file;
	char file[PATH_MAX];	/* stable while has_file is set */
} state;

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* SA_RESETHAND has put the default action back: raise() ends us. */
static void
die(int sig)
{
	if (state.has_file)
		(void)unlink(state.file);
	if (state.child != 0)
		(void)kill((pid_t)state.child, SIGTERM);
	(void)raise(sig);
}

void
cleanup_init(void)
{
	struct sigaction sa = {
		.sa_handler = die,
		.sa_flags = (int)SA_RESETHAND,
	};

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		struct sigaction old;

		/* what our parent ignores (nohup) stays ignored */
		if (sigaction(deadly[i], &sa, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			(void)sigaction(deadly[i], &old, NULL);
	}
	/* inherited as ignored it would make waitpid(2) fail */
	(void)signal(SIGCHLD, SIG_DFL);
}

void
cleanup_child(pid_t pid)
{
	state.child = (sig_atomic_t)pid;
}

void
cleanup_file(const char *path)
{
	state.has_file = 0;
	if (path == NULL || strlen(path) >= sizeof(state.file))
		return;
	memcpy(state.file, path, strlen(path) + 1);
	state.has_file = 1;
}
