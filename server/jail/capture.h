/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture - run a trusted program of the tool chain and read what it prints. */
#ifndef SERVER_JAIL_CAPTURE_H
#define SERVER_JAIL_CAPTURE_H

#include <sys/types.h>

#include "lib/buf.h"
#include "lib/err.h"

struct capture_as {
	int drop;		/* change to uid and gid first */
	uid_t uid;
	gid_t gid;
};

/*
 * capture_run - standard output and error of argv, at most out->cap bytes,
 * within 10 seconds, with a fixed environment and /dev/null as input.
 * returns the wait status (>= 0), or ERR_LIMIT, ERR_TIMEOUT, …
 */
int capture_run(char *const *argv, const struct capture_as *as,
    struct buf *out) MUST_CHECK;

#endif
