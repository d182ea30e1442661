/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn - start a worker or the jailer with a fixed set of descriptors. */
#ifndef SERVER_LISTENER_SPAWN_H
#define SERVER_LISTENER_SPAWN_H

#include <sys/types.h>

#include "lib/err.h"
#include "server/listener/ids.h"

struct spawn {
	const char *name;	/* the helper program, and its argv[0] */
	int chan;		/* becomes MSG_CHAN_FD; -1: it has none */
	int in, out;		/* become MSG_PEER_FD, MSG_PEER_OUT_FD; -1 */
	int err;		/* becomes 2; -1: /dev/null */
	char *const *env;	/* the environment; NULL: a PATH and no more */
	const struct ids *ids;	/* whose ids to take on; NULL: keep ours */
};

/* spawn_init - open /dev/null and the programs; reported on failure. */
int spawn_init(void) MUST_CHECK;

/* spawn_path - by what name we can open a helper program; static buffer. */
const char *spawn_path(const char *name);

/* spawn_gss_environment - a PATH, and what of our environment GSSAPI goes by. */
char *const *spawn_gss_environment(void);

/*
 * spawn_start - start the program; the descriptors are borrowed.
 * out     *pid
 * returns 0 as soon as the child has called exec, also when that failed (it
 *         then ends with status 127); ERR_NOENT (reported) when the program is
 *         not there
 */
int spawn_start(const struct spawn *s, pid_t *pid) MUST_CHECK;

#endif
