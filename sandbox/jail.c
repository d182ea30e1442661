/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/jail.h"
#include "sandbox/landlock.h"

#define RULESET_FD	(JAIL_CHAN_FD + 1)
#define EXIT_SETUP	121	/* PID 1 could not build its walls */
#define NAMESPACES	(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | \
	CLONE_NEWIPC | CLONE_NEWUTS)
#define AS_SLACK_BYTES	(512ULL * 1024 * 1024)	/* mapped, not touched */
#define ACCOUNT_TASKS	512ULL	/* what an account may run beside the job */
#define STACK_BYTES	(64ULL * 1024 * 1024)	/* what gcc asks for itself */

/* The steps of the jail, in order; a failure names the step. */
struct step {
	const char *name;
	int (*run)(const struct jail_plan *plan, uint32_t id);
};

const char *
jail_root(const struct jail_plan *plan, uint32_t id)
{
	static char path[PATH_MAX - 64];	/* room for a name */

	if (plan->reduced_dir == NULL)
		return "";
	(void)snprintf(path, sizeof(path), "%s/%u", plan->reduced_dir, id);
	return path;
}

/* Without namespaces: a directory of the host's, removed by jail_reap(). */
static int
make_reduced_root(const struct jail_plan *plan, uint32_t id)
{
	const char *root = jail_root(plan, id);
	char tmp[PATH_MAX];

	(void)snprintf(tmp, sizeof(tmp), "%s/tmp", root);
	if (mkdir(root, 0700) < 0 || mkdir(tmp, 0700) < 0)
		return err_from_errno(errno);
	if (geteuid() == 0 &&
	    (chown(root, plan->uid_base + id, plan->uid_base + id) < 0 ||
	    chown(tmp, plan->uid_base + id, plan->uid_base + id) < 0))
		return err_from_errno(errno);
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ?
	    err_from_errno(errno) : 0;
}

static int
enter_root(const struct jail_plan *plan, uint32_t id)
{
	struct rootfs_job job = {
		.bytes = plan->limits->max_scratch,
		.inodes = plan->limits->max_inodes,
		.uid = plan->user_namespace ? JAIL_INNER_UID :
		    plan->uid_base + id,
		.gid = plan->user_namespace ? JAIL_INNER_UID :
		    plan->uid_base + id,
	};

	if (plan->reduced_dir != NULL)
		return make_reduced_root(plan, id);
	if (sethostname("jail", 4) < 0)	/* nor the host's name */
		return err_from_errno(errno);
	return rootfs_enter_job(plan->rootfs, &job);
}

static int
limit(int which, uint64_t value)
{
	struct rlimit rl = { .rlim_cur = value, .rlim_max = value };

	return setrlimit((__rlimit_resource_t)which, &rl) < 0 ?
	    err_from_errno(errno) : 0;
}

/* Whether the job shares its uid with all that its user runs here. */
static bool
shares_uid(const struct jail_plan *plan)
{
	return plan->reduced_dir != NULL && geteuid() != 0;
}

static int
set_limits(const struct jail_plan *plan, uint32_t id)
{
	const struct limits *l = plan->limits;
	struct rlimit stack = { .rlim_cur = 8 * 1024 * 1024,
	    .rlim_max = STACK_BYTES };
	int r;

	(void)id;
	if ((r = limit(RLIMIT_CORE, 0)) < 0 ||
	    (r = limit(RLIMIT_FSIZE, l->max_scratch)) < 0 ||
	    (r = limit(RLIMIT_CPU, l->job_lifetime_s + 1ULL)) < 0 ||
	    (r = limit(RLIMIT_AS, l->max_memory +
	    (plan->has_cgroup ? AS_SLACK_BYTES : 0))) < 0 ||
	    (r = limit(RLIMIT_NOFILE, 256)) < 0 ||
	    (r = limit(RLIMIT_MEMLOCK, 0)) < 0 ||
	    (r = limit(RLIMIT_MSGQUEUE, 0)) < 0 ||
	    (r = limit(RLIMIT_SIGPENDING, 256)) < 0 ||
	    /* it counts the uid, and so PID 1; where that is a person's, also
	     * all else that this person runs, in whatever container */
	    (r = limit(RLIMIT_NPROC, l->max_processes + 1ULL +
	    (shares_uid(plan) ? ACCOUNT_TASKS : 0))) < 0)
		return r;
	/* a hard limit below ours is fine, it cannot be raised anyway */
	(void)setrlimit(RLIMIT_STACK, &stack);
	if (plan->nice != 0)
		(void)setpriority(PRIO_PROCESS, 0, plan->nice);
	return 0;
}

static int
drop_privilege(const struct jail_plan *plan, uint32_t id)
{
	int r = 0;

	/* root's bounding set was emptied by the jailer, once for all */
	if (!plan->user_namespace && geteuid() == 0)
		r = sandbox_drop_ids(plan->uid_base + id,
		    (gid_t)(plan->uid_base + id));
	if (r == 0)
		r = sandbox_drop_caps();
	/* a change of ids clears it */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		r = err_from_errno(errno);
	return r;
}

