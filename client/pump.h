/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump - a job whose server preprocesses: the source and its headers are sent
 * instead of preprocessed text (protocol 3).
 *
 * That is done only where the result is known to be that of a local compile:
 * the scanner is sure of what is read, and the host's own headers were compared
 * with ours.  Otherwise the job is preprocessed here, and "why" says the reason.
 */
#ifndef CLIENT_PUMP_H
#define CLIENT_PUMP_H

#include <stdbool.h>

#include "client/args.h"
#include "client/fileset.h"
#include "client/hosts.h"
#include "client/remote.h"
#include "client/scan/scan.h"
#include "client/store.h"

#define PUMP_WHY_BYTES	256
#define PUMP_DIR_BYTES	128

struct job;

/* The scanner's place. */
struct pump_where {
	char dir[PUMP_DIR_BYTES];	/* private, for its socket; "": none */
	char *daemon;			/* owns: its program; NULL: none */
};

struct pump {
	bool is_tried;			/* what follows is valid */
	bool is_ready;
	bool is_used;			/* the last reply is to it */
	char why[PUMP_WHY_BYTES];	/* why not; "" */
	struct pump_where where;	/* dir: the store's, too */
	struct store *store;		/* owns; or NULL */
	char *cwd;			/* owns: as compilers name it */
	char *real_cwd;			/* owns: without links */
	struct scan_answer answer;
	struct fileset files;
	struct args args;
	struct cmdline_deps deps;
};

void pump_free(struct pump *p);

/*
 * pump_run - send the job with its headers, and take the reply.
 * in      host: one with ,cpp
 * returns 0, with a status that may be a failure; ERR_UNSUPPORTED: the job has
 *         to be preprocessed here for this host, job->pump.why says why; else
 *         the host is at fault and res->why says how
 */
int pump_run(struct job *job, const struct host *host,
    struct remote_result *res) MUST_CHECK;

/* pump_give_up - what failed there with its headers is preprocessed here; says
 * so, with the first of the host's messages. */
void pump_give_up(struct job *job, const struct host *host,
    const struct remote_result *res);

/* pump_write_deps - put the dependency file that came with the object in its
 * place, if there is to be one. */
int pump_write_deps(const struct pump *p, const struct remote_result *res)
    MUST_CHECK;

/* pump_distrust - what failed there with its headers compiles here: let the
 * host have preprocessed jobs for a while. */
void pump_distrust(struct job *job, const struct host *host);

/*
 * pump_reason - why the job's reply is to preprocessed text, without names of
 * its own files; lent until the next call; NULL: it is not, or none was asked.
 */
const char *pump_reason(const struct pump *p);

/* pump_find - the scanner's directory, made if need be, and its program; the
 * caller frees w->daemon, or has pump_free() do it. */
void pump_find(const struct env *env, struct pump_where *w);

/*
 * pump_scan - the scanner's answer for a command, by its daemon.
 * in      is_brief: what is the compiler's own by number
 * out     why: on error
 * A daemon that is not there is started.
 */
int pump_scan(const struct pump_where *w, const struct args_source *src,
    const char *cwd, bool is_brief, struct scan_answer *a,
    char why[PUMP_WHY_BYTES]) MUST_CHECK;

/* pump_cwd - the working directory as compilers name it; the caller frees it. */
char *pump_cwd(void);

#endif
