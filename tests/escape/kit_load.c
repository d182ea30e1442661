/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that use things up: processes, memory, files, time, the reply. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kit.h"

static void
become_stubborn(void)
{
	for (int sig = 1; sig < 65; sig++)
		(void)signal(sig, SIG_IGN);
	(void)setsid();
	(void)close(0);
	(void)close(1);
	(void)close(2);
}

/* forks N SECONDS: children that ignore signals and hold nothing open */
static int
step_forks(struct kit *kit, char **arg, const char *rest)
{
	long made = 0, want = kit_number(arg[0]);
	int e = 0;

	(void)kit;
	(void)rest;
	for (; made < want; made++) {
		pid_t pid = fork();

		if (pid == 0) {
			become_stubborn();
			kit_sleep(kit_number(arg[1]));
			_exit(0);
		}
		if (pid < 0) {
			e = errno;
			break;
		}
	}
	kit_tell("FORKS %ld", made);
	return e;
}

/* daemon SECONDS: the classic double fork */
static int
step_daemon(struct kit *kit, char **arg, const char *rest)
{
	pid_t pid = fork();

	(void)kit;
	(void)rest;
	if (pid != 0)
		return kit_result(pid);
	become_stubborn();
	if (fork() == 0)
		kit_sleep(kit_number(arg[0]));
	_exit(0);
}

/* bomb SECONDS: every process makes more */
static int
step_bomb(struct kit *kit, char **arg, const char *rest)
{
	time_t end = time(NULL) + kit_number(arg[0]);

	(void)kit;
	(void)rest;
	if (fork() == 0) {
		become_stubborn();
		while (time(NULL) < end)
			(void)!fork();
		_exit(0);
	}
	kit_sleep(kit_number(arg[0]));
	return 0;
}

/* spin N SECONDS: N processes that ignore signals and burn time */
static int
step_spin(struct kit *kit, char **arg, const char *rest)
{
	long n = kit_number(arg[0]);
	time_t end = time(NULL) + kit_number(arg[1]);
	volatile unsigned long x = 0;

	(void)kit;
	(void)rest;
	for (int sig = 1; sig < 65; sig++)
		(void)signal(sig, SIG_IGN);
	while (--n > 0 && fork() != 0)
		;
	while (time(NULL) < end)
		x++;
	return 0;
}

/* memory MB SECONDS */
static int
step_memory(struct kit *kit, char **arg, const char *rest)
{
	const size_t chunk = 8UL << 20;
	long got = 0, want = kit_number(arg[0]);
	int e = 0;

	(void)kit;
	(void)rest;
	for (; got < want; got += 8) {
		char *p = mmap(NULL, chunk, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			e = errno;
			break;
		}
		memset(p, 1, chunk);
	}
	kit_tell("MEMORY %ld", got);
	kit_sleep(kit_number(arg[1]));
	return e;
}

/* hoard N MB SECONDS: N processes with so much each */
static int
step_hoard(struct kit *kit, char **arg, const char *rest)
{
	for (long n = kit_number(arg[0]); n > 1; n--)
		if (fork() == 0)
			_exit(step_memory(kit, arg + 1, rest) != 0);
	return step_memory(kit, arg + 1, rest);
}

/* disk MB SECONDS [DIR] */
static int
step_disk(struct kit *kit, char **arg, const char *rest)
{
	static char block[1024 * 1024];
	long got = 0, want = kit_number(arg[0]);
	char path[1024];
	int e = 0;

	(void)kit;
	(void)rest;
	memset(block, 'd', sizeof(block));
	for (int file = 0; got < want && e == 0 && file < 8; file++) {
		int fd;

		(void)snprintf(path, sizeof(path), "%s/fill%d",
		    arg[1] != NULL && arg[2] != NULL ? arg[2] : ".", file);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return errno;
		for (; got < want && e == 0; got++)
			e = kit_result(write(fd, block, sizeof(block)));
		(void)close(fd);
		if (e == EFBIG)
			e = 0;	/* the next file, then */
	}
	kit_tell("DISK %ld", got);
	kit_sleep(kit_number(arg[1]));
	return e;
}

