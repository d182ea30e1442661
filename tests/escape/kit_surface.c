/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's interfaces that no compiler needs.  Most rows are bare system
 * calls with arguments that would do no harm if they got through: a call that
 * fails for its arguments has been reached all the same.  Only EPERM, EACCES
 * and ENOSYS count as denied, and a signal from the filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kit.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif
#define NOWHERE	"/nonexistent-kit"

static char buf[4096];
static char nowhere[] = NOWHERE;
static char tmpfs[] = "tmpfs";
static char user[] = "user";
static char key_name[] = "kit";
static uint64_t clone_args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
static struct perf_event_attr perf = { .type = PERF_TYPE_SOFTWARE,
    .size = sizeof(perf), .config = PERF_COUNT_SW_DUMMY };
static struct iovec iov = { buf, 16 };
static unsigned int cap_head[2] = { 0x20080522, 0 };

#define P(p)	((long)(p))

struct call {
	const char *name;
	long nr;
	long arg[6];
};

static const struct call calls[] = {
	/* namespaces and mounts */
	{ "userns", SYS_unshare, { CLONE_NEWUSER } },
	{ "netns", SYS_unshare, { CLONE_NEWNET } },
	{ "mountns", SYS_unshare, { CLONE_NEWNS } },
	{ "pidns", SYS_unshare, { CLONE_NEWPID } },
	{ "ipcns", SYS_unshare, { CLONE_NEWIPC } },
	{ "utsns", SYS_unshare, { CLONE_NEWUTS } },
	{ "cgroupns", SYS_unshare, { CLONE_NEWCGROUP } },
	{ "setns", SYS_setns, { -1, 0 } },
	{ "mount", SYS_mount, { P(tmpfs), P(nowhere), P(tmpfs), 0, 0 } },
	{ "umount", SYS_umount2, { P(nowhere), 0 } },
	{ "pivot_root", SYS_pivot_root, { P(nowhere), P(nowhere) } },
	{ "chroot", SYS_chroot, { P(nowhere) } },
	{ "open_tree", SYS_open_tree, { AT_FDCWD, P(nowhere), 1 } },
	{ "fsopen", SYS_fsopen, { P(tmpfs), 0 } },
	{ "fsmount", SYS_fsmount, { -1, 0, 0 } },
	{ "move_mount", SYS_move_mount, { -1, P(nowhere), -1, P(nowhere), 0 } },
	{ "mount_setattr", 442, { AT_FDCWD, P(nowhere), 0, P(buf), 32 } },
	/* big subsystems */
	{ "iouring", SYS_io_uring_setup, { 1, P(buf) } },
	{ "iouring_enter", SYS_io_uring_enter, { -1, 0, 0, 0, 0, 0 } },
	{ "iouring_register", SYS_io_uring_register, { -1, 0, 0, 0 } },
	{ "uffd", SYS_userfaultfd, { 0 } },
	{ "perf", SYS_perf_event_open, { P(&perf), 0, -1, -1, 0 } },
	{ "addkey", SYS_add_key, { P(user), P(key_name), P(buf), 4, -2 } },
	{ "requestkey", SYS_request_key, { P(user), P(key_name), 0, -2 } },
	{ "keyctl", SYS_keyctl, { 0, -2, 1 } },
	{ "aio", SYS_io_setup, { 1, P(buf + 64) } },
	{ "fanotify", SYS_fanotify_init, { 0, 0 } },
	{ "inotify", SYS_inotify_init1, { 0 } },
	{ "seccomp_listener", SYS_seccomp, { 1, 8, 0 } },
	{ "landlock", 444, { 0, 0, 1 } },
	{ "memfd", SYS_memfd_create, { P(key_name), 0 } },
	{ "execveat", SYS_execveat, { -1, P(buf), 0, 0, AT_EMPTY_PATH } },
	{ "memfd_secret", SYS_memfd_secret, { 0 } },
	/* files by other ways */
	{ "name_to_handle", SYS_name_to_handle_at,
	    { AT_FDCWD, P(nowhere), P(buf), P(buf + 256), 0 } },
	{ "open_by_handle", SYS_open_by_handle_at, { -1, P(buf), 0 } },
	{ "openat2", SYS_openat2, { AT_FDCWD, P(nowhere), P(buf), 24 } },
	{ "quotactl", SYS_quotactl, { 0x80000400, P(nowhere), 0, 0 } },
	{ "acct", SYS_acct, { P(nowhere) } },
	{ "swapon", SYS_swapon, { P(nowhere), 0 } },
	{ "swapoff", SYS_swapoff, { P(nowhere) } },
	{ "hardlink", SYS_linkat, { AT_FDCWD, P(nowhere), AT_FDCWD,
	    P(nowhere), 0 } },
	/* other processes */
	{ "traceme", SYS_ptrace, { PTRACE_TRACEME, 0, 0, 0 } },
	{ "pidfd_open", SYS_pidfd_open, { 1, 0 } },
	{ "pidfd_getfd", SYS_pidfd_getfd, { -1, 0, 0 } },
	{ "pidfd_signal", SYS_pidfd_send_signal, { -1, 0, 0, 0 } },
	{ "kcmp", SYS_kcmp, { 1, 1, 0, 0, 0 } },
	{ "sigqueue", SYS_rt_sigqueueinfo, { 1, 0, P(buf) } },
	{ "setpriority", SYS_setpriority, { PRIO_PROCESS, 0, 19 } },
	{ "setscheduler", SYS_sched_setscheduler, { 0, 0, P(buf) } },
	{ "setaffinity", SYS_sched_setaffinity, { 0, 0, P(buf) } },
	{ "ioprio", SYS_ioprio_set, { 1, 0, 0 } },
	/* memory */
	{ "mlock", SYS_mlock, { P(buf), 4096 } },
	{ "mbind", SYS_mbind, { P(buf), 0, 0, 0, 0, 0 } },
	{ "move_pages", SYS_move_pages, { 0, 0, 0, 0, 0, 0 } },
	{ "remap_file_pages", SYS_remap_file_pages, { 0, 0, 1, 0, 0 } },
	/* who we are */
	{ "setuid", SYS_setuid, { 0 } },
	{ "setgid", SYS_setgid, { 0 } },
	{ "setresuid", SYS_setresuid, { 0, 0, 0 } },
	{ "setgroups", SYS_setgroups, { 0, P(buf) } },
	{ "setfsuid", SYS_setfsuid, { 0 } },
	{ "capset", SYS_capset, { P(cap_head), P(buf) } },
	{ "prctl_dumpable", SYS_prctl, { 4, 1, 0, 0, 0 } },
	{ "prctl_subreaper", SYS_prctl, { 36, 1, 0, 0, 0 } },
	{ "prctl_mm", SYS_prctl, { 35, 99, 0, 0, 0 } },
	{ "prctl_ptracer", SYS_prctl, { 0x59616d61, -1, 0, 0, 0 } },
	{ "prctl_pdeathsig", SYS_prctl, { 1, 0, 0, 0, 0 } },
	{ "prctl_unsharable", SYS_prctl, { 8, 0, 0, 0, 0 } },
	{ "personality", SYS_personality, { 0x0400000 } },
	/* the machine */
	{ "clock_settime", SYS_clock_settime, { 1, P(buf) } },
	{ "settimeofday", SYS_settimeofday, { 0, 0 } },
	{ "sethostname", SYS_sethostname, { P(buf), -1 } },
	{ "setdomainname", SYS_setdomainname, { P(buf), -1 } },
	{ "klog", SYS_syslog, { 10, 0, 0 } },
	{ "reboot", SYS_reboot, { 0, 0, 0, 0 } },
	{ "init_module", SYS_init_module, { 0, 0, P(buf) } },
	{ "finit_module", SYS_finit_module, { -1, P(buf), 0 } },
	{ "delete_module", SYS_delete_module, { P(nowhere), 0x800 } },
	{ "kexec", SYS_kexec_load, { 0, 99, 0, 0 } },
#ifdef SYS_iopl
	{ "iopl", SYS_iopl, { 0 } },
	{ "ioperm", SYS_ioperm, { 0, 1, 0 } },
	{ "modify_ldt", SYS_modify_ldt, { 0, P(buf), 16 } },
#endif
	/* talking */
	{ "tiocsti", SYS_ioctl, { 0, TIOCSTI, P(buf) } },
	{ "tiocsctty", SYS_ioctl, { 0, TIOCSCTTY, 0 } },
	{ "fionread", SYS_ioctl, { 0, FIONREAD, P(buf) } },
	{ "ioctl_high", SYS_ioctl, { 0, 0x100005401L, P(buf) } },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P(buf) } },
	{ "inet", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
	{ "inet6", SYS_socket, { AF_INET6, SOCK_DGRAM, 0 } },
	{ "rawinet", SYS_socket, { AF_INET, SOCK_RAW, 1 } },
	{ "unix", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	{ "netlink", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 } },
	{ "packet", SYS_socket, { AF_PACKET, SOCK_RAW, 0 } },
	{ "vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 } },
	{ "alg", SYS_socket, { AF_ALG, SOCK_SEQPACKET, 0 } },
	{ "pfkey", SYS_socket, { 15, SOCK_RAW, 2 } },
	{ "xdp", SYS_socket, { 44, SOCK_RAW, 0 } },
	{ "msgget", SYS_msgget, { 0x6b6974, 0 } },
	{ "semget", SYS_semget, { 0x6b6974, 1, 0 } },
	{ "shmget", SYS_shmget, { 0x6b6974, 4096, 0 } },
	{ "mq_open", SYS_mq_open, { P(key_name), 0, 0, 0 } },
};

/* --- what needs more than one call --- */

static int
try_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
	    .key_size = 4, .value_size = 4, .max_entries = 1 };

	return kit_result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr,
	    sizeof(attr)));
}

