/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps on files: what a job may do to the host's, and to its own output. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit.h"

static int
put(const char *path, int flags, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
	int e = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		e = errno;
	if (e == 0 && (mode & 07000) != 0 && fchmod(fd, mode) < 0)
		e = errno;
	(void)close(fd);
	return e;
}

static int
step_write(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return put(arg[0], O_TRUNC, 0644, arg[1]);
}

static int
step_writex(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return put(arg[0], O_TRUNC, 04755, arg[1]);
}

static int
step_append(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return put(arg[0], O_APPEND, 0644, arg[1]);
}

#define SIMPLE(func, call)						\
	static int							\
	func(struct kit *kit, char **arg, const char *rest)		\
	{								\
		(void)kit;						\
		(void)rest;						\
		return kit_result(call);				\
	}

SIMPLE(step_unlink, unlink(arg[0]))
SIMPLE(step_rmdir, rmdir(arg[0]))
SIMPLE(step_mkdir, mkdir(arg[0], 0777))
SIMPLE(step_rename, rename(arg[0], arg[1]))
SIMPLE(step_exchange, syscall(SYS_renameat2, AT_FDCWD, arg[0], AT_FDCWD,
    arg[1], 2))
SIMPLE(step_link, link(arg[0], arg[1]))
SIMPLE(step_symlink, symlink(arg[0], arg[1]))
SIMPLE(step_chmod, chmod(arg[0], (mode_t)strtol(arg[1], NULL, 8)))
SIMPLE(step_chown, chown(arg[0], 0, 0))
SIMPLE(step_truncate, truncate(arg[0], 0))
SIMPLE(step_mkfifo, mkfifo(arg[0], 0666))
SIMPLE(step_chdir, chdir(arg[0]))
SIMPLE(step_xattr, syscall(SYS_setxattr, arg[0], "user.kit", "x", 1UL, 0))
SIMPLE(step_exists, faccessat(AT_FDCWD, arg[0], F_OK, AT_SYMLINK_NOFOLLOW))

/* Show what was read, so that the test sees it in the reply. */
static int
show(int fd)
{
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(2, buf, (size_t)n) < 0)
			break;
	(void)!write(2, "\n", 1);
	(void)close(fd);
	return n < 0 ? errno : 0;
}

