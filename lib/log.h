/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log - messages of a process, to stderr, a file, syslog, or a function (the
 * small processes send theirs over their channel).
 *
 * The pairs follow the BSD habit: log_warn() appends strerror(errno),
 * log_warnx() does not.  Text that came from a peer goes through log_escape()
 * first, so that it can neither forge a line nor drive a terminal.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/* syslog's numbers, so that they can be passed on as they are */
enum log_level {
	LOG_LVL_CRITICAL = 2,
	LOG_LVL_ERROR	 = 3,
	LOG_LVL_WARNING	 = 4,
	LOG_LVL_NOTICE	 = 5,
	LOG_LVL_INFO	 = 6,
	LOG_LVL_DEBUG	 = 7,
};

#define LOG_LINE_BYTES	2048	/* longest line, cut beyond */

typedef void log_sink(enum log_level level, const char *line, void *arg);

/*
 * log_init - start with stderr at LOG_LVL_WARNING.
 * in  program: the prefix of each line ("distccd"); static, borrowed for ever
 */
void log_init(const char *program);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* log_level_from_name - "debug" .. "critical"; ERR_SYNTAX for anything else. */
int log_level_from_name(const char *name, enum log_level *out) MUST_CHECK;
const char *log_level_name(enum log_level level);

void log_to_stderr(void);
void log_to_syslog(int facility);
/* log_to_file - append to path (created 0640 & ~umask); errno is kept on error. */
int log_to_file(const char *path) MUST_CHECK;
/* log_to_fd - write lines to fd, which is borrowed. */
void log_to_fd(int fd);
void log_to_sink(log_sink *sink, void *arg);
/* log_reopen - after a rotation: open the file of log_to_file() again. */
int log_reopen(void) MUST_CHECK;

void log_at(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_errx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * log_escape - make untrusted bytes fit for one log line: control characters,
 * backslash and anything outside printable ASCII become \xNN; cut to fit.
 * in      v: untrusted, borrowed
 * out     dst: always NUL-terminated; size at least 1
 * returns dst
 */
const char *log_escape(struct view v, char *dst, size_t size);

#endif