/* clone() returns in both: the child must leave at once */
static int
try_clone(long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return kit_result(pid);
}

static int
try_clone_userns(void)
{
	return try_clone(CLONE_NEWUSER);
}

/* a high bit beside it, in case only the whole number is compared */
static int
try_clone_high(void)
{
	return try_clone(CLONE_NEWUSER | 0x4000000000L);
}

static int
try_clone_netns(void)
{
	return try_clone(CLONE_NEWNET);
}

static int
try_clone3(void)
{
	long pid = syscall(SYS_clone3, clone_args, 64UL);

	if (pid == 0)
		_exit(0);
	return kit_result(pid);
}

static int
try_vm_read(void)
{
	return kit_result(syscall(SYS_process_vm_readv, getpid(), &iov, 1UL,
	    &iov, 1UL, 0UL));
}

static int
try_vm_write(void)
{
	return kit_result(syscall(SYS_process_vm_writev, getpid(), &iov, 1UL,
	    &iov, 1UL, 0UL));
}

/* set what is set already */
static int
try_adjtimex(void)
{
	struct timex t = { .modes = 0 };

	(void)adjtimex(&t);
	t.modes = ADJ_MAXERROR;
	return kit_result(adjtimex(&t));
}

/* another process's limits; of the caller itself they are its own affair */
static int
try_prlimit(void)
{
	struct rlimit rl;

	return kit_result(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE,
	    NULL, &rl));
}

