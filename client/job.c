/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/attempt.h"
#include "client/backoff.h"
#include "client/choose.h"
#include "client/exits.h"
#include "client/hostfile.h"
#include "client/job.h"
#include "client/local.h"
#include "client/native.h"
#include "client/respfile.h"
#include "client/slots.h"
#include "client/state.h"
#include "client/stats.h"
#include "lib/fd.h"
#include "lib/log.h"

/* What decide() returns when the local compiler is to have the job. */
#define RUN_HERE	(-1)

/* ---- locally ---- */

/* returns RUN_HERE, with a slot of this machine */
static int
go_local(struct job *job, int *lock)
{
	cpp_free(&job->cpp);
	local_take_slot(job, lock);
	return RUN_HERE;
}

/* Commands that are no business of ours to distribute: linking, -E, … */
static int
skip_distribution(struct job *job, int *lock)
{
	char why[HOSTS_WHY_BYTES];

	job_end(job, STATS_LOCAL, NULL, job->scan.reason);
	/* only for --localslots: without a list the default is right */
	if (hostfile_read(job->env, &job->hosts, why) < 0)
		job->hosts.localslots = HOSTS_DEFAULT_LOCALSLOTS;
	return go_local(job, lock);
}

/* What could have been remote, but was not. */
static int
fall_back(struct job *job, int *lock)
{
	if (!job->env->fallback) {
		log_errx("failed to distribute and fallbacks are disabled");
		job_end(job, STATS_FAILED, NULL,
		    "not distributed, and DISTCC_FALLBACK=0");
		return EXIT_NO_HOSTS;
	}
	log_warnx("failed to distribute, running locally instead");
	if (job->local_why != NULL)
		job_end(job, STATS_LOCAL, NULL, job->local_why);
	else
		job_end(job, STATS_LOCAL, job->missed_host, job->missed_why);
	return go_local(job, lock);
}

/* ---- remotely ---- */

/* returns the exit status or RUN_HERE; or TRY_NEXT */
#define TRY_NEXT	(-2)

static int
try_host(struct job *job, size_t i, enum backoff state, int *lock)
{
	const struct host *host = &job->hosts.host[i];
	int code = EXIT_DISTCC_FAILED;

	switch (attempt_run(job, host, &code)) {
	case ATTEMPT_DONE:
		if (state == BACKOFF_OVER && code == 0)
			backoff_clear(job->env, host);
		return code;
	case ATTEMPT_GO_LOCAL:
		fd_close(lock);
		return fall_back(job, lock);
	case ATTEMPT_STAY_LOCAL:
		fd_close(lock);
		job_end(job, STATS_LOCAL, NULL, job->local_why);
		return go_local(job, lock);
	case ATTEMPT_FAILED:
		backoff_mark(job->env, host);
		break;
	case ATTEMPT_REFUSED:
		break;
	}
	job->skip[i] = true;
	job->local_why = NULL;		/* the host's failure is */
	/* its slot must not be held while waiting for another host's: who has
	 * that may wait for this */
	cpp_finish(&job->cpp, job->env);
	fd_close(lock);
	return TRY_NEXT;
}

static int
distribute(struct job *job, int *lock)
{
	int code = TRY_NEXT;

	while (code == TRY_NEXT) {
		enum backoff state;
		const struct host *host;
		size_t i;

		if (choose_next(job, &i, lock, &state) < 0)
			return fall_back(job, lock);
		host = &job->hosts.host[i];
		if (*lock >= 0)
			state_start(job->env, host->kind == HOST_LOCAL ?
			    STATE_COMPILE : STATE_PREPROCESS, host,
			    slots_last());
		if (host->kind == HOST_LOCAL) {
			job_end(job, STATS_LOCAL, NULL,
			    "localhost is in the host list");
			return RUN_HERE;
		}
		code = try_host(job, i, state, lock);
	}
	return code;
}

/* ---- what was asked ---- */

