/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/confine.c */
/*
 * Each attempt is made twice: by a process that has not confined itself, which
 * shows that it would work here, and by one that has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/scan/confine.h"

#define NAME_SIZE	64

/* Each test's own directory and, in it, the one of the socket. */
struct world {
	char dir[NAME_SIZE], sockets[NAME_SIZE + 16];
	char file[NAME_SIZE + 16], socket[NAME_SIZE + 32];
	int socket_dir;
	int listener;		/* at w->socket */
	int writable;		/* w->file, open for writing */
	int notices;		/* inotify's, made beforehand */
};

/* 0: it was done; else errno. */
typedef int attempt(struct world *w);

static int
done(long r)
{
	return r < 0 ? errno : 0;
}

static int
try_read(struct world *w)
{
	char c;
	int fd = open(w->file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : done(read(fd, &c, 1));
}

/* By way of a descriptor, and what it tells. */
static int
try_watch(struct world *w)
{
	char path[NAME_SIZE], buf[4096];
	struct stat st;
	int fd = open(w->file, O_RDONLY | O_CLOEXEC), wd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(w->notices, path, IN_OPEN);
	if (fd < 0 || wd < 0)
		return errno;
	(void)close(open(w->file, O_RDONLY | O_CLOEXEC));
	if (read(w->notices, buf, sizeof(buf)) < 0 || fstat(fd, &st) < 0)
		return errno;
	return done(inotify_rm_watch(w->notices, wd));
}

static int
try_more_notices(struct world *w)
{
	(void)w;
	return done(inotify_init1(IN_CLOEXEC));
}

static int
try_fanotify(struct world *w)
{
	(void)w;
	/* without a privilege it may report no more than names */
	return done(syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */,
	    O_RDONLY));
}

static int
try_remove_socket(struct world *w)
{
	return done(unlinkat(w->socket_dir, "socket", 0));
}

static int
try_write_open(struct world *w)
{
	return done(open(w->file, O_WRONLY | O_CLOEXEC));
}

static int
try_append(struct world *w)
{
	return done(open(w->file, O_RDONLY | O_APPEND | O_TRUNC | O_CLOEXEC));
}

static int
try_create(struct world *w)
{
	(void)w;
	return done(openat(w->socket_dir, "new", O_RDONLY | O_CREAT | O_CLOEXEC,
	    0600));
}

static int
try_temporary(struct world *w)
{
	return done(open(w->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

static int
try_write_held(struct world *w)
{
	return done(write(w->writable, "x", 1));
}

static int
try_remove_other(struct world *w)
{
	return done(unlinkat(AT_FDCWD, w->file, 0));
}

static int
try_rename(struct world *w)
{
	char to[NAME_SIZE + 32];

	(void)snprintf(to, sizeof(to), "%s/to", w->dir);
	return done(rename(w->file, to));
}

static int
try_mkdir(struct world *w)
{
	return done(mkdirat(w->socket_dir, "new", 0700));
}

static int
try_chmod(struct world *w)
{
	return done(chmod(w->file, 0777));
}

static int
try_link(struct world *w)
{
	return done(symlinkat("x", w->socket_dir, "new"));
}

static int
try_times(struct world *w)
{
	return done(utimensat(AT_FDCWD, w->file, NULL, 0));
}

static int
try_exec(struct world *w)
{
	char *argv[] = { (char *)(uintptr_t)"true", NULL };

	(void)w;
	(void)execve("/bin/true", argv, NULL);
	return errno;
}

static int
try_fork(struct world *w)
{
	pid_t pid = fork();

	(void)w;
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : done(waitpid(pid, NULL, 0));
}

static int
try_map_code(struct world *w)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)w;
	return p == MAP_FAILED ? errno : 0;
}

static int
try_protect_code(struct world *w)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)w;
	return p == MAP_FAILED ? ENOMEM :
	    done(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
try_udp(struct world *w)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 9,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)w;
	return fd < 0 ? errno : done(sendto(fd, "x", 1, 0,
	    (struct sockaddr *)&to, sizeof(to)));
}

static int
try_connect(struct world *w)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)strncpy(sa.sun_path, w->socket, sizeof(sa.sun_path) - 1);
	return fd < 0 ? errno : done(connect(fd, (struct sockaddr *)&sa,
	    sizeof(sa)));
}

