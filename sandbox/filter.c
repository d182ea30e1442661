/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter - build a role's seccomp program from syscalls.def.
 *
 * Only a process that starts others links this (it needs libseccomp); the
 * others load what it built, through self.c.
 */
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/sandbox.h"

#define ROLE_BIT(role)	(1U << (role))

struct row {
	uint32_t roles;
	const char *name;
};

static const struct row table[] = {
#define ALLOW(roles, name) { roles, #name },
#include "sandbox/syscalls.def"
#undef ALLOW
};

/* The calls whose arguments filter.c checks are not taken from the table. */
static const char *const checked[] = { "clone", "ioctl", "prlimit64" };

#define CLONE_NEW_ANY (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |	\
	CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |	\
	0x00000080 /* CLONE_NEWTIME */)

static bool
is_checked(const char *name)
{
	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++)
		if (strcmp(checked[i], name) == 0)
			return true;
	return false;
}

/*
 * A filter stays in force in what its process starts: that of a jail's PID 1
 * under the compiler's, the listener's under those of worker and auth.  So each
 * must allow all that these may.
 */
static uint32_t
rows_of(enum sandbox_role role)
{
	switch (role) {
	case SANDBOX_JAIL_INIT:
		return ROLE_BIT(role) | ROLE_BIT(SANDBOX_COMPILER);
	case SANDBOX_LISTENER:
		return ROLE_BIT(role) | ROLE_BIT(SANDBOX_WORKER) |
		    ROLE_BIT(SANDBOX_AUTH);
	case SANDBOX_COMPILER_SHARED:
		return ROLE_BIT(SANDBOX_COMPILER);
	default:
		return ROLE_BIT(role);
	}
}

/* By name they reach all that the uid owns, and Landlock does not cover them. */
static bool
is_forbidden(const char *name, enum sandbox_role role)
{
	static const char *const names[] = { "chmod", "fchmodat", "utime",
	    "utimes", "utimensat", "futimesat" };

	for (size_t i = 0; role == SANDBOX_COMPILER_SHARED &&
	    i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int
allow_table(scmp_filter_ctx ctx, enum sandbox_role role)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int nr;

		if ((table[i].roles & rows_of(role)) == 0 ||
		    is_checked(table[i].name) ||
		    is_forbidden(table[i].name, role))
			continue;
		nr = seccomp_syscall_resolve_name(table[i].name);
		if (nr < 0)	/* another architecture's, or too new */
			continue;
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) < 0)
			return ERR_SYS;
	}
	return 0;
}

/* New processes, but no new namespaces. */
static int
allow_processes(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEW_ANY, 0)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_EQ, TCGETS)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
	    SCMP_A0(SCMP_CMP_EQ, 0)) < 0)
		return ERR_SYS;
	return 0;
}

/* The small processes: memory that is never executable, few options. */
static int
allow_small(scmp_filter_ctx ctx)
{
	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, 1033 /* F_ADD_SEALS */)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, 1034 /* F_GET_SEALS */)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, 3 /* F_GETFL */)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
	    SCMP_A1(SCMP_CMP_EQ, 4 /* F_SETFL */)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 1,
	    SCMP_A1(SCMP_CMP_EQ, 6 /* IPPROTO_TCP */)) < 0)
		return ERR_SYS;
	return 0;
}

/* Sockets of this machine only: syslog's.  Accepting needs no new one. */
static int
allow_listener(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX)) < 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX)) < 0 ? ERR_SYS : 0;
}

/* What PID 1 needs to put the compiler's layers on. */
static int
allow_init(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
	    SCMP_A0(SCMP_CMP_EQ, PR_GET_NO_NEW_PRIVS)) < 0 ? ERR_SYS : 0;
}

/* seccomp_export_bpf() writes to a descriptor; read it back from a memfd. */
static int
export_filter(scmp_filter_ctx ctx, struct sandbox_filter *out)
{
	AUTOFD fd = fd_memfd("filter");
	off_t len;

	_Static_assert(sizeof(struct sock_filter) == sizeof(out->insns[0]),
	    "one number an instruction");
	if (fd < 0)
		return fd;
	if (seccomp_export_bpf(ctx, fd) < 0)
		return ERR_SYS;
	len = lseek(fd, 0, SEEK_END);
	if (len <= 0 || (size_t)len > sizeof(out->insns))
		return ERR_LIMIT;
	if (pread(fd, out->insns, (size_t)len, 0) != len)
		return ERR_SYS;
	out->len = (uint32_t)((size_t)len / sizeof(struct sock_filter));
	return 0;
}

static uint32_t
default_action(enum sandbox_mode mode)
{
	switch (mode) {
	case SANDBOX_KILL:	return SCMP_ACT_KILL_PROCESS;
	case SANDBOX_LOG:	return SCMP_ACT_LOG;
	case SANDBOX_ERRNO:	break;
	}
	return SCMP_ACT_ERRNO(EPERM);
}

int
sandbox_filter_build(enum sandbox_role role, enum sandbox_mode mode,
    struct sandbox_filter *out)
{
	scmp_filter_ctx ctx = seccomp_init(default_action(mode));
	bool starts_others = role == SANDBOX_COMPILER ||
	    role == SANDBOX_COMPILER_SHARED ||
	    role == SANDBOX_JAIL_INIT || role == SANDBOX_LISTENER;
	int r;

	if (ctx == NULL)
		return ERR_NOMEM;
	memset(out, 0, sizeof(*out));
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	r = allow_table(ctx, role);
	if (r == 0)
		r = starts_others ? allow_processes(ctx) : allow_small(ctx);
	if (r == 0 && role == SANDBOX_LISTENER)
		r = allow_listener(ctx);
	if (r == 0 && role == SANDBOX_JAIL_INIT)
		r = allow_init(ctx);
	if (r == 0 && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(clone3), 0) < 0)
		r = ERR_SYS;
	if (r == 0)
		r = export_filter(ctx, out);
	seccomp_release(ctx);
	return r;
}
