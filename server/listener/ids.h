/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ids - as whom the workers run. */
#ifndef SERVER_LISTENER_IDS_H
#define SERVER_LISTENER_IDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

struct ids {
	bool is_root;		/* distccd was started as root */
	uid_t uid;		/* of workers, when root */
	gid_t gid;
	char name[64];
};

/*
 * ids_find - look up user, or distcc, else nobody; nothing to do when not root.
 * returns 0; what is wrong has been reported
 */
int ids_find(const char *user, struct ids *out) MUST_CHECK;

/*
 * ids_as_user - call fn(arg) with the effective ids of the workers' user, then
 * as ourselves if that gave an error.  Files that distccd owns may belong to
 * either.
 */
int ids_as_user(const struct ids *ids, int (*fn)(void *arg), void *arg);

/* ids_keep_caps - when root: give up every capability but those for starting
 * and ending workers and the jailer. */
int ids_keep_caps(const struct ids *ids) MUST_CHECK;

#endif