static int
try_pair(struct world *w)
{
	int fds[2];

	(void)w;
	return done(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
}

static int
try_kill(struct world *w)
{
	(void)w;
	return done(kill(getppid(), 0));
}

static int
try_trace(struct world *w)
{
	(void)w;
	return done(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int
try_namespace(struct world *w)
{
	(void)w;
	return done(unshare(CLONE_NEWUSER));
}

static int
try_chdir(struct world *w)
{
	return done(chdir(w->dir));
}

static int
try_core(struct world *w)
{
	(void)w;
	return done(syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0));
}

/* Runs one in a child, confined or not. */
static int
run(struct world *w, attempt *a, bool confined)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGXFSZ, SIG_IGN);
		if (confined && confine_self(w->socket_dir) < 0)
			_exit(255);
		status = a(w);
		(void)syscall(SYS_exit_group, status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	assert_non_null(w);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/confine-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->sockets, sizeof(w->sockets), "%s/s", w->dir);
	(void)snprintf(w->file, sizeof(w->file), "%s/file", w->dir);
	(void)snprintf(w->socket, sizeof(w->socket), "%s/socket", w->sockets);
	assert_int_equal(mkdir(w->sockets, 0700), 0);
	w->socket_dir = open(w->sockets, O_PATH | O_DIRECTORY | O_CLOEXEC);
	w->writable = open(w->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	w->notices = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	assert_true(w->socket_dir >= 0 && w->writable >= 0 && w->notices >= 0);
	assert_int_equal(write(w->writable, "y", 1), 1);
	(void)strncpy(sa.sun_path, w->socket, sizeof(sa.sun_path) - 1);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&sa,
	    sizeof(sa)), 0);
	assert_int_equal(listen(w->listener, 8), 0);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "s/socket", "s/new", "file",
		"to" };
	struct world *w = *state;
	char name[NAME_SIZE + 32];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", w->dir, names[i]);
		if (unlink(name) < 0)
			(void)rmdir(name);
	}
	(void)close(w->listener);
	(void)close(w->writable);
	(void)close(w->notices);
	(void)close(w->socket_dir);
	assert_int_equal(rmdir(w->sockets), 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static void
test_what_it_needs_still_works(void **state)
{
	assert_int_equal(run(*state, try_read, true), 0);
	assert_int_equal(run(*state, try_watch, true), 0);
	assert_int_equal(run(*state, try_remove_socket, true), 0);
}

static const struct {
	const char *name;
	attempt *try;
} attacks[] = {
	{ "open for writing", try_write_open }, { "truncate", try_append },
	{ "create a file", try_create }, { "a file without name", try_temporary },
	{ "write to what is open", try_write_held },
	{ "make a directory", try_mkdir }, { "make a link", try_link },
	{ "change a mode", try_chmod }, { "change times", try_times },
	{ "map code", try_map_code }, { "make code of data", try_protect_code },
	{ "run a program", try_exec }, { "fork", try_fork },
	{ "send to a network", try_udp }, { "connect", try_connect },
	{ "make a socket pair", try_pair }, { "signal another", try_kill },
	{ "be traced", try_trace }, { "make a namespace", try_namespace },
	{ "change directory", try_chdir }, { "be dumpable again", try_core },
	{ "make an inotify", try_more_notices },
	{ "make a fanotify", try_fanotify },
	{ "rename", try_rename }, { "remove another file", try_remove_other },
};

static void
test_nothing_else_does(void **state)
{
	struct world *w = *state;
	size_t i;
	int e, fd;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		e = run(w, attacks[i].try, true);
		if (e == 0)
			fail_msg("%s: done although confined", attacks[i].name);
		e = run(w, attacks[i].try, false);
		if (e != 0 && attacks[i].try != try_namespace &&
		    attacks[i].try != try_fanotify)
			fail_msg("%s: not even possible unconfined: %s",
			    attacks[i].name, strerror(e));
		/* what the control made or took away */
		(void)unlinkat(w->socket_dir, "new", 0);
		(void)unlinkat(w->socket_dir, "new", AT_REMOVEDIR);
		fd = open(w->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		(void)close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_it_needs_still_works,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_else_does,
		    set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
