/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distccd-jail - the jailer: makes a jail for each compile.
 *
 * Started once by distccd with a channel on MSG_CHAN_FD, as the keeper, which
 * forks the jailer proper.  That holds the rights to make namespaces and mounts,
 * and reads no byte that a client sent: a job's memory is only passed on,
 * unopened, to a jail that has no rights left.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/jail.h"
#include "sandbox/landlock.h"
#include "server/jail/init.h"
#include "server/jail/keeper.h"
#include "server/jail/pool.h"
#include "server/jail/probe.h"
#include "server/jail/toolchain.h"

#define PROBE_SHM_KEY	0x64636a01	/* any number nobody else has */

static const struct msg_config *config;
static struct jail_plan plan;
static struct toolchain toolchain;
static char reduced_dir[PATH_MAX];

static void
send_log(enum log_level level, const char *line, void *arg)
{
	struct msg_log m = { .head = { MSG_LOG, 0 },
	    .level = (uint32_t)level };

	(void)arg;
	(void)snprintf(m.text, sizeof(m.text), "%s", line);
	(void)!chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0);
}

static int
receive_setup(void)
{
	struct msg_plain m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	struct stat st;
	void *p;
	ssize_t n = chan_recv(MSG_CHAN_FD, &m, sizeof(m), fds, &nfds);

	if (n != (ssize_t)sizeof(m) || nfds != 1 || m.head.type != MSG_SETUP)
		return ERR_PROTOCOL;
	if (!fd_is_sealed(fds[0]) || fstat(fds[0], &st) < 0 ||
	    (size_t)st.st_size != sizeof(*config))
		return ERR_PROTOCOL;
	p = mmap(NULL, sizeof(*config), PROT_READ, MAP_PRIVATE, fds[0], 0);
	fd_close(&fds[0]);
	if (p == MAP_FAILED)
		return err_from_errno(errno);
	config = p;
	return config->magic == MSG_CONFIG_MAGIC ? 0 : ERR_PROTOCOL;
}

static void
tell_layer(const char *name, enum msg_layer_state state, bool required,
    const char *detail)
{
	struct msg_layer m = { .head = { MSG_LAYER, 0 },
	    .state = (uint32_t)state, .required = required };

	(void)snprintf(m.name, sizeof(m.name), "%s", name);
	(void)snprintf(m.detail, sizeof(m.detail), "%s", detail);
	if (chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0) < 0)
		_exit(1);
}

/*
 * An ordinary user gets all rights over a user namespace that holds only itself.
 * It does not become uid 0 there: mapping a 0 on into the jails' namespaces
 * would need one capability more.
 */
