/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats - where the jobs went, and why: a log that each job adds one line to,
 * and "distcc --stats", which counts its lines.
 *
 * DISTCC_DIR/stats.log has lines of STATS_LINE_BYTES, each appended by one
 * write(2), so that clients need no lock.  When it passes STATS_FILE_BYTES it
 * becomes stats.old, so that the two together hold at least the last 32768
 * lines and at most twice as many.
 *
 *	TIME KIND HOST REASON		each field padded with blanks
 */
#ifndef CLIENT_STATS_H
#define CLIENT_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "client/env.h"
#include "lib/err.h"

#define STATS_LINE_BYTES	128
#define STATS_FILE_BYTES	(4 * 1024 * 1024)

enum stats_kind {
	STATS_REMOTE,		/* a host compiled it */
	STATS_LOCAL,		/* it was, or is now to be, compiled here */
	STATS_FAILED,		/* the command failed */
	STATS_MISSED,		/* a host failed; the job goes on elsewhere */
	STATS_KINDS,
};

/* ---- writing ---- */

/*
 * stats_add - log a job's end, or a host's failure.
 * in      host: as in the host list; NULL: none had a part in it
 *         reason: one clause, the same for all jobs of its sort, or NULL
 * What cannot be logged is not: the job goes on.
 */
void stats_add(const struct env *env, enum stats_kind kind, const char *host,
    const char *reason);

/* ---- reading ---- */

struct stats_line {
	int64_t time_s;		/* since 1970 */
	enum stats_kind kind;
	char host[STATS_LINE_BYTES];
	char reason[STATS_LINE_BYTES];
};

/* stats_format - one line with its newline into out[STATS_LINE_BYTES], which
 * is not NUL-terminated; what is too long is cut. */
void stats_format(const struct stats_line *line, char *out);

/*
 * stats_parse - the reverse.
 * in      p: len bytes without the newline, untrusted
 * returns 0; ERR_SYNTAX
 */
int stats_parse(const char *p, size_t len, struct stats_line *line) MUST_CHECK;

/*
 * stats_parse_since - "90s", "15m", "2h", "3d", "1w" ago; "@SECONDS" since
 * 1970; "today"; or "YYYY-MM-DD[ HH:MM[:SS]]" (or with a T) in local time.
 * in      now_s: the present time
 * returns 0; ERR_SYNTAX
 */
int stats_parse_since(const char *text, int64_t now_s, int64_t *since_s)
    MUST_CHECK;

/* stats_main - "distcc --stats [--since WHEN] [--json]"; its exit status. */
int stats_main(const struct env *env, char *const *argv);

#endif
