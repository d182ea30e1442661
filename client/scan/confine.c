/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/scan/confine.h"
#include "lib/fd.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH	AUDIT_ARCH_AARCH64
#else
#error "confine.c: name this machine's AUDIT_ARCH_"
#endif

/* Rights that our headers may be too old to name. */
#define FS_REFER	(UINT64_C(1) << 13)
#define FS_TRUNCATE	(UINT64_C(1) << 14)
#define FS_IOCTL_DEV	(UINT64_C(1) << 15)
#define NET_ALL		UINT64_C(3)		/* bind, connect: TCP */
#define SCOPE_ALL	UINT64_C(3)		/* abstract sockets, signals */
#define FS_FIRST	((UINT64_C(1) << 13) - 1)	/* the first version */

#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | \
			 LANDLOCK_ACCESS_FS_READ_DIR)

/* The whole of the newest ruleset's head; older kernels take a part. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* ---- Landlock -------------------------------------------------------- */

static int
allow_below(int ruleset, int dir, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights, .parent_fd = dir,
	};

	if (syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_from_errno(errno);
	return 0;
}

/* The ruleset that this version of Landlock understands, and its size. */
static size_t
ruleset_for(long version, struct ruleset *r)
{
	*r = (struct ruleset){ FS_FIRST, 0, 0 };
	if (version >= 2)
		r->fs |= FS_REFER;
	if (version >= 3)
		r->fs |= FS_TRUNCATE;
	if (version >= 5)
		r->fs |= FS_IOCTL_DEV;
	if (version >= 4)
		r->net = NET_ALL;
	if (version >= 6)
		r->scoped = SCOPE_ALL;
	return version >= 6 ? 24 : version >= 4 ? 16 : 8;
}

/* A kernel without Landlock is no error: the filter forbids the same calls. */
static int
restrict_files(int socket_dir)
{
	struct ruleset r;
	size_t size;
	long version;
	int e;
	AUTOFD rules = -1;
	AUTOFD root = -1;

	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 1)
		return 0;
	size = ruleset_for(version, &r);
	rules = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	root = open("/", O_PATH | O_CLOEXEC);
	if (rules < 0 || root < 0)
		return err_from_errno(errno);
	if ((e = allow_below(rules, root, FS_READ)) < 0)
		return e;
	if (socket_dir >= 0 && (e = allow_below(rules, socket_dir,
	    LANDLOCK_ACCESS_FS_REMOVE_FILE)) < 0)
		return e;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_from_errno(errno);
	return 0;
}

/* ---- seccomp --------------------------------------------------------- */

static const int calls[] = {
	SYS_read, SYS_write, SYS_close, SYS_lseek, SYS_fstat, SYS_newfstatat,
	SYS_statx, SYS_readlinkat, SYS_statfs, SYS_fstatfs, SYS_munmap,
	SYS_mremap, SYS_brk, SYS_madvise, SYS_ppoll, SYS_accept4,
	SYS_recvmsg, SYS_sendmsg, SYS_recvfrom, SYS_sendto, SYS_getsockopt,
	SYS_clock_gettime, SYS_exit_group, SYS_exit, SYS_rt_sigreturn,
	SYS_rt_sigprocmask, SYS_futex, SYS_fcntl, SYS_getrandom,
	SYS_unlinkat, SYS_restart_syscall, SYS_inotify_add_watch,
	SYS_inotify_rm_watch,
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_stat
	SYS_stat, SYS_lstat, SYS_readlink,
#endif
};

/* Calls that are allowed while none of these bits is in one argument. */
static const struct {
	int nr;
	unsigned int arg;
	uint32_t forbidden;
} masked[] = {
	{ SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND |
	    (O_TMPFILE & ~O_DIRECTORY) },
	{ SYS_mmap, 2, PROT_EXEC },
	{ SYS_mprotect, 2, PROT_EXEC },
};

#define NCALLS	(sizeof(calls) / sizeof(calls[0]))
#define NMASKED	(sizeof(masked) / sizeof(masked[0]))

struct filter {
	struct sock_filter insns[4 + 2 * NCALLS + 5 * NMASKED + 1];
	unsigned short n;
};

static void
add(struct filter *f, unsigned int code, uint32_t k, uint8_t jt, uint8_t jf)
{
	f->insns[f->n++] = (struct sock_filter)BPF_JUMP((uint16_t)code, k,
	    jt, jf);
}

static void
load(struct filter *f, size_t offset)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
answer(struct filter *f, uint32_t what)
{
	add(f, BPF_RET | BPF_K, what, 0, 0);
}

static void
build(struct filter *f)
{
	size_t i;

	f->n = 0;
	load(f, offsetof(struct seccomp_data, arch));
	add(f, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	answer(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
	for (i = 0; i < NCALLS; i++) {
		add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
		answer(f, SECCOMP_RET_ALLOW);
	}
	for (i = 0; i < NMASKED; i++) {
		add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)masked[i].nr, 0,
		    4);
		load(f, offsetof(struct seccomp_data, args) +
		    8 * masked[i].arg);
		add(f, BPF_JMP | BPF_JSET | BPF_K, masked[i].forbidden, 0, 1);
		answer(f, SECCOMP_RET_ERRNO | EPERM);
		answer(f, SECCOMP_RET_ALLOW);
	}
	answer(f, SECCOMP_RET_ERRNO | EPERM);
}

static int
restrict_calls(void)
{
	struct filter f;
	struct sock_fprog prog;

	build(&f);
	prog = (struct sock_fprog){ f.n, f.insns };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return errno == EINVAL ? ERR_UNSUPPORTED :
		    err_from_errno(errno);
	return 0;
}

/* ---- capabilities and limits ----------------------------------------- */

/* Root's builds read files of others; of root's powers only that stays. */
static int
drop_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2], keep[2];
	uint32_t bit = UINT32_C(1) << CAP_DAC_READ_SEARCH;

	if (syscall(SYS_capget, &head, data) < 0)
		return err_from_errno(errno);
	memset(keep, 0, sizeof(keep));
	keep[0].effective = data[0].effective & bit;
	keep[0].permitted = data[0].permitted & bit;
	if (syscall(SYS_capset, &head, keep) < 0)
		return err_from_errno(errno);
	return 0;
}

static int
set_limits(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_FSIZE, &none) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 ||
	    setrlimit(RLIMIT_NPROC, &none) < 0)
		return err_from_errno(errno);
	return 0;
}

int
confine_self(int socket_dir)
{
	int r;

	if ((r = set_limits()) < 0 || (r = drop_caps()) < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_from_errno(errno);
	if ((r = restrict_files(socket_dir)) < 0)
		return r;
	return restrict_calls();
}
