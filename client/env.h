/* SPDX-License-Identifier: GPL-2.0-or-later */
/* env - every environment variable that the client obeys, in one table. */
#ifndef CLIENT_ENV_H
#define CLIENT_ENV_H

#include <stdbool.h>

struct env {
	/* texts: borrowed from the environment; NULL: not set */
	const char *hosts;		/* set but empty is not the same */
	const char *dir;
	const char *log;
	const char *principal;
	const char *ssh;
	const char *home;
	const char *path;
	const char *term;
	const char *tmpdir;
	const char *columns;
	const char *gcc_colors;
	/* switches */
	bool verbose;
	bool fallback;
	bool save_temps;
	bool skip_local_retry;
	bool no_rewrite_cross;
	bool tcp_cork;			/* accepted; packets are whole anyway */
	/* numbers */
	long io_timeout_s;
	long backoff_s;			/* 0: hosts are never shunned */
	long pause_ms;			/* longest pause between two looks */
	long uncached_err_fd;		/* -1: not set */
	long safeguard;			/* how deep distcc called itself */
};

/*
 * env_load - read the environment.  A number that is none, or is out of its
 * range, is warned about and its default used: a build must not break on it.
 */
void env_load(struct env *env);

#endif
