/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "client/env.h"
#include "lib/log.h"

enum kind {
	TEXT,
	SWITCH,		/* "0" is off, "1" is on, anything else the default */
	PRESENT,	/* on when it is set, whatever to; "0" is off */
	NUMBER,
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset;		/* of the field in struct env */
	long fallback;		/* value when it is not set */
	long min, max;
};

#define TEXT_ROW(name, field) \
	{ name, TEXT, offsetof(struct env, field), 0, 0, 0 }
#define BOOL_ROW(name, kind, field, fallback) \
	{ name, kind, offsetof(struct env, field), fallback, 0, 1 }
#define NUMBER_ROW(name, field, fallback, min, max) \
	{ name, NUMBER, offsetof(struct env, field), fallback, min, max }

static const struct row table[] = {
	TEXT_ROW("DISTCC_HOSTS", hosts),
	TEXT_ROW("DISTCC_DIR", dir),
	TEXT_ROW("DISTCC_LOG", log),
	TEXT_ROW("DISTCC_PRINCIPAL", principal),
	TEXT_ROW("DISTCC_SSH", ssh),
	TEXT_ROW("HOME", home),
	TEXT_ROW("PATH", path),
	TEXT_ROW("TERM", term),
	TEXT_ROW("TMPDIR", tmpdir),
	TEXT_ROW("COLUMNS", columns),
	TEXT_ROW("GCC_COLORS", gcc_colors),
	BOOL_ROW("DISTCC_VERBOSE", SWITCH, verbose, 0),
	BOOL_ROW("DISTCC_FALLBACK", SWITCH, fallback, 1),
	BOOL_ROW("DISTCC_SAVE_TEMPS", SWITCH, save_temps, 0),
	BOOL_ROW("DISTCC_TCP_CORK", SWITCH, tcp_cork, 1),
	BOOL_ROW("DISTCC_SKIP_LOCAL_RETRY", PRESENT, skip_local_retry, 0),
	/* the program's name for it and the manual's; either may be set */
	BOOL_ROW("DISTCC_NO_REWRITE_CROSS", PRESENT, no_rewrite_cross, 0),
	BOOL_ROW("DISTCC_NO_CROSS_REWRITE", PRESENT, no_rewrite_cross, -1),
	NUMBER_ROW("DISTCC_IO_TIMEOUT", io_timeout_s, 300, 1, 1000000),
	NUMBER_ROW("DISTCC_BACKOFF_PERIOD", backoff_s, 60, 0, 1000000000),
	NUMBER_ROW("DISTCC_PAUSE_TIME_MSEC", pause_ms, 1000, 0, 1000000),
	NUMBER_ROW("UNCACHED_ERR_FD", uncached_err_fd, -1, 0, INT_MAX),
	NUMBER_ROW("_DISTCC_SAFEGUARD", safeguard, 0, 0, 1000),
};

static long
number(const struct row *row, const char *value)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || n < row->min ||
	    n > row->max) {
		log_warnx("$%s is not a number from %ld to %ld; ignored",
		    row->name, row->min, row->max);
		return row->fallback;
	}
	return n;
}

static bool
is_on(const struct row *row, const char *value)
{
	if (strcmp(value, "0") == 0)
		return false;
	if (row->kind == PRESENT || strcmp(value, "1") == 0)
		return true;
	return row->fallback != 0;
}

static void
set_field(struct env *env, const struct row *row, const char *value)
{
	char *field = (char *)env + row->offset;

	switch (row->kind) {
	case TEXT:
		*(const char **)(void *)field = value;
		break;
	case SWITCH:
	case PRESENT:
		if (value != NULL)
			*(bool *)(void *)field = is_on(row, value);
		else if (row->fallback >= 0)	/* < 0: a second name */
			*(bool *)(void *)field = row->fallback != 0;
		break;
	case NUMBER:
		*(long *)(void *)field = value != NULL ? number(row, value) :
		    row->fallback;
		break;
	}
}

void
env_load(struct env *env)
{
	memset(env, 0, sizeof(*env));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		set_field(env, &table[i], getenv(table[i].name));
}
