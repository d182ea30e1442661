/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/stats.h"
#include "lib/fd.h"
#include "lib/log.h"

#define LOG_NAME	"/stats.log"
#define OLD_NAME	"/stats.old"

/* The columns of a line. */
#define TIME_WIDTH	11
#define KIND_WIDTH	6
#define HOST_WIDTH	40
#define REASON_WIDTH	(STATS_LINE_BYTES - TIME_WIDTH - KIND_WIDTH - \
			    HOST_WIDTH - 4)
#define HOST_AT		(TIME_WIDTH + 1 + KIND_WIDTH + 1)
#define REASON_AT	(HOST_AT + HOST_WIDTH + 1)

static const char *const kind_names[STATS_KINDS] = {
	[STATS_REMOTE] = "remote",
	[STATS_LOCAL] = "local",
	[STATS_FAILED] = "failed",
	[STATS_MISSED] = "missed",
};

/* ---- the format ---- */

static void
put_column(char *out, size_t width, const char *text)
{
	size_t i = 0;

	for (; i < width && text[i] != '\0'; i++)
		out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ?
		    '?' : text[i];
	memset(out + i, ' ', width - i);
}

void
stats_format(const struct stats_line *line, char *out)
{
	char stamp[24];

	(void)snprintf(stamp, sizeof(stamp), "%0*" PRId64, TIME_WIDTH,
	    line->time_s);
	memset(out, ' ', STATS_LINE_BYTES);
	put_column(out, TIME_WIDTH, stamp);
	put_column(out + TIME_WIDTH + 1, KIND_WIDTH, kind_names[line->kind]);
	put_column(out + HOST_AT, HOST_WIDTH, line->host);
	put_column(out + REASON_AT, REASON_WIDTH, line->reason);
	out[STATS_LINE_BYTES - 1] = '\n';
}

/* A column without the blanks behind it. */
static void
get_column(char *out, const char *p, size_t width)
{
	while (width != 0 && p[width - 1] == ' ')
		width--;
	memcpy(out, p, width);
	out[width] = '\0';
	for (char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

int
stats_parse(const char *p, size_t len, struct stats_line *line)
{
	char kind[KIND_WIDTH + 1], stamp[TIME_WIDTH + 1];
	char *end;

	if (len != STATS_LINE_BYTES - 1 || p[TIME_WIDTH] != ' ' ||
	    p[HOST_AT - 1] != ' ' || p[REASON_AT - 1] != ' ')
		return ERR_SYNTAX;
	get_column(stamp, p, TIME_WIDTH);
	get_column(kind, p + TIME_WIDTH + 1, KIND_WIDTH);
	get_column(line->host, p + HOST_AT, HOST_WIDTH);
	get_column(line->reason, p + REASON_AT, REASON_WIDTH);
	line->time_s = strtoll(stamp, &end, 10);
	if (end == stamp || *end != '\0')
		return ERR_SYNTAX;
	for (int k = 0; k < STATS_KINDS; k++) {
		if (strcmp(kind, kind_names[k]) == 0) {
			line->kind = (enum stats_kind)k;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

/* ---- writing ---- */

static int
open_log(const struct env *env, char *path)
{
	int r = dirs_top(env, path, DIRS_PATH_BYTES, LOG_NAME);

	return r < 0 ? r : dirs_open(env, path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
}

/* Exactly one of all writers passes the mark. */
static bool
passed_mark(int fd)
{
	off_t end = lseek(fd, 0, SEEK_CUR);

	return end > STATS_LINE_BYTES && end / STATS_FILE_BYTES !=
	    (end - STATS_LINE_BYTES) / STATS_FILE_BYTES;
}

static void
write_line(const struct env *env, const struct stats_line *line)
{
	char path[DIRS_PATH_BYTES], old[DIRS_PATH_BYTES];
	char text[STATS_LINE_BYTES];
	AUTOFD fd = open_log(env, path);

	if (fd < 0)
		return;
	stats_format(line, text);
	if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text)) {
		log_debug("cannot write %s", path);
		return;
	}
	if (passed_mark(fd) &&
	    dirs_top(env, old, sizeof(old), OLD_NAME) == 0 &&
	    rename(path, old) < 0)
		log_debug("cannot rename %s", path);
}

void
stats_add(const struct env *env, enum stats_kind kind, const char *host,
    const char *reason)
{
	struct stats_line line = { .time_s = time(NULL), .kind = kind };

	(void)snprintf(line.host, sizeof(line.host), "%s",
	    host != NULL ? host : "-");
	(void)snprintf(line.reason, sizeof(line.reason), "%s",
	    reason != NULL ? reason : "-");
	write_line(env, &line);
}

/* ---- since when ---- */

/* returns 0 and the seconds; ERR_SYNTAX */
static int
parse_ago(const char *text, int64_t *ago_s)
{
	static const struct { char unit; int64_t s; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 },
	};
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || n > INT32_MAX ||
	    end[0] == '\0' || end[1] != '\0')
		return ERR_SYNTAX;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit == *end) {
			*ago_s = n * units[i].s;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

static int
parse_date(const char *text, int64_t *since_s)
{
	static const char *const formats[] = {
		"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);

		if (end != NULL && *end == '\0') {
			*since_s = mktime(&tm);
			return 0;
		}
	}
	return ERR_SYNTAX;
}

static int64_t
midnight(int64_t now_s)
{
	time_t now = (time_t)now_s;
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL)
		return now_s - now_s % 86400;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

int
stats_parse_since(const char *text, int64_t now_s, int64_t *since_s)
{
	int64_t ago_s;

	if (strcmp(text, "today") == 0) {
		*since_s = midnight(now_s);
		return 0;
	}
	if (text[0] == '@' && text[1] >= '0' && text[1] <= '9') {
		char *end;

		errno = 0;
		*since_s = strtoll(text + 1, &end, 10);
		return *end == '\0' && errno == 0 ? 0 : ERR_SYNTAX;
	}
	if (parse_ago(text, &ago_s) == 0) {
		*since_s = now_s - ago_s;
		return 0;
	}
	return parse_date(text, since_s);
}
