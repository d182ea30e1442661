/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox/filter.c sandbox/self.c sandbox/landlock.c */
/*
 * What a listener that was taken over tries.  Each act is tried before the walls
 * are up, where it must work, and after.
 */
#include "tests/unit/wire_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

static char allowed_dir[] = "/tmp/listener-XXXXXX";

/* From a descriptor, as server/listener/spawn.c does. */
static bool
runs(const char *path)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	char *env[] = { NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = open(path, O_PATH | O_CLOEXEC);

		(void)execveat(fd, "", argv, env, AT_EMPTY_PATH);
		_exit(126);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool
do_run_other(void)
{
	return runs("/usr/bin/true");
}

static bool
do_read(void)
{
	return opens("/etc/passwd", O_RDONLY);
}

static bool
do_write(void)
{
	return opens("/tmp/listener-not-allowed", O_WRONLY | O_CREAT);
}

static bool
do_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

/* a TCP connection through a socket that is there already */
static int old_socket;

static bool
do_connect(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(old_socket, (struct sockaddr *)&in, sizeof(in)) == 0 ||
	    errno == ECONNREFUSED;
}

static bool
do_trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
do_vm(void)
{
	char a = 1, b = 0;
	struct iovec to = { &b, 1 }, from = { &a, 1 };

	return syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0) ==
	    1;
}

static bool
do_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
do_other_limits(void)
{
	struct rlimit rl;

	return syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, NULL, &rl) == 0;
}

static bool
do_keyring(void)
{
	return syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -2, 1) >= 0;
}

static const struct act {
	const char *name;
	bool (*act)(void);
} acts[] = {
	{ "run another program", do_run_other },
	{ "read /etc/passwd", do_read },
	{ "make a file elsewhere", do_write },
	{ "make a TCP socket", do_inet },
	{ "connect by TCP", do_connect },
	{ "trace", do_trace },
	{ "read memory of a process", do_vm },
	{ "unshare", do_namespace },
	{ "limits of another process", do_other_limits },
	{ "use keyrings", do_keyring },
};

static void
shut_in(void)
{
	struct sandbox_filter filter;
	int rules = sandbox_rules();

	if (rules < 0 ||
	    sandbox_rules_allow(rules, "/usr/bin/cat", SANDBOX_RUN) < 0 ||
	    sandbox_rules_allow(rules, "/usr", SANDBOX_READ) < 0 ||
	    sandbox_rules_allow(rules, "/lib64", SANDBOX_READ | SANDBOX_RUN) < 0 ||
	    sandbox_rules_allow(rules, "/lib", SANDBOX_READ | SANDBOX_RUN) < 0 ||
	    sandbox_rules_allow(rules, "/dev/null", SANDBOX_READ |
	    SANDBOX_WRITE) < 0 ||
	    sandbox_rules_allow(rules, allowed_dir, SANDBOX_READ |
	    SANDBOX_WRITE) < 0 ||
	    sandbox_filter_build(SANDBOX_LISTENER, SANDBOX_ERRNO, &filter) < 0 ||
	    sandbox_confine_listener(rules, &filter) < 0)
		_exit(3);
}

/* 0: it works; 1: it does not; 3: the walls could not be built */
static int
outcome(const struct act *a, bool confined)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		old_socket = socket(AF_INET, SOCK_STREAM, 0);
		if (confined)
			shut_in();
		_exit(a->act() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

static void
test_what_it_gave_up(void **state)
{
	int probe = sandbox_rules();

	(void)state;
	if (probe < 0) {
		print_message("no Landlock here\n");
		skip();
	}
	(void)close(probe);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		/* the control */
		if (outcome(&acts[i], false) != 0) {
			print_message("not possible here anyway: %s\n",
			    acts[i].name);
			continue;
		}
		if (outcome(&acts[i], true) != 1)
			fail_msg("a confined listener can: %s", acts[i].name);
	}
	(void)unlink("/tmp/listener-not-allowed");
}

static bool
do_its_work(void)
{
	char file[64];
	int pair[2];

	(void)snprintf(file, sizeof(file), "%s/log", allowed_dir);
	return opens(file, O_WRONLY | O_CREAT | O_APPEND) &&
	    opens("/dev/null", O_RDONLY) && unlink(file) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 &&
	    socket(AF_UNIX, SOCK_DGRAM, 0) >= 0 && close(0) == 0 &&
	    open("/dev/null", O_RDONLY) == 0 && runs("/usr/bin/cat");
}

static void
test_what_it_needs(void **state)
{
	static const struct act work = { "work", do_its_work };
	int r;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("the sanitizer makes system calls of its own\n");
	skip();
#endif
	r = outcome(&work, true);
	assert_int_equal(outcome(&work, false), 0);
	if (r == 3)
		skip();
	assert_int_equal(r, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_gave_up),
		cmocka_unit_test(test_what_it_needs),
	};
	int failed;

	if (mkdtemp(allowed_dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(allowed_dir);
	return failed;
}
