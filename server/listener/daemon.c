/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/daemon.h"

static int ready_fd = -1;

/* The starting command: wait for the daemon to be ready, or to have failed. */
static void __attribute__((noreturn))
wait_for(pid_t child, int fd)
{
	char byte;
	int status;
	ssize_t n = read(fd, &byte, 1);

	if (n == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(EXIT_DISTCC_FAILED);
}

int
daemon_detach(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return err_from_errno(errno);
	if (pid > 0) {
		(void)close(fds[1]);
		wait_for(pid, fds[0]);
	}
	(void)close(fds[0]);
	ready_fd = fds[1];
	return setsid() < 0 ? err_from_errno(errno) : 0;
}

/* Let go of the starting command's terminal or pipes. */
static void
leave_stdio(bool keep_stderr)
{
	AUTOFD fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < (keep_stderr ? 2 : 3); i++)
		(void)dup2(fd, i);
}

void
daemon_ready(void)
{
	if (ready_fd < 0)
		return;
	if (write(ready_fd, "", 1) != 1)
		log_warn("the starting command has gone");
	fd_close(&ready_fd);
}

static int
open_log(void *arg)
{
	const char *file = arg;

	return log_to_file(file);
}

static int
try_log(const char *file, const struct ids *ids)
{
	int r = ids_as_user(ids, open_log, (void *)(uintptr_t)file);
	int errnum = errno;

	if (r < 0) {
		log_to_stderr();
		errno = errnum;
		log_err("failed to open logfile %s (it needs owner %s, mode "
		    "0640, in a directory that this owner may enter)", file,
		    ids->is_root ? ids->name : "you");
	}
	return r;
}

int
daemon_check_log(const struct options *o, const struct ids *ids)
{
	int r;

	if (o->log_file == NULL || o->log_stderr)
		return 0;
	r = try_log(o->log_file, ids);
	log_to_stderr();
	return r;
}

int
daemon_open_log(const struct options *o, const struct ids *ids)
{
	bool on_stderr = o->log_stderr;
	int r = 0;

	if (o->log_stderr)
		log_to_stderr();
	else if (o->log_file != NULL)
		r = try_log(o->log_file, ids);
	else
		log_to_syslog(LOG_DAEMON);
	if (r == 0 && o->mode == MODE_DAEMON && !o->no_detach)
		leave_stdio(on_stderr);
	return r;
}

static int
reopen(void *arg)
{
	(void)arg;
	return log_reopen();
}

void
daemon_reopen_log(const struct ids *ids)
{
	if (ids_as_user(ids, reopen, NULL) < 0)
		log_warn("can't reopen the log file, going on with the old "
		    "one");
	else
		log_notice("event=log_reopened");
}

static int
write_pid(void *arg)
{
	AUTOFD fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (fd < 0)
		return err_from_errno(errno);
	return fd_write_all(fd, text, (size_t)n, -1);
}

int
daemon_write_pid(const char *file, const struct ids *ids)
{
	int r;

	if (file == NULL)
		return 0;
	r = ids_as_user(ids, write_pid, (void *)(uintptr_t)file);
	if (r < 0)
		log_err("can't write pid file %s", file);
	return r;
}

static int
remove_pid(void *arg)
{
	return unlink(arg) < 0 ? err_from_errno(errno) : 0;
}

void
daemon_remove_pid(const char *file, const struct ids *ids)
{
	if (file != NULL && ids_as_user(ids, remove_pid,
	    (void *)(uintptr_t)file) < 0)
		log_warn("can't remove pid file %s", file);
}