/* The compiler gets our environment, one step deeper. */
static int
set_environment(const struct job *job)
{
	char level[16];

	(void)snprintf(level, sizeof(level), "%ld", job->env->safeguard + 1);
	if (setenv("_DISTCC_SAFEGUARD", level, 1) < 0)
		return ERR_NOMEM;
	if (job->compiler.path != NULL &&
	    setenv("PATH", job->compiler.path, 1) < 0)
		return ERR_NOMEM;
	return 0;
}

/*
 * The command as it is judged and sent.  The local compiler, if it comes to
 * that, gets the user's own words.
 */
static int
scan(struct job *job)
{
	char *const *argv = job->argv;

	if (respfile_is_used(argv) &&
	    respfile_expand(argv, &job->expanded) == 0)
		argv = job->expanded.argv;
	if (native_is_used(argv) && native_resolve(job->env,
	    job->compiler.file, argv, &job->resolved) == 0)
		argv = job->resolved.argv;
	job->source = (struct args_source){
		.argv = argv,
		.scan = &job->scan,
		.file = job->compiler.file,
		.rewrite_cross = !job->env->no_rewrite_cross,
	};
	return cmdline_scan(argv, &job->scan);
}

int
job_prepare(struct job *job)
{
	int r;

	cpp_init(&job->cpp);
	r = find_program(job->env, job->argv[0], &job->compiler);
	if (r < 0) {
		log_errx("failed to exec %s: %s", job->argv[0],
		    strerror(ENOENT));
		job_end(job, STATS_FAILED, NULL, "there is no such compiler");
		return EXIT_COMPILER_MISSING;
	}
	r = set_environment(job);
	if (r == 0)
		r = scan(job);
	if (r < 0) {
		log_errx("%s: %s", job->argv[0], err_text(r));
		job_end(job, STATS_FAILED, NULL, "the command is unusable");
		return EXIT_DISTCC_FAILED;
	}
	if (job->scan.input != 0)
		job->file = job->source.argv[job->scan.input];
	return 0;
}

/* ---- all of it ---- */

void
job_end(struct job *job, enum stats_kind kind, const char *host,
    const char *why)
{
	job->end = (struct job_ending){ kind, host, why };
}

/* Each way through it passes one job_end(). returns an exit status or RUN_HERE */
static int
decide(struct job *job, int *lock)
{
	int code = job_prepare(job);

	state_file(job->scan.input != 0 ? job->file : NULL);
	if (code != 0)
		return code;
	if (!job->scan.distribute)
		return skip_distribution(job, lock);
	if (choose_load(job) < 0) {
		job->local_why = "there is no valid host list";
		return fall_back(job, lock);
	}
	terminal_ask(job->env, compiler_family(compiler_base(job->argv[0])),
	    job->source.argv, isatty(STDERR_FILENO) == 1, &job->terminal);
	job->source.terminal = &job->terminal;
	return distribute(job, lock);
}

void
job_free(struct job *job)
{
	cpp_free(&job->cpp);
	pump_free(&job->pump);
	cmdline_scan_free(&job->scan);
	words_free(&job->expanded);
	words_free(&job->resolved);
	find_free(&job->compiler);
	hosts_free(&job->hosts);
	free(job->skip);
}

/* What runs here takes our place: it is counted before it begins. */
static int
finish(struct job *job, int code, int lock)
{
	const struct job_ending *end = &job->end;

	stats_add(job->env, end->kind, end->host, end->why);
	if (code != RUN_HERE)
		return code;
	if (end->host != NULL)
		log_info("%s runs locally: %s: %s", job->file, end->host,
		    end->why);
	else
		log_info("%s runs locally: %s", job->file, end->why);
	return local_become(job, lock);
}

int
job_run(const struct env *env, char *const *argv)
{
	struct job job = { .env = env, .argv = argv, .file = argv[0] };
	AUTOFD lock = -1;
	int code;

	code = decide(&job, &lock);
	code = finish(&job, code, lock);
	state_end();
	/* All else goes with the process, at less cost than piece by piece. */
	cpp_free(&job.cpp);
	return code;
}