static int
forbid_privilege(const struct jail_plan *plan, uint32_t id)
{
	(void)plan;
	(void)id;
	return sandbox_no_new_privs();
}

/*
 * Without a root of its own: what PID 1, too, may read and write.  The compiler
 * gets less, by jail_confine_compiler().
 */
static int
restrict_files(const struct jail_plan *plan, uint32_t id)
{
	AUTOFD ruleset = -1;
	int r;

	if (plan->reduced_dir == NULL)
		return 0;
	ruleset = landlock_new(LANDLOCK_READ | LANDLOCK_WRITE);
	if (ruleset < 0)
		return ruleset;
	if ((r = landlock_allow(ruleset, jail_root(plan, id),
	    LANDLOCK_READ | LANDLOCK_WRITE)) < 0 ||
	    (r = landlock_allow(ruleset, "/dev/null",
	    LANDLOCK_READ | LANDLOCK_WRITE)) < 0 ||
	    (r = rootfs_allow_read(plan->rootfs, ruleset)) < 0)
		return r;
	return landlock_enforce(ruleset);
}

static int
restrict_exec(const struct jail_plan *plan, uint32_t id)
{
	int r = landlock_enforce(plan->exec_ruleset);

	(void)id;
	if (r == 0)
		(void)close(plan->exec_ruleset);
	return r;
}

static int
filter_calls(const struct jail_plan *plan, uint32_t id)
{
	(void)id;
	/* without one only for the probe of the layers beneath */
	return plan->init_filter.len == 0 ? 0 :
	    sandbox_filter_load(&plan->init_filter);
}

static const struct step steps[] = {
	{ "root file system", enter_root },
	{ "limits", set_limits },
	{ "uid and capabilities", drop_privilege },
	{ "no_new_privs", forbid_privilege },
	{ "Landlock for files", restrict_files },
	{ "Landlock", restrict_exec },
	{ "seccomp", filter_calls },
};

/* Only 0, 1, 2, the channel and the ruleset are left, in these places. */
static int
close_others(struct jail_plan *plan, int chan)
{
	/* out of the way first: either may sit where the other belongs */
	int c = fcntl(chan, F_DUPFD_CLOEXEC, RULESET_FD + 1);
	int rs = fcntl(plan->exec_ruleset, F_DUPFD_CLOEXEC, RULESET_FD + 1);

	if (c < 0 || rs < 0 || dup3(c, JAIL_CHAN_FD, O_CLOEXEC) < 0 ||
	    dup3(rs, RULESET_FD, O_CLOEXEC) < 0)
		return err_from_errno(errno);
	plan->exec_ruleset = RULESET_FD;
	fd_keep_only(RULESET_FD + 1);
	return 0;
}

