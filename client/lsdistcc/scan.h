/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan - look up, connect to and try many hosts at one time. */
#ifndef CLIENT_LSDISTCC_SCAN_H
#define CLIENT_LSDISTCC_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define SCAN_TASKS_MAX	10000	/* hosts */

struct scan_options {
	bool show_latency;
	bool numeric;
	bool show_down;
	long timeout_s;		/* for everything */
	long lookup_ms;		/* before a name server is asked again */
	long connect_ms;	/* 0: do not connect */
	long compile_ms;	/* 0: do not compile */
	long bits;		/* of the first address found; 0: any */
	long overlap;		/* look-ups ahead of the last one answered */
	long gap;		/* names that may be missing in a row */
	long port;
	long protocol;		/* 1 to 3 */
	const char *compiler;	/* NULL: do not compile */
	bool verbose;
};

/*
 * scan_list - n names; each host that answers is printed as soon as it does.
 * scan_pattern - names made of a pattern, until one cannot be found.
 * out     *good: how many were printed as good
 * returns 0 or an error, logged
 */
int scan_list(const struct scan_options *opt, char *const *names, size_t n,
    size_t *good) MUST_CHECK;
int scan_pattern(const struct scan_options *opt, const char *pattern,
    size_t *good) MUST_CHECK;

#endif
