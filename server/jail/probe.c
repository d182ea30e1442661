/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe - does each layer hold on this machine?  Every row tries what its layer
 * forbids, from inside a jail, and is content only with the refusal.
 *
 * Two jails: one without the seccomp filter, so that the layers beneath are
 * seen themselves and not the filter in front of them; one complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "sandbox/landlock.h"
#include "server/jail/probe.h"

struct probe {
	const char *layer;
	bool needs_filter;	/* runs in the complete jail */
	bool as_compiler;	/* runs in PID 1's child, as the compiler would */
	bool is_root_only;
	bool is_full_only;	/* not there with --sandbox=reduced */
	/* try_it - true when refused as it should be; says what happened */
	bool (*try_it)(const struct probe_context *ctx, char *detail,
	    size_t size);
};

static bool
report(bool holds, char *detail, size_t size, const char *tried)
{
	(void)snprintf(detail, size, "%s: %s", tried,
	    holds ? "refused" : "NOT refused");
	return holds;
}

static bool
try_host_files(const struct probe_context *ctx, char *detail, size_t size)
{
	(void)ctx;
	return report(access("/etc/passwd", F_OK) < 0 &&
	    access("/proc/self", F_OK) < 0 && access("/root", F_OK) < 0,
	    detail, size, "look at /etc/passwd, /proc/self, /root");
}

static bool
try_write_toolchain(const struct probe_context *ctx, char *detail,
    size_t size)
{
	AUTOFD fd = open(ctx->toolchain->programs[0], O_WRONLY | O_CLOEXEC);

	return report(fd < 0 && errno != ENOENT, detail, size,
	    "open a compiler for writing");
}

static int
make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	static const char text[4096] = "\177ELF";

	if (fd >= 0 && write(fd, text, sizeof(text)) != (ssize_t)sizeof(text))
		fd_close(&fd);
	return fd;
}

static bool
try_noexec(const struct probe_context *ctx, char *detail, size_t size)
{
	AUTOFD fd = make_file("/tmp/probe");
	void *p = fd < 0 ? NULL : mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE, fd, 0);

	(void)ctx;
	return report(p == MAP_FAILED && errno == EPERM, detail, size,
	    "map a new file executable");
}

static bool
try_scratch_limit(const struct probe_context *ctx, char *detail, size_t size)
{
	struct statvfs fs;
	bool holds = statvfs("/", &fs) == 0 && fs.f_blocks != 0 &&
	    (uint64_t)fs.f_blocks * fs.f_frsize <= ctx->limits->max_scratch &&
	    fs.f_files != 0 && fs.f_files <= ctx->limits->max_inodes;

	(void)snprintf(detail, size, "job's file system: %llu MiB, %llu files",
	    (unsigned long long)fs.f_blocks * fs.f_frsize >> 20,
	    (unsigned long long)fs.f_files);
	return holds;
}

static bool
try_pids(const struct probe_context *ctx, char *detail, size_t size)
{
	return report(getpid() == 1 && kill(ctx->jailer_pid, 0) < 0 &&
	    errno == ESRCH, detail, size, "signal a process of the host");
}

static bool
try_network(const struct probe_context *ctx, char *detail, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 1,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTOFD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)ctx;
	return report(fd >= 0 && sendto(fd, "", 1, 0, (struct sockaddr *)&to,
	    sizeof(to)) < 0 && errno == ENETUNREACH, detail, size,
	    "send a datagram to 127.0.0.1");
}

static bool
try_ipc(const struct probe_context *ctx, char *detail, size_t size)
{
	return report(syscall(SYS_shmget, ctx->shm_key, 0, 0) < 0 &&
	    errno == ENOENT, detail, size, "find the host's shared memory");
}

static bool
try_uts(const struct probe_context *ctx, char *detail, size_t size)
{
	struct utsname name;

	(void)ctx;
	return report(uname(&name) == 0 && strcmp(name.nodename, "jail") == 0,
	    detail, size, "read the host's name");
}

static bool
try_uid(const struct probe_context *ctx, char *detail, size_t size)
{
	(void)snprintf(detail, size, "uid %u, setuid(0) %s", getuid(),
	    setuid(0) < 0 ? "refused" : "NOT refused");
	return getuid() != 0 && getuid() != ctx->worker_uid;
}

static bool
try_capabilities(const struct probe_context *ctx, char *detail, size_t size)
{
	(void)ctx;
	return report(mount("none", "/tmp", "tmpfs", 0, NULL) < 0 &&
	    errno == EPERM && chroot("/tmp") < 0 && errno == EPERM, detail,
	    size, "mount, chroot");
}

static bool
try_new_privs(const struct probe_context *ctx, char *detail, size_t size)
{
	(void)ctx;
	return report(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, detail,
	    size, "gain rights by exec of a set-uid file");
}

