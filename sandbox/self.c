/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

int
sandbox_filter_load(const struct sandbox_filter *f)
{
	struct sock_fprog prog;

	if (f->len == 0 || f->len > SANDBOX_FILTER_MAX)
		return ERR_LIMIT;
	prog.len = (unsigned short)f->len;
	prog.filter = (struct sock_filter *)(uintptr_t)f->insns;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ?
	    err_from_errno(errno) : 0;
}

int
sandbox_drop_ids(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return err_from_errno(errno);
	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return err_from_errno(errno);
	if (r != uid || e != uid || s != uid ||
	    rg != gid || eg != gid || sg != gid)
		return ERR_ACCESS;
	return 0;
}

int
sandbox_drop_bounding(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_from_errno(errno);
	return 0;
}

/*
 * The bounding set can only be emptied while CAP_SETPCAP is there; a process
 * that never had it has nothing to lose from the set.
 */
static int
drop_bounding_if_able(void)
{
	if (prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) != 1 ||
	    capng_get_caps_process() < 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return 0;
	return sandbox_drop_bounding();
}

int
sandbox_drop_caps(void)
{
	int r;

	/* libcap-ng remembers the pid that it saw first: not ours any more
	 * in a process that was cloned */
	capng_setpid((int)getpid());
	if ((r = drop_bounding_if_able()) < 0)
		return r;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return ERR_ACCESS;
	if (capng_get_caps_process() < 0)
		return ERR_SYS;
	return capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE ?
	    0 : ERR_ACCESS;
}

int
sandbox_keep_caps(const int *caps, size_t n)
{
	capng_setpid((int)getpid());
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < n; i++)
		if (capng_update(CAPNG_ADD,
		    CAPNG_EFFECTIVE | CAPNG_PERMITTED,
		    (unsigned int)caps[i]) < 0)
			return ERR_SYS;
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return ERR_ACCESS;
	(void)capng_apply(CAPNG_SELECT_AMBIENT);
	return 0;
}

int
sandbox_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_from_errno(errno);
	return 0;
}

int
sandbox_no_files(void)
{
	AUTOFD ruleset = landlock_new(LANDLOCK_EXEC | LANDLOCK_READ |
	    LANDLOCK_WRITE | LANDLOCK_NET | LANDLOCK_SCOPE);

	return ruleset < 0 ? ruleset : landlock_enforce(ruleset);
}

static int
limit(int which, uint64_t value)
{
	struct rlimit rl = { .rlim_cur = value, .rlim_max = value };

	return setrlimit((__rlimit_resource_t)which, &rl) < 0 ?
	    err_from_errno(errno) : 0;
}

static int
limit_small(uint64_t memory, uint64_t file)
{
	int r;

	if ((r = limit(RLIMIT_CORE, 0)) < 0 ||
	    (r = limit(RLIMIT_NOFILE, 32)) < 0 ||
	    (r = limit(RLIMIT_AS, memory)) < 0)
		return r;
	return limit(RLIMIT_FSIZE, file);
}

int
sandbox_confine_worker(const struct sandbox_filter *filter, uint64_t memory,
    uint64_t file)
{
	int r;

	if ((r = sandbox_drop_caps()) < 0 ||
	    (r = limit_small(memory, file)) < 0 ||
	    (r = limit(RLIMIT_NPROC, 0)) < 0 ||
	    (r = sandbox_no_new_privs()) < 0 || (r = sandbox_no_files()) < 0)
		return r;
	return sandbox_filter_load(filter);
}

int
sandbox_rules(void)
{
	/* no scope: the keeper and the jailer are outside, and are ended */
	return landlock_new(LANDLOCK_EXEC | LANDLOCK_READ | LANDLOCK_WRITE |
	    LANDLOCK_NET);
}

int
sandbox_rules_allow(int rules, const char *path, unsigned int rights)
{
	unsigned int classes = 0;

	if ((rights & SANDBOX_READ) != 0)
		classes |= LANDLOCK_READ;
	if ((rights & SANDBOX_WRITE) != 0)
		classes |= LANDLOCK_WRITE;
	if ((rights & SANDBOX_RUN) != 0)
		classes |= LANDLOCK_EXEC;
	return landlock_allow(rules, path, classes);
}

int
sandbox_confine_listener(int rules, const struct sandbox_filter *filter)
{
	int r;

	if ((r = sandbox_no_new_privs()) < 0 ||
	    (r = landlock_enforce(rules)) < 0)
		return r;
	return sandbox_filter_load(filter);
}

#define AUTH_FILE_BYTES	(64ULL * 1024 * 1024)	/* of the replay cache */

int
sandbox_few_files(const char *const *readable, const char *writable)
{
	AUTOFD ruleset = landlock_new(LANDLOCK_EXEC | LANDLOCK_READ |
	    LANDLOCK_WRITE | LANDLOCK_NET | LANDLOCK_SCOPE);
	int r = ruleset < 0 ? ruleset : sandbox_no_new_privs();

	for (; r == 0 && *readable != NULL; readable++) {
		r = landlock_allow(ruleset, *readable, LANDLOCK_READ);
		if (r == ERR_NOENT)
			r = 0;
	}
	if (r == 0 && writable != NULL)
		r = landlock_allow(ruleset, writable,
		    LANDLOCK_READ | LANDLOCK_WRITE);
	return r < 0 ? r : landlock_enforce(ruleset);
}

int
sandbox_confine_auth(uint64_t memory, const char *const *readable,
    const char *writable)
{
	int r;

	if ((r = sandbox_drop_caps()) < 0 ||
	    (r = limit_small(memory, AUTH_FILE_BYTES)) < 0)
		return r;
	return sandbox_few_files(readable, writable);
}

int
sandbox_confine_forked(const struct sandbox_filter *filter)
{
	int r = limit(RLIMIT_NPROC, 0);

	return r < 0 ? r : sandbox_filter_load(filter);
}
