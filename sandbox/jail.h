/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jail - one fresh set of namespaces with a PID 1 that has given up every
 * right but the job's.  Knows the kernel, and nothing of jobs: what PID 1 does
 * inside is the caller's function.
 */
#ifndef SANDBOX_JAIL_H
#define SANDBOX_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "policy/limits.h"
#include "sandbox/cgroup.h"
#include "sandbox/rootfs.h"
#include "sandbox/sandbox.h"

/* What all jails of a daemon share; made once. */
struct jail_plan {
	const struct rootfs *rootfs;
	const char *reduced_dir;	/* --sandbox=reduced: no namespaces; a
					   directory below which jail i has
					   its own, "i"; else NULL */
	const struct limits *limits;	/* borrowed */
	bool user_namespace;		/* not root: a user namespace each */
	bool has_cgroup;		/* memory is limited as a whole */
	int proc_fd;			/* the host's /proc; user_namespace only */
	int exec_ruleset;		/* Landlock: which files may be executed */
	uid_t uid_base;			/* root: jail i runs as uid_base + i */
	int nice;
	struct sandbox_filter init_filter;
	struct sandbox_filter compiler_filter;
};

struct jail {
	const struct jail_plan *plan;
	uint32_t id;		/* names its cgroup and its uid */
	pid_t pid;		/* PID 1, as the caller sees it */
	int pidfd;
	int chan;		/* our end of a lib/chan to PID 1 */
};

#define JAIL_INNER_UID	1000U	/* our uid in any user namespace of ours */
#define JAIL_CHAN_FD	3	/* PID 1's end */

/*
 * jail_main - what PID 1 does, confined already; it ends with _exit().
 * in      plan: a copy of the caller's memory at the clone
 */
typedef void jail_main(const struct jail_plan *plan, uint32_t id, void *arg);

/*
 * jail_start - clone PID 1 and let it build its walls.
 * returns 0; the jail then says so itself over its channel, or ends: errors
 *         inside reach the log through standard error and the exit status
 */
int jail_start(const struct jail_plan *plan, uint32_t id, jail_main *fn,
    void *arg, struct jail *out) MUST_CHECK;

/*
 * jail_lead_reduced - once, by who starts reduced jails: what a killed PID 1
 * leaves behind comes to the caller, and jail_reap() ends it.
 */
int jail_lead_reduced(void) MUST_CHECK;

/*
 * jail_root - the directory that is the job's root: "" in a full jail, where it
 * is "/" itself; static, overwritten by the next call.
 */
const char *jail_root(const struct jail_plan *plan, uint32_t id);

/*
 * jail_kill_job - by PID 1: end all processes of the job but PID 1 itself.
 * in      pid: the compiler, which leads a process group when reduced
 */
void jail_kill_job(const struct jail_plan *plan, pid_t pid);

/* jail_kill - SIGKILL to PID 1, and so to all; safe at any time. */
void jail_kill(const struct jail *j);

/*
 * jail_reap - collect a jail whose pidfd is readable: closes its descriptors,
 * reads its cgroup's events and removes the group.
 * out     usage: of PID 1 and all that it waited for
 * returns 0, ERR_BUSY when its cgroup cannot be removed yet (call
 *         cgroup_remove() again later)
 */
int jail_reap(struct jail *j, int *wait_status, struct rusage *usage,
    struct cgroup_events *events) MUST_CHECK;

/*
 * jail_confine_compiler - in PID 1's child, just before exec: Landlock for
 * writing, then the compiler's seccomp filter.
 * in      writable: a directory below which it may write, besides the jail's
 *         /tmp and /dev/null; NULL: none
 */
int jail_confine_compiler(const struct jail_plan *plan, uint32_t id,
    const char *writable) MUST_CHECK;

#endif
