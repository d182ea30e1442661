/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox - how each small process shuts itself in.  (The compiler's jail is
 * sandbox/jail.h, only the jailer uses that.)
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

/*
 * A seccomp program, built once at start by whoever starts the process that
 * loads it: libseccomp needs 0.7 ms to build one, the kernel 0.2 ms to load it.
 * The instructions are struct sock_filter, kept as numbers so that this header
 * needs none of the kernel's.
 */
#define SANDBOX_FILTER_MAX	768

struct sandbox_filter {
	uint32_t len;
	uint32_t reserved;
	uint64_t insns[SANDBOX_FILTER_MAX];
};

enum sandbox_role {
	SANDBOX_LISTENER,	/* accept, spawn, messages, log */
	SANDBOX_WORKER,		/* one socket, one channel, memory */
	SANDBOX_JAIL_INIT,	/* PID 1 of a jail */
	SANDBOX_COMPILER,	/* what PID 1 starts */
	SANDBOX_AUTH,		/* GSSAPI accept on one socket */
	SANDBOX_STATS,		/* HTTP on one socket */
	SANDBOX_COMPILER_SHARED, /* as COMPILER, with its user's own uid */
};

/*
 * What happens on a system call that a table does not list.  LOG is the tests'
 * tracing mode: the call is let through and the kernel writes an audit line;
 * KILL ends the process at once, ERRNO answers EPERM.
 */
enum sandbox_mode { SANDBOX_ERRNO, SANDBOX_KILL, SANDBOX_LOG };

/*
 * sandbox_filter_build - compile a role's table of system calls (sandbox/
 * syscalls.def) with libseccomp.  In filter.c, which the worker does not link.
 */
int sandbox_filter_build(enum sandbox_role role, enum sandbox_mode mode,
    struct sandbox_filter *out) MUST_CHECK;

/* sandbox_filter_load - no_new_privs must be set. */
int sandbox_filter_load(const struct sandbox_filter *f) MUST_CHECK;

/*
 * sandbox_drop_ids - groups, gid and uid for good, then read them back.
 * Only for a process that was started as root.
 */
int sandbox_drop_ids(uid_t uid, gid_t gid) MUST_CHECK;

/* sandbox_drop_bounding - empty the bounding set; needs CAP_SETPCAP. */
int sandbox_drop_bounding(void) MUST_CHECK;

/* sandbox_drop_caps - empty every capability set and the bounding set as far
 * as we may, then verify; ERR_ACCESS if any is left in effect. */
int sandbox_drop_caps(void) MUST_CHECK;

/*
 * sandbox_keep_caps - reduce permitted and effective to a list.
 * in caps: capability numbers (CAP_SETUID …)
 */
int sandbox_keep_caps(const int *caps, size_t n) MUST_CHECK;

/* sandbox_no_new_privs - PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE 0. */
int sandbox_no_new_privs(void) MUST_CHECK;

/*
 * sandbox_no_files - Landlock: no file at all can be opened from here on, no
 * TCP bind or connect, no signal or abstract socket outside, as far as this
 * kernel's Landlock goes.  ERR_UNSUPPORTED without Landlock.
 */
int sandbox_no_files(void) MUST_CHECK;

/*
 * sandbox_confine_worker - the worker's four steps in their order: capabilities
 * (the listener already dropped the ids), limits, no_new_privs with Landlock,
 * seccomp.  After it no file can be opened, no process started, no socket made.
 * in      memory: bytes of address space; file: bytes of the largest memfd
 */
int sandbox_confine_worker(const struct sandbox_filter *filter,
    uint64_t memory, uint64_t file) MUST_CHECK;

/*
 * sandbox_few_files - no_new_privs, and Landlock as sandbox_no_files(), but for
 * what is listed.  It may be narrowed further.
 * in      readable: paths, NULL-terminated; what is not there is passed over
 *         writable: a path, read and written; or NULL
 */
int sandbox_few_files(const char *const *readable, const char *writable)
    MUST_CHECK;

/*
 * sandbox_rules - what the listener may do with files; a descriptor, the
 * caller's.  At first nothing, and no TCP.
 * sandbox_rules_allow - give something back for a file or below a directory;
 * ERR_NOENT when it is not there.
 */
enum sandbox_right {
	SANDBOX_READ	= 1 << 0,
	SANDBOX_WRITE	= 1 << 1,	/* and make, remove */
	SANDBOX_RUN	= 1 << 2,
};
int sandbox_rules(void) MUST_CHECK;
int sandbox_rules_allow(int rules, const char *path, unsigned int rights)
    MUST_CHECK;

/*
 * sandbox_confine_listener - no_new_privs, the rules, the filter; what it starts
 * from here on inherits all three.
 */
int sandbox_confine_listener(int rules, const struct sandbox_filter *filter)
    MUST_CHECK;

/*
 * sandbox_confine_auth - for distccd-auth, which may still read the files that
 * configure its mechanism, write one, and fork.
 * sandbox_confine_forked - the rest, for what it forked: no process, and only
 * the filter's system calls.
 */
int sandbox_confine_auth(uint64_t memory, const char *const *readable,
    const char *writable) MUST_CHECK;
int sandbox_confine_forked(const struct sandbox_filter *filter) MUST_CHECK;

#endif
