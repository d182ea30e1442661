/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps on processes and descriptors: ours, the server's, other jobs'. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit.h"

extern char **environ;

/* --- running something else --- */

static int
wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) >= 200)
		return WEXITSTATUS(status) - 200;	/* exec's errno */
	return 0;
}

/* errno values are below 56 for what exec can say here */
static void
exec_failed(void)
{
	_exit(errno < 55 ? 200 + errno : 255);
}

static int
step_exec(struct kit *kit, char **arg, const char *rest)
{
	pid_t pid = fork();

	(void)kit;
	(void)rest;
	if (pid == 0) {
		(void)dup2(2, 1);
		execv(arg[0], arg);
		exec_failed();
	}
	return wait_for(pid);
}

/* sh WORDS: the host's shell */
static int
step_sh(struct kit *kit, char **arg, const char *rest)
{
	pid_t pid = fork();

	(void)kit;
	(void)arg;
	if (pid == 0) {
		(void)dup2(2, 1);
		execl("/bin/sh", "sh", "-c", rest, (char *)NULL);
		exec_failed();
	}
	return wait_for(pid);
}

static int
copy_file(const char *from, int to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t at = 0;
	int e = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		e = errno;
	while (e == 0 && at < st.st_size)
		if (sendfile(to, fd, &at, (size_t)st.st_size) <= 0) {
			/* a filter may not know sendfile */
			char buf[4096];
			ssize_t n;

			while ((n = read(fd, buf, sizeof(buf))) > 0)
				if (write(to, buf, (size_t)n) != n)
					break;
			break;
		}
	(void)close(fd);
	return e;
}

/* copyexec FROM TO [WORDS]: what was uploaded, made a program, and run */
static int
step_copyexec(struct kit *kit, char **arg, const char *rest)
{
	int fd = open(arg[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	int e;

	(void)kit;
	(void)rest;
	if (fd < 0)
		return errno;
	e = copy_file(arg[0], fd);
	(void)fchmod(fd, 0755);
	(void)close(fd);
	return e != 0 ? e : step_exec(kit, arg + 1, rest);
}

/* memfdexec FROM [WORDS] */
static int
step_memfdexec(struct kit *kit, char **arg, const char *rest)
{
	int fd = (int)syscall(SYS_memfd_create, "kit", 0);
	pid_t pid;
	int e;

	(void)kit;
	(void)rest;
	if (fd < 0)
		return errno;
	if ((e = copy_file(arg[0], fd)) != 0)
		return e;
	pid = fork();
	if (pid == 0) {
		(void)dup2(2, 1);
		(void)syscall(SYS_execveat, fd, "", arg, environ,
		    AT_EMPTY_PATH);
		exec_failed();
	}
	return wait_for(pid);
}

/* mapexec FILE: code from a file of the job's, without exec */
static int
step_mapexec(struct kit *kit, char **arg, const char *rest)
{
	int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
	void *p;
	int e;

	(void)kit;
	(void)rest;
	if (fd < 0)
		return errno;
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	e = p == MAP_FAILED ? errno : 0;
	if (e == EPERM || e == EACCES) {	/* and by the other call */
		p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED)
			e = kit_result(mprotect(p, 4096,
			    PROT_READ | PROT_EXEC));
	}
	(void)close(fd);
	return e;
}

/* --- signals --- */

static void
ignore_signals(void)
{
	for (int sig = 1; sig < 65; sig++)
		(void)signal(sig, SIG_IGN);
}

static int
step_sleep(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	kit_sleep(kit_number(arg[0]));
	return 0;
}

static int
step_hang(struct kit *kit, char **arg, const char *rest)
{
	ignore_signals();
	kit_tell("KIT hanging");
	return step_sleep(kit, arg, rest);
}

/* killall SIGNAL: all that kill(2) finds, all at once and one by one */
static int
step_killall(struct kit *kit, char **arg, const char *rest)
{
	int sig = (int)kit_number(arg[0]);
	long hits = 0;

	(void)kit;
	(void)rest;
	if (sig != SIGKILL && sig != SIGSTOP)
		(void)signal(sig, SIG_IGN);
	if (kill(-1, sig) == 0)
		hits++;
	for (pid_t pid = 1; pid < 70000; pid++)
		if (pid != getpid() && kill(pid, sig) == 0)
			hits++;
	kit_tell("KILLED %ld", hits);
	return hits > 0 ? 0 : ESRCH;
}

static int
step_kill(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	return kit_result(kill((pid_t)kit_number(arg[0]),
	    (int)kit_number(arg[1])));
}

/* pidfd PID SIGNAL */
static int
step_pidfd(struct kit *kit, char **arg, const char *rest)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)kit_number(arg[0]), 0);

	(void)kit;
	(void)rest;
	if (fd < 0)
		return errno;
	return kit_result(syscall(SYS_pidfd_send_signal, fd,
	    (int)kit_number(arg[1]), NULL, 0));
}