static void
run_init(const struct jail_plan *shared, uint32_t id, int chan, jail_main *fn,
    void *arg)
{
	struct jail_plan plan = *shared;
	char go;
	int r;

	/*
	 * The parent says go when the cgroup and the user namespace's map
	 * are there.  If it has died by now, its end of the channel is
	 * closed and we end: no window before the death signal is set.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    chan_recv(chan, &go, 1, NULL, NULL) != 1 ||
	    close_others(&plan, chan) < 0)
		_exit(EXIT_SETUP);
	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, sig == SIGPIPE ? SIG_IGN : SIG_DFL);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		r = steps[i].run(&plan, id);
		if (r < 0) {
			log_warn("jail: %s: %s", steps[i].name, err_text(r));
			_exit(EXIT_SETUP);
		}
	}
	fn(&plan, id, arg);
	_exit(EXIT_SETUP);
}

/* One line: the same number inside and in our own user namespace. */
static int
write_map(int proc_fd, pid_t pid, const char *file, const char *text)
{
	char path[48];
	AUTOFD fd = -1;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
	fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_from_errno(errno);
	return 0;
}

static int
map_ids(const struct jail_plan *plan, pid_t pid)
{
	char line[32];
	int r;

	(void)snprintf(line, sizeof(line), "%u %u 1",
	    JAIL_INNER_UID, JAIL_INNER_UID);
	if ((r = write_map(plan->proc_fd, pid, "setgroups", "deny")) < 0 ||
	    (r = write_map(plan->proc_fd, pid, "uid_map", line)) < 0)
		return r;
	return write_map(plan->proc_fd, pid, "gid_map", line);
}

static pid_t
clone_init(const struct jail_plan *plan, int cgroup_fd, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (plan->reduced_dir == NULL)
		args.flags |= NAMESPACES;
	if (plan->user_namespace)
		args.flags |= CLONE_NEWUSER;
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)cgroup_fd;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

int
jail_start(const struct jail_plan *plan, uint32_t id, jail_main *fn,
    void *arg, struct jail *out)
{
	struct cgroup_limits limits = { plan->limits->max_memory,
	    plan->limits->max_processes + 1 };	/* PID 1 */
	AUTOFD cgroup_fd = -1;
	AUTOFD ours = -1;
	AUTOFD theirs = -1;
	int pair[2], r;

	*out = (struct jail){ .plan = plan, .id = id, .pid = -1, .pidfd = -1, .chan = -1 };
	if ((r = chan_pair(pair)) < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	if ((r = cgroup_make(id, &limits, &cgroup_fd)) < 0)
		return r;
	out->pid = clone_init(plan, cgroup_fd, &out->pidfd);
	if (out->pid == 0) {
		fd_close(&ours);
		run_init(plan, id, theirs, fn, arg);
	}
	if (out->pid < 0) {
		r = err_from_errno(errno);
		if (cgroup_remove(id) < 0)
			log_warn("jail: cgroup of %u stays", id);
		return r;
	}
	r = cgroup_attach(id, out->pid);
	if (r == 0 && plan->user_namespace)
		r = map_ids(plan, out->pid);
	if (r == 0)
		r = chan_send(ours, "", 1, NULL, 0);
	out->chan = fd_take(&ours);
	if (r < 0) {
		log_warn("jail: cannot let it start: %s", err_text(r));
		jail_kill(out);	/* the caller reaps it as any other */
	}
	return 0;
}

void
jail_kill_job(const struct jail_plan *plan, pid_t pid)
{
	/* reduced: the filter lets no process leave its group */
	(void)kill(plan->reduced_dir != NULL ? -pid : -1, SIGKILL);
}

void
jail_kill(const struct jail *j)
{
	(void)syscall(SYS_pidfd_send_signal, j->pidfd, SIGKILL, NULL, 0);
}

int
jail_lead_reduced(void)
{
	return setpgid(0, 0) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ?
	    err_from_errno(errno) : 0;
}

/* A child of ours that is no PID 1 of a jail: those are in our own group. */
static pid_t
find_orphan(DIR *proc)
{
	struct dirent *e;

	rewinddir(proc);
	while ((e = readdir(proc)) != NULL) {
		char path[sizeof(e->d_name) + sizeof("/stat")], text[512];
		const char *p;
		long pid = strtol(e->d_name, NULL, 10), parent, group;
		ssize_t n;
		AUTOFD fd = -1;

		if (pid <= 1)
			continue;
		(void)snprintf(path, sizeof(path), "%ld/stat", pid);
		fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0)
			continue;
		text[n] = '\0';
		/* the name in parentheses is the job's choice */
		if ((p = strrchr(text, ')')) != NULL &&
		    sscanf(p, ") %*c %ld %ld", &parent, &group) == 2 &&
		    parent == getpid() && group != getpgrp())
			return (pid_t)pid;
	}
	return -1;
}

/*
 * Reduced, and PID 1 was ended: what it leaves becomes ours.  A group is killed
 * as a whole, so a fork bomb cannot run away.
 */
static void
end_orphans(void)
{
	DIR *proc = opendir("/proc");
	pid_t pid, group;

	while (proc != NULL && (pid = find_orphan(proc)) > 0) {
		group = getpgid(pid);
		if (group > 1 && group != getpgrp()) {
			(void)kill(-group, SIGKILL);
			while (waitpid(-group, NULL, 0) > 0)
				continue;
		} else {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
	}
	if (proc != NULL)
		(void)closedir(proc);
}

/* Remove what a reduced jail left in the host's file system. */
static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

int
jail_reap(struct jail *j, int *wait_status, struct rusage *usage,
    struct cgroup_events *events)
{
	while (wait4(j->pid, wait_status, 0, usage) < 0)
		if (errno != EINTR) {
			*wait_status = 0;
			memset(usage, 0, sizeof(*usage));
			break;
		}
	fd_close(&j->pidfd);
	fd_close(&j->chan);
	if (j->plan->reduced_dir != NULL && *wait_status != 0)
		end_orphans();
	if (j->plan->reduced_dir != NULL)
		(void)nftw(jail_root(j->plan, j->id), remove_one, 16,
		    FTW_DEPTH | FTW_PHYS);
	return cgroup_finish(j->id, events);
}

int
jail_confine_compiler(const struct jail_plan *plan, uint32_t id,
    const char *writable)
{
	/* what it reads: the root holds no more, or restrict_files() saw to it */
	AUTOFD ruleset = landlock_new(LANDLOCK_WRITE);
	char tmp[PATH_MAX];
	int r;

	if (ruleset < 0)
		return ruleset;
	(void)snprintf(tmp, sizeof(tmp), "%s/tmp", jail_root(plan, id));
	if ((r = landlock_allow(ruleset, "/dev/null", LANDLOCK_WRITE)) < 0 ||
	    (r = landlock_allow(ruleset, tmp, LANDLOCK_WRITE)) < 0)
		return r;
	if (writable != NULL && (r = landlock_allow(ruleset, writable,
	    LANDLOCK_WRITE)) < 0)
		return r;
	if (plan->reduced_dir != NULL && setpgid(0, 0) < 0)
		return err_from_errno(errno);
	if ((r = landlock_enforce(ruleset)) < 0)
		return r;
	return sandbox_filter_load(&plan->compiler_filter);
}