static int
try_raise_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NPROC, &rl) < 0)
		return errno;
	rl.rlim_cur = rl.rlim_max = 1000000;
	return kit_result(setrlimit(RLIMIT_NPROC, &rl));
}

/* The same kernel by its older doors: a filter knows numbers of one only. */
static int
try_int80(void)
{
#ifdef __x86_64__
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) :
	    "memory", "r8", "r9", "r10", "r11");
	return r > 0 ? 0 : ENOSYS;
#else
	return ENOSYS;
#endif
}

static int
try_int80_socket(void)
{
#ifdef __x86_64__
	long r;

	/* 359 is socket(2) there */
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(359L), "b"((long)AF_UNIX),
	    "c"((long)SOCK_STREAM), "d"(0L) : "memory", "r8", "r9", "r10",
	    "r11");
	return r >= 0 ? 0 : (int)-r;
#else
	return ENOSYS;
#endif
}

static int
try_x32(void)
{
#ifdef __x86_64__
	return kit_result(syscall(0x40000000L + SYS_getpid));
#else
	return ENOSYS;
#endif
}

static int
try_x32_socket(void)
{
#ifdef __x86_64__
	return kit_result(syscall(0x40000000L + SYS_socket, AF_UNIX,
	    SOCK_STREAM, 0));
#else
	return ENOSYS;
#endif
}

