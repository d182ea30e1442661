/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup - memory and process limits for a whole job, where we may make
 * control groups: v2 when delegated to us (systemd: Delegate=yes), else v1's
 * memory and pids hierarchies, else none (then rlimits alone hold a job).
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

enum cgroup_kind { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

struct cgroup_limits {
	uint64_t memory;	/* bytes, file systems in memory included */
	uint32_t processes;
};

/* what stopped a job */
struct cgroup_events {
	bool oom;		/* the memory limit killed it */
	bool processes;		/* a fork was refused */
};

/*
 * cgroup_open - find and claim a place for our groups, before any mount
 * namespace is entered; removes what an earlier daemon left there.
 * returns the kind; *why (static) says why not v2 or v1, for --show-sandbox
 */
enum cgroup_kind cgroup_open(const char **why);
/* cgroup_close - remove our place; every job's group must be gone. */
void cgroup_close(void);

/*
 * cgroup_make - a group for one jail.  One that cgroup_finish() has kept is used
 * again, with the limits that it had.
 * in      id: unique among the live ones
 * out     *clone_fd: v2: a directory for CLONE_INTO_CGROUP, the caller's; else -1
 */
int cgroup_make(uint32_t id, const struct cgroup_limits *limits,
    int *clone_fd) MUST_CHECK;
/* cgroup_attach - v1: put pid into the group of id; v2 and none: nothing. */
int cgroup_attach(uint32_t id, pid_t pid) MUST_CHECK;

/*
 * cgroup_finish - its processes are gone: what happened in it since
 * cgroup_make()?  An empty group is kept for the next jail (making one and
 * removing it costs 0.4 ms); one that still holds memory, of results that a
 * worker is sending, is removed.
 * returns 0, ERR_BUSY: call cgroup_remove() again later
 */
int cgroup_finish(uint32_t id, struct cgroup_events *out) MUST_CHECK;
/* cgroup_remove - no group of id is there afterwards; ERR_BUSY as above. */
int cgroup_remove(uint32_t id) MUST_CHECK;

#endif