static int
step_read(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return show(open(arg[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

/* Through O_PATH and /dev/fd: a second way to the same file. */
static int
step_readfd(struct kit *kit, char **arg, const char *rest)
{
	char again[64];
	int fd = open(arg[0], O_PATH | O_CLOEXEC);

	(void)kit;
	(void)rest;
	if (fd < 0)
		return errno;
	(void)snprintf(again, sizeof(again), "/dev/fd/%d", fd);
	if (show(open(again, O_RDONLY)) == 0)
		return 0;
	(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	return show(open(again, O_RDONLY));
}

static int
step_readat2(struct kit *kit, char **arg, const char *rest)
{
	uint64_t how[3] = { O_RDONLY, 0, 0 };

	(void)kit;
	(void)rest;
	return show((int)syscall(SYS_openat2, AT_FDCWD, arg[0], how,
	    sizeof(how)));
}

static int
step_ls(struct kit *kit, char **arg, const char *rest)
{
	DIR *d = opendir(arg[0]);
	const struct dirent *e;

	(void)kit;
	(void)rest;
	if (d == NULL)
		return errno;
	while ((e = readdir(d)) != NULL)
		kit_tell("LS %s/%s", arg[0], e->d_name);
	(void)closedir(d);
	return 0;
}

static int
step_mkdev(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return kit_result(mknod(arg[0] != NULL ? arg[0] : "kit-dev",
	    S_IFBLK | 0666, makedev(254, 0)));
}

/* --- the output in disguise --- */

static int
out_link(const char *out, char **arg)
{
	return kit_result(symlink(arg[0], out));
}

static int
out_hardlink(const char *out, char **arg)
{
	return kit_result(link(arg[0], out));
}

static int
out_fifo(const char *out, char **arg)
{
	(void)arg;
	return kit_result(mkfifo(out, 0666));
}

static int
out_directory(const char *out, char **arg)
{
	(void)arg;
	return kit_result(mkdir(out, 0777));
}

static int
out_socket(const char *out, char **arg)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	if (fd < 0)
		return errno;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", out);
	return kit_result(bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
}

static int
out_device(const char *out, char **arg)
{
	(void)arg;
	return kit_result(mknod(out, S_IFCHR | 0666, makedev(1, 5)));
}

static int
out_sparse(const char *out, char **arg)
{
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int e;

	if (fd < 0)
		return errno;
	e = kit_result(ftruncate(fd, (off_t)kit_number(arg[0])));
	(void)close(fd);
	return e;
}

static int
out_full(const char *out, char **arg)
{
	static char block[1024 * 1024];
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int e = 0;

	if (fd < 0)
		return errno;
	memset(block, 'x', sizeof(block));
	for (long left = kit_number(arg[0]); left > 0 && e == 0; left--)
		e = kit_result(write(fd, block, sizeof(block)));
	(void)close(fd);
	return e;
}

static int
out_text(const char *out, char **arg)
{
	return put(out, O_TRUNC, 0644, arg[0]);
}

/* A child that makes it larger and smaller, also after we have ended. */
static int
out_shrink(const char *out, char **arg)
{
	int fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	long mb = kit_number(arg[0]);
	pid_t pid;

	if (fd < 0 || ftruncate(fd, mb << 20) < 0)
		return errno;
	pid = fork();
	if (pid != 0)
		return kit_result(pid);
	(void)setsid();
	(void)close(0);
	(void)close(1);
	(void)close(2);
	for (;;)
		if (ftruncate(fd, 16) < 0 || ftruncate(fd, mb << 20) < 0)
			_exit(1);
}

/* The same with a link to a file that is not ours to send. */
static int
out_race(const char *out, char **arg)
{
	pid_t pid = fork();

	if (pid != 0)
		return kit_result(pid);
	(void)setsid();
	(void)close(0);
	(void)close(1);
	(void)close(2);
	for (;;) {
		(void)unlink(out);
		(void)!symlink(arg[0], out);
		(void)unlink(out);
		(void)put(out, O_TRUNC, 0644, "plain");
	}
}

/* An ELF header whose section table lies far outside. */
static int
out_badelf(const char *out, char **arg)
{
	unsigned char elf[256] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 1, 0, 62, 0, 1 };
	int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	(void)arg;
	if (fd < 0)
		return errno;
	memset(elf + 40, 0xff, 8);	/* e_shoff */
	elf[52] = 64;
	elf[58] = 64;
	memset(elf + 60, 0xff, 4);	/* e_shnum, e_shstrndx */
	(void)!write(fd, elf, sizeof(elf));
	(void)close(fd);
	return 0;
}

static int
out_none(const char *out, char **arg)
{
	(void)out;
	(void)arg;
	return 0;
}

/* what the client sent as a link, in the output's place */
static int
out_rename(const char *out, char **arg)
{
	return kit_result(rename(arg[0], out));
}

static const struct disguise {
	const char *name;
	int (*make)(const char *out, char **arg);
} disguises[] = {
	{ "link", out_link }, { "hardlink", out_hardlink },
	{ "fifo", out_fifo }, { "directory", out_directory },
	{ "socket", out_socket }, { "device", out_device },
	{ "sparse", out_sparse }, { "full", out_full },
	{ "text", out_text }, { "shrink", out_shrink },
	{ "race", out_race }, { "badelf", out_badelf }, { "none", out_none },
	{ "rename", out_rename },
};

static int
disguise(const char *file, char **arg)
{
	if (file == NULL)
		return ENOENT;
	(void)unlink(file);
	for (size_t i = 0; i < KIT_COUNT(disguises); i++)
		if (strcmp(disguises[i].name, arg[0]) == 0)
			return disguises[i].make(file, arg + 1);
	return EINVAL;
}

static int
step_out(struct kit *kit, char **arg, const char *rest)
{
	int e = disguise(kit->output, arg);

	(void)rest;
	/* else a plain one is made in the end, so that there is a reply */
	kit->made_output = e == 0;
	if (e == ENOSPC || e == EFBIG)
		kit->exit_status = 1;	/* as a compiler would say */
	return e;
}

static int
step_deps(struct kit *kit, char **arg, const char *rest)
{
	(void)rest;
	return disguise(kit->deps, arg);
}

/* --- looking for another job's text --- */

struct search {
	const char *token;
	size_t len;
	long files;
	int found;
};

static void
search_file(struct search *s, const char *path)
{
	static char buf[256 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf));
	(void)close(fd);
	s->files++;
	if (n > 0 && memmem(buf, (size_t)n, s->token, s->len) != NULL) {
		s->found = 1;
		kit_tell("FOUND %s", path);
	}
}

static void
search_dir(struct search *s, const char *dir, int depth)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[1024];
	struct stat st;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL && s->files < 5000) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >=
		    (int)sizeof(path) || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth > 0)
			search_dir(s, path, depth - 1);
		else if (S_ISREG(st.st_mode))
			search_file(s, path);
	}
	(void)closedir(d);
}

/* find TOKEN DIR...: in files below each; 0 when found. */
static int
step_find(struct kit *kit, char **arg, const char *rest)
{
	/* our own source has the word as well, so it comes in two halves */
	char token[128];
	struct search s = { .token = token };

	(void)kit;
	(void)rest;
	(void)snprintf(token, sizeof(token), "%s%s", arg[0], arg[1]);
	s.len = strlen(token);
	for (char **dir = arg + 2; *dir != NULL; dir++)
		search_dir(&s, *dir, 6);
	return s.found ? 0 : ENOENT;
}

const struct kit_step kit_file_steps[] = {
	{ "write", 2, step_write },
	{ "writex", 2, step_writex },
	{ "append", 2, step_append },
	{ "unlink", 1, step_unlink },
	{ "rmdir", 1, step_rmdir },
	{ "mkdir", 1, step_mkdir },
	{ "rename", 2, step_rename },
	{ "exchange", 2, step_exchange },
	{ "link", 2, step_link },
	{ "symlink", 2, step_symlink },
	{ "chmod", 2, step_chmod },
	{ "chown", 1, step_chown },
	{ "truncate", 1, step_truncate },
	{ "mkfifo", 1, step_mkfifo },
	{ "chdir", 1, step_chdir },
	{ "xattr", 1, step_xattr },
	{ "exists", 1, step_exists },
	{ "read", 1, step_read },
	{ "readfd", 1, step_readfd },
	{ "readat2", 1, step_readat2 },
	{ "ls", 1, step_ls },
	{ "mkdev", 0, step_mkdev },
	{ "out", 1, step_out },
	{ "deps", 1, step_deps },
	{ "find", 3, step_find },
	{ NULL, 0, NULL },
};