static int
enter_user_namespace(void)
{
	static const char *const files[] = { "/proc/self/setgroups",
	    "/proc/self/uid_map", "/proc/self/gid_map" };
	char lines[3][32] = { "deny" };

	(void)snprintf(lines[1], sizeof(lines[1]), "%u %u 1",
	    JAIL_INNER_UID, geteuid());
	(void)snprintf(lines[2], sizeof(lines[2]), "%u %u 1",
	    JAIL_INNER_UID, getegid());
	/*
	 * The change of credentials makes us undumpable, and our /proc files,
	 * and those of the jails whose maps we write, root's.
	 */
	if (unshare(CLONE_NEWUSER) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_from_errno(errno);
	for (size_t i = 0; i < 3; i++) {
		AUTOFD fd = open(files[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, lines[i], strlen(lines[i])) < 0)
			return err_from_errno(errno);
	}
	return 0;
}

static int
build_filters(void)
{
	enum sandbox_mode mode = (enum sandbox_mode)config->filter_mode;
	int r = sandbox_filter_build(SANDBOX_JAIL_INIT, mode,
	    &plan.init_filter);

	return r < 0 ? r : sandbox_filter_build(config->is_reduced &&
	    !config->is_root ? SANDBOX_COMPILER_SHARED : SANDBOX_COMPILER,
	    mode, &plan.compiler_filter);
}

/* Built once: the rules name files, and these stay the same files. */
static int
build_exec_rules(void)
{
	int r;

	plan.exec_ruleset = landlock_new(LANDLOCK_EXEC | LANDLOCK_NET |
	    LANDLOCK_SCOPE);
	if (plan.exec_ruleset < 0)
		return plan.exec_ruleset;
	for (size_t i = 0; i < toolchain.nprograms; i++) {
		r = landlock_allow(plan.exec_ruleset, toolchain.programs[i],
		    LANDLOCK_EXEC);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < toolchain.nloaders; i++) {
		r = landlock_allow(plan.exec_ruleset, toolchain.loaders[i],
		    LANDLOCK_EXEC);
		if (r < 0)
			return r;
	}
	return config->any_command ?
	    landlock_allow(plan.exec_ruleset, "/usr", LANDLOCK_EXEC) : 0;
}

static int
keep_capabilities(void)
{
	static const int full[] = { CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID,
	    CAP_SETPCAP, CAP_KILL };
	/* without mounts, job directories of other uids are made and removed */
	static const int reduced[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP,
	    CAP_KILL, CAP_CHOWN, CAP_DAC_OVERRIDE };

	if (config->is_reduced)
		return !config->is_root ? 0 : sandbox_keep_caps(reduced,
		    sizeof(reduced) / sizeof(reduced[0]));
	return sandbox_keep_caps(full, sizeof(full) / sizeof(full[0]));
}

/* Run one probing jail and pass its findings on; returns how many came. */
static size_t
run_probe(const struct jail_plan *with, struct probe_context *ctx)
{
	struct cgroup_events events;
	struct rusage usage;
	union {
		struct msg_head head;
		struct msg_layer layer;
		struct msg_log log;
	} m;
	struct jail jail;
	char detail[128];
	size_t n = 0;
	int status, r;
	ssize_t len;

	r = jail_start(with, 0, probe_main, ctx, &jail);
	if (r < 0) {
		(void)snprintf(detail, sizeof(detail),
		    "clone with new namespaces: %s", err_text(r));
		tell_layer("namespaces", MSG_LAYER_MISSING, true, detail);
		return 0;
	}
	while ((len = chan_recv(jail.chan, &m, sizeof(m), NULL, NULL)) > 0) {
		if (chan_send(MSG_CHAN_FD, &m, (size_t)len, NULL, 0) < 0)
			_exit(1);
		if (m.head.type == MSG_LAYER)
			n++;
	}
	r = jail_reap(&jail, &status, &usage, &events);
	for (int tries = 0; r < 0 && tries < 50; tries++) {
		(void)usleep(20000);
		r = cgroup_remove(0);
	}
	if (status != 0)
		tell_layer("jail", MSG_LAYER_MISSING, true,
		    "a jail could not be built; the log says which step");
	return n;
}

static void
probe_layers(void)
{
	struct jail_plan bare = plan;
	struct probe_context ctx = {
		.limits = &config->limits,
		.toolchain = &toolchain,
		.jailer_pid = getpid(),
		.worker_uid = config->worker_uid,
		.is_root = config->is_root != 0,
		.is_reduced = config->is_reduced != 0,
		.any_command = config->any_command != 0,
		.filter_is_lax = config->filter_mode != SANDBOX_ERRNO,
		.shm_key = PROBE_SHM_KEY,
	};
	int shm = shmget(PROBE_SHM_KEY, 4096, IPC_CREAT | 0600);
	size_t n;

	bare.init_filter.len = 0;
	n = run_probe(&bare, &ctx);
	n += run_probe(&plan, &ctx);
	if (shm >= 0)
		(void)shmctl(shm, IPC_RMID, NULL);
	if (n != probe_count(ctx.is_root))
		tell_layer("probe", MSG_LAYER_MISSING, true,
		    "not every layer could be tried");
}

static void
tell_cgroup(enum cgroup_kind kind, const char *why)
{
	char detail[200];

	if (kind != CGROUP_NONE) {
		tell_layer("cgroup", MSG_LAYER_OK, false, kind == CGROUP_V2 ?
		    "v2: memory.max, pids.max for each job" :
		    "v1: memory and pids limits for each job");
		return;
	}
	(void)snprintf(detail, sizeof(detail), "%s; limits hold for each "
	    "process, not for a job as a whole", why);
	tell_layer("cgroup", MSG_LAYER_REDUCED, false, detail);
}

static int
fail(const char *what, int r)
{
	char detail[200];

	log_err("jailer: %s: %s", what, err_text(r));
	(void)snprintf(detail, sizeof(detail), "%s: %s", what, err_text(r));
	tell_layer("jail", MSG_LAYER_MISSING, true, detail);
	return r;
}

static int
enter_template(struct rootfs *rootfs)
{
	int r;

	if (!config->is_root && (r = enter_user_namespace()) < 0)
		return fail("user namespace", r);
	if (unshare(CLONE_NEWNS) < 0)
		return fail("mount namespace", err_from_errno(errno));
	if ((r = rootfs_enter_template(rootfs)) < 0)
		return fail("template of the root file system", r);
	return 0;
}

static int
make_reduced_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(reduced_dir, sizeof(reduced_dir), "%s/distccd-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(reduced_dir) == NULL)
		return fail("job directory", err_from_errno(errno));
	/* the jobs' own uids pass through, and cannot list it */
	if (chmod(reduced_dir, 0711) < 0)
		return fail("job directory", err_from_errno(errno));
	plan.reduced_dir = reduced_dir;
	return jail_lead_reduced();
}

static int
prepare(void)
{
	struct rootfs *rootfs = rootfs_new();
	const char *why;
	enum cgroup_kind kind;
	int r;

	plan.limits = &config->limits;
	plan.user_namespace = !config->is_root && !config->is_reduced;
	plan.uid_base = config->jail_uid_base;
	plan.nice = config->nice;
	plan.rootfs = rootfs;
	kind = cgroup_open(&why);
	plan.has_cgroup = kind != CGROUP_NONE;
	plan.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if ((r = toolchain_collect(config, rootfs, &toolchain)) < 0)
		return fail("no usable compiler", r);
	r = config->is_reduced ? make_reduced_dir() : enter_template(rootfs);
	if (r < 0)
		return r;
	if ((r = build_filters()) < 0)
		return fail("seccomp filter", r);
	if ((r = build_exec_rules()) < 0)
		return fail("Landlock", r);
	if ((config->is_root && (r = sandbox_drop_bounding()) < 0) ||
	    (r = keep_capabilities()) < 0)
		return fail("capabilities", r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail("no_new_privs", err_from_errno(errno));
	tell_cgroup(kind, why);
	probe_layers();
	return 0;
}

int
main(void)
{
	struct msg_plain ready = { { MSG_READY, 0 } };
	struct init_context ctx;
	int r;

	log_init("distccd-jail");
	/* started from a descriptor: older kernels make that its name */
	(void)prctl(PR_SET_NAME, program_invocation_short_name);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	if (receive_setup() < 0) {
		log_errx("this program is started by distccd only");
		return 1;
	}
	/*
	 * Behind it is a jailer.  The listener's end of its channel is what
	 * ends it, see pool_run(): killed with the listener, as the keeper is,
	 * it would leave control groups behind.
	 */
	keeper_run();
	log_set_level((enum log_level)config->log_level);
	log_to_sink(send_log, NULL);
	fd_keep_only(MSG_CHAN_FD + 1);
	r = prepare();
	if (chan_send(MSG_CHAN_FD, &ready, sizeof(ready), NULL, 0) < 0)
		return 1;
	if (r < 0)
		return 1;
	ctx = (struct init_context){ .config = config,
	    .toolchain = &toolchain };
	r = pool_run(MSG_CHAN_FD, &plan, &ctx);
	cgroup_close();
	if (plan.reduced_dir != NULL)
		(void)rmdir(plan.reduced_dir);
	return r < 0 ? 1 : 0;
}
