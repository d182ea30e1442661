/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * job - one compile command, from the decision where it runs to its exit
 * status.
 *
 * Hosts are tried in turn; each that fails is left alone afterwards, so the
 * attempts end.  When none is left, or the source itself seems to be wrong,
 * the local compiler has the last word, unless DISTCC_FALLBACK=0.
 */
#ifndef CLIENT_JOB_H
#define CLIENT_JOB_H

#include "client/args.h"
#include "client/cpp.h"
#include "client/env.h"
#include "client/find.h"
#include "client/hosts.h"
#include "client/pump.h"
#include "client/remote.h"
#include "client/stats.h"
#include "client/words.h"

/* What the statistics say of a job; nothing is owned. */
struct job_ending {
	enum stats_kind kind;
	const char *host;		/* NULL: none had a part in it */
	const char *why;		/* one clause; for STATS_REMOTE: why its
					   headers were not sent, or NULL */
};

struct job {
	const struct env *env;
	char *const *argv;		/* argv[0]: the compiler as typed */
	struct words expanded;		/* without "@FILE"; or empty */
	struct words resolved;		/* without "native"; or empty */
	struct cmdline_scan scan;	/* of source.argv */
	struct find compiler;
	struct host_list hosts;
	bool *skip;			/* owns: a flag for each host */
	struct cpp cpp;
	struct pump pump;
	struct args_source source;
	struct terminal terminal;
	const char *file;		/* the source's name, for messages */
	const char *local_why;		/* why it is to be local; NULL: the
					   last host's failure */
	const char *missed_host;	/* the last host that failed … */
	char missed_why[REMOTE_WHY_BYTES];	/* … and how */
	struct job_ending end;
};

/*
 * job_prepare - find the compiler, set the environment for it, and take the
 * command apart.
 * in      job: with env, argv, and file = argv[0]; job_free() also on error
 * returns 0, or an exit status; what is wrong has been reported
 */
int job_prepare(struct job *job) MUST_CHECK;
void job_free(struct job *job);

/*
 * job_run - compile.
 * in      argv: borrowed, NULL-terminated; argv[0] is the compiler word
 * returns the exit status for distcc; may not return, but become the compiler
 */
int job_run(const struct env *env, char *const *argv) MUST_CHECK;

/*
 * job_end - note how the job ends; it is counted when it does.  Each way out
 * of a job calls this once.
 * in      host, why: borrowed until then; why: the same for all of its sort
 */
void job_end(struct job *job, enum stats_kind kind, const char *host,
    const char *why);

#endif