/* Nothing of the host's devices and of /proc is there to be opened. */
static int
try_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 ? 0 : EACCES;
}

#define OPENS(func, path)						\
	static int							\
	func(void)							\
	{								\
		return try_open(path);					\
	}

OPENS(open_kvm, "/dev/kvm")
OPENS(open_fuse, "/dev/fuse")
OPENS(open_tun, "/dev/net/tun")
OPENS(open_vhost, "/dev/vhost-net")
OPENS(open_mem, "/dev/mem")
OPENS(open_kmsg, "/dev/kmsg")
OPENS(open_ptmx, "/dev/ptmx")
OPENS(open_full, "/dev/full")
OPENS(open_shm, "/dev/shm")
OPENS(open_mqueue, "/dev/mqueue")
OPENS(open_fd, "/dev/fd")
OPENS(open_proc, "/proc")
OPENS(open_self, "/proc/self/status")
OPENS(open_root, "/proc/1/root")
OPENS(open_kallsyms, "/proc/kallsyms")
OPENS(open_sysrq, "/proc/sysrq-trigger")
OPENS(open_sys, "/sys")
OPENS(open_cgroup, "/sys/fs/cgroup")
OPENS(open_etc, "/etc/passwd")
OPENS(open_home, "/root")
OPENS(open_run, "/run")
OPENS(open_var, "/var/lib")
OPENS(open_boot, "/boot")
OPENS(open_shell, "/bin/sh")

static const struct special {
	const char *name;
	int (*run)(void);
} specials[] = {
	{ "bpf", try_bpf },
	{ "clone_userns", try_clone_userns },
	{ "clone_high", try_clone_high },
	{ "clone_netns", try_clone_netns },
	{ "clone3", try_clone3 },
	{ "vm_read", try_vm_read },
	{ "vm_write", try_vm_write },
	{ "adjtimex", try_adjtimex },
	{ "prlimit", try_prlimit },
	{ "raise_limit", try_raise_limit },
	{ "int80", try_int80 },
	{ "int80_socket", try_int80_socket },
	{ "x32", try_x32 },
	{ "x32_socket", try_x32_socket },
	{ "open_kvm", open_kvm },
	{ "open_fuse", open_fuse },
	{ "open_tun", open_tun },
	{ "open_vhost", open_vhost },
	{ "open_mem", open_mem },
	{ "open_kmsg", open_kmsg },
	{ "open_ptmx", open_ptmx },
	{ "open_full", open_full },
	{ "open_shm", open_shm },
	{ "open_mqueue", open_mqueue },
	{ "open_fd", open_fd },
	{ "open_proc", open_proc },
	{ "open_self", open_self },
	{ "open_root", open_root },
	{ "open_kallsyms", open_kallsyms },
	{ "open_sysrq", open_sysrq },
	{ "open_sys", open_sys },
	{ "open_cgroup", open_cgroup },
	{ "open_etc", open_etc },
	{ "open_home", open_home },
	{ "open_run", open_run },
	{ "open_var", open_var },
	{ "open_boot", open_boot },
	{ "open_shell", open_shell },
};

static int
make_call(const struct call *c)
{
	return kit_result(syscall(c->nr, c->arg[0], c->arg[1], c->arg[2],
	    c->arg[3], c->arg[4], c->arg[5]));
}

int
kit_surface(const char *name)
{
	for (size_t i = 0; i < KIT_COUNT(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return make_call(&calls[i]);
	for (size_t i = 0; i < KIT_COUNT(specials); i++)
		if (strcmp(specials[i].name, name) == 0)
			return specials[i].run();
	return 254;
}

const char *
kit_surface_name(size_t i)
{
	if (i < KIT_COUNT(calls))
		return calls[i].name;
	i -= KIT_COUNT(calls);
	return i < KIT_COUNT(specials) ? specials[i].name : NULL;
}
