/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * job - read a job memfd (layout: server/msg.h).  The worker wrote it, so it
 * is as untrusted as the client; pure, so that it can be fuzzed.
 */
#ifndef SERVER_JAIL_JOB_H
#define SERVER_JAIL_JOB_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

struct job {
	uint32_t protocol;
	uint32_t argc;
	char **argv;		/* owned vector, NULL-terminated; words lent
				   by the memory that was parsed */
	const char *cdir;	/* lent; NULL in protocols 1 and 2 */
	const char *output;	/* lent; never NULL */
	const char *deps;	/* lent; NULL: no dependency file wanted */
	uint32_t nentries;
	struct view entries;	/* for job_next_entry() */
};

struct job_file {
	uint32_t kind;		/* enum job_entry_kind */
	const char *name;	/* lent, NUL-terminated, not empty */
	struct view contents;	/* lent */
	uint64_t offset;	/* of contents in the whole memory */
};

/*
 * job_parse - check the head and lend its parts.
 * in      whole: untrusted, borrowed for as long as *job is used
 * returns 0; ERR_SYNTAX, ERR_LIMIT (caps of wire/limits.h in numbers:
 *         4096 words, 20000 entries), ERR_NOMEM.  job_free() after 0.
 */
int job_parse(struct view whole, struct job *job) MUST_CHECK;
void job_free(struct job *job);

/*
 * job_next_entry - the next file or link; ERR_CLOSED behind the last one,
 * ERR_SYNTAX, ERR_TRUNCATED.
 * in      whole: as for job_parse(), for the offset
 */
int job_next_entry(struct job *job, struct view whole, struct job_file *out)
    MUST_CHECK;

#endif