/* inodes N SECONDS */
static int
step_inodes(struct kit *kit, char **arg, const char *rest)
{
	long got = 0, want = kit_number(arg[0]);
	char path[64];
	int e = 0;

	(void)kit;
	(void)rest;
	for (; got < want && e == 0; got++) {
		int fd;

		(void)snprintf(path, sizeof(path), "inode%ld", got);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		e = fd < 0 ? errno : 0;
		if (fd >= 0)
			(void)close(fd);
	}
	kit_tell("INODES %ld", got);
	kit_sleep(kit_number(arg[1]));
	return e;
}

/* deep N: directories below one another, by relative names */
static int
step_deep(struct kit *kit, char **arg, const char *rest)
{
	int e = 0;

	(void)kit;
	(void)rest;
	for (long i = kit_number(arg[0]); i > 0 && e == 0; i--) {
		e = kit_result(mkdir("d", 0777));
		if (e == 0)
			e = kit_result(chdir("d"));
	}
	return e;
}

/* flood FD MB: diagnostics without end */
static int
step_flood(struct kit *kit, char **arg, const char *rest)
{
	static char block[1024 * 1024];
	int fd = (int)kit_number(arg[0]), e = 0;

	(void)kit;
	(void)rest;
	memset(block, 'A', sizeof(block));
	for (long mb = kit_number(arg[1]); mb > 0 && e == 0; mb--)
		e = kit_result(write(fd, block, sizeof(block)));
	return e;
}

/* pipes N: each kept full, at its largest */
static int
step_pipes(struct kit *kit, char **arg, const char *rest)
{
	static char block[64 * 1024];
	long bytes = 0;
	int fd[2], e = 0;

	(void)kit;
	(void)rest;
	for (long i = kit_number(arg[0]); i > 0 && e == 0; i--) {
		ssize_t n;

		if (pipe2(fd, O_NONBLOCK) < 0)
			return errno;
		(void)fcntl(fd[1], F_SETPIPE_SZ, 1 << 20);
		while ((n = write(fd[1], block, sizeof(block))) > 0)
			bytes += n;
	}
	kit_tell("PIPES %ld MB", bytes >> 20);
	return e;
}

/* say TEXT with \xNN: bytes for the client's terminal */
static int
say(int fd, const char *text)
{
	char out[KIT_LINE_MAX];
	size_t n = 0;

	while (*text != '\0' && n < sizeof(out) - 1) {
		char hex[3] = { 0 };

		if (text[0] != '\\' || text[1] != 'x' || text[2] == '\0' ||
		    text[3] == '\0') {
			out[n++] = *text++;
			continue;
		}
		memcpy(hex, text + 2, 2);
		out[n++] = (char)strtol(hex, NULL, 16);
		text += 4;
	}
	out[n++] = '\n';
	return kit_result(write(fd, out, n));
}

static int
step_say(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)arg;
	return say(2, rest);
}

static int
step_sayout(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)arg;
	return say(1, rest);
}

/* die SIGNAL: how a compiler crashes */
static int
step_die(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return kit_result(raise((int)kit_number(arg[0])));
}

const struct kit_step kit_load_steps[] = {
	{ "forks", 2, step_forks },
	{ "daemon", 1, step_daemon },
	{ "bomb", 1, step_bomb },
	{ "spin", 2, step_spin },
	{ "memory", 2, step_memory },
	{ "hoard", 3, step_hoard },
	{ "disk", 2, step_disk },
	{ "inodes", 2, step_inodes },
	{ "deep", 1, step_deep },
	{ "flood", 2, step_flood },
	{ "pipes", 1, step_pipes },
	{ "say", 1, step_say },
	{ "sayout", 1, step_sayout },
	{ "die", 1, step_die },
	{ NULL, 0, NULL },
};