/* --- what can be seen --- */

static int
step_env(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)arg;
	(void)rest;
	for (char **e = environ; *e != NULL; e++)
		kit_tell("ENV %s", *e);
	return 0;
}

static void
tell_process(const char *pid)
{
	char path[280], buf[512];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] == '\0')
			buf[i] = ' ';
	buf[n > 0 ? n : 0] = '\0';
	kit_tell("PROC %s %s", pid, buf);
}

/* procs: processes that are not ours, by /proc and by kill(pid, 0) */
static int
step_procs(struct kit *kit, char **arg, const char *rest)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	long seen = 0, felt = 0;
	int is_blind;

	(void)kit;
	(void)arg;
	(void)rest;
	while (d != NULL && (e = readdir(d)) != NULL)
		if (kit_number(e->d_name) > 1 &&
		    kit_number(e->d_name) != getpid()) {
			tell_process(e->d_name);
			seen++;
		}
	if (d != NULL)
		(void)closedir(d);
	/* a filter that says EPERM to a number that cannot be tells nothing */
	is_blind = kill(0x3fffffff, 0) < 0 && errno == EPERM;
	for (pid_t pid = 2; pid < 70000; pid++)
		if (pid != getpid() && (kill(pid, 0) == 0 ||
		    (errno == EPERM && !is_blind)))
			felt++;
	kit_tell("SEEN %ld FELT %ld", seen, felt);
	return seen + felt > 0 ? 0 : ESRCH;
}

static int
step_fdnames(struct kit *kit, char **arg, const char *rest)
{
	int others = 0;

	(void)kit;
	(void)arg;
	(void)rest;
	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fstat(fd, &st) < 0)
			continue;
		kit_tell("FD %d mode %o access %d", fd,
		    (unsigned int)st.st_mode, flags & O_ACCMODE);
		if (fd > 2)
			others++;
	}
	return others > 0 ? 0 : ENOENT;
}

/* fdwrite TOKEN: to every descriptor but stdout and stderr */
static int
step_fdwrite(struct kit *kit, char **arg, const char *rest)
{
	int hits = 0;

	(void)kit;
	(void)rest;
	for (int fd = 3; fd < 1024; fd++)
		if (write(fd, arg[0], strlen(arg[0])) > 0)
			hits++;
	return hits > 0 ? 0 : EBADF;
}

/* --- reaching into another process --- */

static int
reach(pid_t pid)
{
	char here[16];
	static char there[16];
	struct iovec l = { here, sizeof(here) }, r = { there, sizeof(there) };
	int hits = 0;

	/* the same static program: the same addresses or nearly so */
	if (syscall(SYS_process_vm_readv, pid, &l, 1UL, &r, 1UL, 0UL) > 0 ||
	    errno == EFAULT)
		hits++;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
		hits++;
		(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
	if (kill(pid, 0) == 0)
		hits++;
	return hits;
}

/* reach [PID]: memory, tracing and signals of one process or of all */
static int
step_reach(struct kit *kit, char **arg, const char *rest)
{
	long hits = 0;

	(void)kit;
	(void)rest;
	if (arg[0] != NULL)
		hits = reach((pid_t)kit_number(arg[0]));
	else
		for (pid_t pid = 2; pid < 70000; pid++)
			if (pid != getpid())
				hits += reach(pid);
	kit_tell("REACHED %ld", hits);
	return hits > 0 ? 0 : ESRCH;
}

static int
step_tracefirst(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)arg;
	(void)rest;
	return kit_result(ptrace(PTRACE_SEIZE, 1, NULL, NULL));
}

const struct kit_step kit_process_steps[] = {
	{ "exec", 1, step_exec },
	{ "sh", 1, step_sh },
	{ "copyexec", 2, step_copyexec },
	{ "memfdexec", 1, step_memfdexec },
	{ "mapexec", 1, step_mapexec },
	{ "sleep", 1, step_sleep },
	{ "hang", 1, step_hang },
	{ "killall", 1, step_killall },
	{ "kill", 2, step_kill },
	{ "pidfd", 2, step_pidfd },
	{ "env", 0, step_env },
	{ "procs", 0, step_procs },
	{ "fdnames", 0, step_fdnames },
	{ "fdwrite", 1, step_fdwrite },
	{ "reach", 0, step_reach },
	{ "trace1", 0, step_tracefirst },
	{ NULL, 0, NULL },
};
