/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn - start a worker or the jailer with a fixed set of descriptors. */
#ifndef SERVER_LISTENER_SPAWN_H
#define SERVER_LISTENER_SPAWN_H

#include <sys/types.h>

#include "lib/err.h"
#include "server/listener/ids.h"

struct spawn {
	const char *path;	/* absolute */
	const char *name;	/* argv[0] */
	int chan;		/* becomes MSG_CHAN_FD */
	int in, out;		/* become MSG_PEER_FD, MSG_PEER_OUT_FD; -1 */
	int err;		/* becomes 2; -1: /dev/null */
	char *const *env;	/* the environment; NULL: a PATH and no more */
	const struct ids *ids;	/* whose ids to take on; NULL: keep ours */
};

/* spawn_init - open /dev/null and find the programs; reported on failure. */
int spawn_init(void) MUST_CHECK;

/* spawn_path - where a helper program ("distccd-worker") is; static buffer. */
const char *spawn_path(const char *program);

/* spawn_gss_environment - a PATH, and what of our environment GSSAPI goes by. */
char *const *spawn_gss_environment(void);

/*
 * spawn_start - start the program; the descriptors are borrowed.
 * out     *pid
 * returns 0 as soon as the child has called exec, also when that failed (it
 *         then ends with status 127)
 */
int spawn_start(const struct spawn *s, pid_t *pid) MUST_CHECK;

#endif