static bool
try_exec(const struct probe_context *ctx, char *detail, size_t size)
{
	char arg[] = "probe";
	char *argv[] = { arg, NULL }, *env[] = { NULL };
	const char *path = ctx->toolchain->a_library;
	pid_t pid;
	int status = 0;

	if (path == NULL || ctx->any_command) {
		(void)snprintf(detail, size, ctx->any_command ?
		    "any program of the server may run "
		    "(--enable-tcp-insecure)" : "no executable file to try");
		return true;
	}
	pid = fork();
	if (pid == 0) {
		execve(path, argv, env);
		_exit(errno == EACCES ? 77 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return report(WIFEXITED(status) && WEXITSTATUS(status) == 77, detail,
	    size, "execute a file that is no compiler");
}

static bool
try_read(const struct probe_context *ctx, char *detail, size_t size)
{
	AUTOFD fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	(void)ctx;
	return report(fd < 0, detail, size, "read /etc/passwd");
}

static bool
try_landlock_write(const struct probe_context *ctx, char *detail, size_t size)
{
	char beside[PATH_MAX], within[PATH_MAX];
	AUTOFD outside = -1;
	AUTOFD inside = -1;

	(void)snprintf(beside, sizeof(beside), "%s/probe", ctx->root);
	(void)snprintf(within, sizeof(within), "%s/tmp/probe2", ctx->root);
	outside = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	inside = open(within, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return report(outside < 0 && errno != ENOENT && inside >= 0, detail,
	    size, "write beside the job's directory");
}

static bool
try_scope(const struct probe_context *ctx, char *detail, size_t size)
{
	int abi = landlock_abi();

	/* a kernel's age is nothing to refuse to start for */
	if (abi >= 6)
		(void)snprintf(detail, size, "Landlock ABI %d", abi);
	else
		(void)snprintf(detail, size, "not in Landlock ABI %d: %s", abi,
		    ctx->is_reduced ? "a job can signal its own user's "
		    "processes" : "the namespaces alone do it");
	return true;
}

static bool
try_limits(const struct probe_context *ctx, char *detail, size_t size)
{
	struct rlimit core, nproc, as;

	(void)ctx;
	if (getrlimit(RLIMIT_CORE, &core) < 0 ||
	    getrlimit(RLIMIT_NPROC, &nproc) < 0 ||
	    getrlimit(RLIMIT_AS, &as) < 0)
		return false;
	(void)snprintf(detail, size, "core %llu, processes %llu, address "
	    "space %llu MiB", (unsigned long long)core.rlim_max,
	    (unsigned long long)nproc.rlim_max,
	    (unsigned long long)as.rlim_max >> 20);
	return core.rlim_max == 0 && as.rlim_max != RLIM_INFINITY &&
	    nproc.rlim_max != RLIM_INFINITY;
}

static bool
try_seccomp(const struct probe_context *ctx, char *detail, size_t size)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	bool sockets, trace, spaces, clones;
	long pid;

	if (ctx->filter_is_lax) {
		(void)snprintf(detail, size, "NOT in force: "
		    "--sandbox-filter is for tests only");
		return true;
	}
	sockets = socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM;
	trace = ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 &&
	    errno == EPERM;
	spaces = unshare(CLONE_NEWUSER) < 0 && errno == EPERM;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	clones = pid < 0 && errno == ENOSYS;
	return report(sockets && trace && spaces && clones, detail, size,
	    "socket, ptrace, unshare, clone3");
}

static const struct probe probes[] = {
	{ "pid-namespace", false, false, false, true, try_pids },
	{ "mount-namespace", false, false, false, true, try_host_files },
	{ "read-only-toolchain", false, false, false, false, try_write_toolchain },
	{ "noexec-scratch", false, false, false, true, try_noexec },
	{ "scratch-limit", false, false, false, true, try_scratch_limit },
	{ "network-namespace", false, false, false, true, try_network },
	{ "ipc-namespace", false, false, false, true, try_ipc },
	{ "uts-namespace", false, false, false, true, try_uts },
	{ "uid", false, false, true, false, try_uid },
	{ "capabilities", false, false, false, false, try_capabilities },
	{ "no-new-privs", false, false, false, false, try_new_privs },
	{ "landlock-execute", false, false, false, false, try_exec },
	{ "landlock-scope", false, false, false, false, try_scope },
	{ "rlimits", false, false, false, false, try_limits },
	{ "landlock-read", true, true, false, false, try_read },
	{ "landlock-write", true, true, false, false, try_landlock_write },
	{ "seccomp", true, true, false, false, try_seccomp },
};

static void
run_probes(const struct probe_context *ctx, bool with_filter,
    bool as_compiler)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		const struct probe *p = &probes[i];
		struct msg_layer m = { .head = { MSG_LAYER, 0 },
		    .required = 1 };

		if (p->needs_filter != with_filter ||
		    p->as_compiler != as_compiler ||
		    (p->is_root_only && !ctx->is_root))
			continue;
		(void)snprintf(m.name, sizeof(m.name), "%s", p->layer);
		if (p->is_full_only && ctx->is_reduced) {
			m.state = MSG_LAYER_REDUCED;
			m.required = 0;
			(void)snprintf(m.detail, sizeof(m.detail),
			    "not with --sandbox=reduced");
		} else {
			m.state = p->try_it(ctx, m.detail, sizeof(m.detail)) ?
			    MSG_LAYER_OK : MSG_LAYER_MISSING;
		}
		(void)!write(JAIL_CHAN_FD, &m, sizeof(m));
	}
}

void
probe_main(const struct jail_plan *plan, uint32_t id, void *arg)
{
	struct probe_context *ctx = arg;
	bool with_filter = plan->init_filter.len != 0;
	pid_t pid;
	int status;

	ctx->root = jail_root(plan, id);
	run_probes(ctx, with_filter, false);
	pid = fork();
	if (pid == 0) {
		if (jail_confine_compiler(plan, id, NULL) < 0)
			_exit(1);
		run_probes(ctx, with_filter, true);
		_exit(0);
	}
	_exit(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ?
	    0 : 1);
}

size_t
probe_count(bool is_root)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (is_root || !probes[i].is_root_only)
			n++;
	return n;
}
