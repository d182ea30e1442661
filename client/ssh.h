/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ssh - a server that is reached by running ssh: its standard input and output
 * are the connection.
 */
#ifndef CLIENT_SSH_H
#define CLIENT_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "client/env.h"
#include "client/hosts.h"
#include "lib/err.h"

#define SSH_WORDS_MAX	64	/* of the whole command */

struct ssh {
	pid_t pid;	/* 0: not running */
	int messages;	/* owns: what it wrote to stderr; -1: none */
};

/* One command for ssh; words borrowed from it, from the host and constants. */
struct ssh_command {
	char *text;			/* owns: $DISTCC_SSH, cut into words */
	const char *argv[SSH_WORDS_MAX + 1];
	size_t n;
};

/*
 * ssh_command - the words to run: those of $DISTCC_SSH, "-l USER", the host,
 * the command there, and the two options that stock distcc sends as well.
 * OpenSSH looks for options behind the host too, so it gets a "--"; it also
 * gets a limit for connecting, which the user's own words may override.
 * returns 0; ERR_LIMIT: too many words
 */
int ssh_command(const struct env *env, const struct host *host,
    struct ssh_command *out) MUST_CHECK;

/*
 * ssh_start - run it.
 * out     *fd: owns; the connection, non-blocking, CLOEXEC
 */
int ssh_start(struct ssh *s, const struct env *env, const struct host *host,
    int *fd) MUST_CHECK;

/*
 * ssh_explain - after a failure: append how ssh ended and the last thing it
 * said to why.
 */
void ssh_explain(struct ssh *s, char *why, size_t size);

/* ssh_free - forget it: it ends by itself once the connection is closed. */
void ssh_free(struct ssh *s);

#endif
