/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/log.h"

enum target { TO_FD, TO_SYSLOG, TO_SINK };

static struct {
	const char *program;
	enum target target;
	enum log_level level;
	int fd;			/* TO_FD: borrowed unless path is set */
	char path[4096];	/* of log_to_file(), else empty */
	log_sink *sink;
	void *sink_arg;
} state = { "distcc", TO_FD, LOG_LVL_WARNING, STDERR_FILENO, "", NULL, NULL };

static const struct {
	const char *name;
	enum log_level level;
} level_names[] = {
	{ "emerg", LOG_LVL_CRITICAL },
	{ "alert", LOG_LVL_CRITICAL },
	{ "critical", LOG_LVL_CRITICAL },
	{ "crit", LOG_LVL_CRITICAL },
	{ "error", LOG_LVL_ERROR },
	{ "err", LOG_LVL_ERROR },
	{ "warning", LOG_LVL_WARNING },
	{ "warnings", LOG_LVL_WARNING },
	{ "warn", LOG_LVL_WARNING },
	{ "notice", LOG_LVL_NOTICE },
	{ "info", LOG_LVL_INFO },
	{ "debug", LOG_LVL_DEBUG },
};

void
log_init(const char *program)
{
	state.program = program;
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level
log_get_level(void)
{
	return state.level;
}

int
log_level_from_name(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]);
	    i++) {
		if (strcmp(level_names[i].name, name) == 0) {
			*out = level_names[i].level;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

const char *
log_level_name(enum log_level level)
{
	switch (level) {
	case LOG_LVL_CRITICAL:	return "CRITICAL";
	case LOG_LVL_ERROR:	return "ERROR";
	case LOG_LVL_WARNING:	return "Warning";
	case LOG_LVL_NOTICE:	return "NOTICE";
	case LOG_LVL_INFO:	return "INFO";
	case LOG_LVL_DEBUG:	return "DEBUG";
	}
	return "?";
}

static void
close_own_file(void)
{
	if (state.path[0] != '\0')
		(void)close(state.fd);
	state.path[0] = '\0';
}

void
log_to_fd(int fd)
{
	close_own_file();
	state.target = TO_FD;
	state.fd = fd;
}

void
log_to_stderr(void)
{
	log_to_fd(STDERR_FILENO);
}

void
log_to_syslog(int facility)
{
	close_own_file();
	openlog(state.program, LOG_PID, facility);
	state.target = TO_SYSLOG;
}

int
log_to_file(const char *path)
{
	int fd;

	if (strlen(path) >= sizeof(state.path))
		return ERR_LIMIT;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
	    0640);
	if (fd < 0)
		return err_from_errno(errno);
	close_own_file();
	state.target = TO_FD;
	state.fd = fd;
	(void)snprintf(state.path, sizeof(state.path), "%s", path);
	return 0;
}

int
log_reopen(void)
{
	char path[sizeof(state.path)];

	if (state.path[0] == '\0')
		return 0;
	memcpy(path, state.path, sizeof(path));
	return log_to_file(path);
}

void
log_to_sink(log_sink *sink, void *arg)
{
	close_own_file();
	state.target = TO_SINK;
	state.sink = sink;
	state.sink_arg = arg;
}

static void
emit(enum log_level level, const char *text)
{
	char line[LOG_LINE_BYTES + 64];
	int n;

	if (state.target == TO_SINK) {
		state.sink(level, text, state.sink_arg);
		return;
	}
	if (state.target == TO_SYSLOG) {
		syslog((int)level, "%s", text);
		return;
	}
	n = snprintf(line, sizeof(line), "%s[%d] %s: %s\n", state.program,
	    (int)getpid(), log_level_name(level), text);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	/* one write, so that lines of several processes do not mix */
	if (write(state.fd, line, (size_t)n) < 0)
		return;		/* nowhere left to say so */
}

static void vlog(enum log_level level, int errnum, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
vlog(enum log_level level, int errnum, const char *fmt, va_list ap)
{
	char text[LOG_LINE_BYTES];
	size_t len;
	int n, keep = errno;

	if (level > state.level)
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	if (errnum != 0)
		(void)snprintf(text + len, sizeof(text) - len, ": %s",
		    strerror(errnum));
	emit(level, text);
	errno = keep;
}

#define LOG_FUNCTION(name, level, errnum)				\
	void								\
	name(const char *fmt, ...)					\
	{								\
		va_list ap;						\
									\
		va_start(ap, fmt);					\
		vlog(level, errnum, fmt, ap);				\
		va_end(ap);						\
	}

LOG_FUNCTION(log_debug, LOG_LVL_DEBUG, 0)
LOG_FUNCTION(log_info, LOG_LVL_INFO, 0)
LOG_FUNCTION(log_notice, LOG_LVL_NOTICE, 0)
LOG_FUNCTION(log_warn, LOG_LVL_WARNING, errno)
LOG_FUNCTION(log_warnx, LOG_LVL_WARNING, 0)
LOG_FUNCTION(log_err, LOG_LVL_ERROR, errno)
LOG_FUNCTION(log_errx, LOG_LVL_ERROR, 0)

void
log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(level, 0, fmt, ap);
	va_end(ap);
}

const char *
log_escape(struct view v, char *dst, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = v.ptr[i];

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			if (n + 1 >= size)
				break;
			dst[n++] = (char)c;
		} else {
			if (n + 4 >= size)
				break;
			dst[n++] = '\\';
			dst[n++] = 'x';
			dst[n++] = hex[c >> 4];
			dst[n++] = hex[c & 15];
		}
	}
	dst[n] = '\0';
	return dst;
}
