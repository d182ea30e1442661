/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/attempt.h"
#include "client/auth.h"
#include "client/backoff.h"
#include "client/exits.h"
#include "client/hostfile.h"
#include "client/job.h"
#include "client/local.h"
#include "client/native.h"
#include "client/respfile.h"
#include "client/slots.h"
#include "client/state.h"
#include "client/stats.h"
#include "client/zeroconf.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

/* ---- locally ---- */

/* Commands that are no business of ours to distribute: linking, -E, … */
static int
run_undistributable(struct job *job)
{
	char why[HOSTS_WHY_BYTES];
	AUTOFD lock = -1;

	log_info("%s runs locally: %s", job->file, job->scan.reason);
	/* only for --localslots: without a list the default is right */
	if (hostfile_read(job->env, &job->hosts, why) < 0)
		job->hosts.localslots = HOSTS_DEFAULT_LOCALSLOTS;
	local_take_slot(job, &lock);
	stats_add(job->env, STATS_LOCAL, NULL, job->scan.reason);
	return local_become(job, lock);
}

/* What could have been remote, but was not. */
static int
fall_back(struct job *job)
{
	AUTOFD lock = -1;

	if (!job->env->fallback) {
		log_errx("failed to distribute and fallbacks are disabled");
		stats_add(job->env, STATS_FAILED, NULL,
		    "not distributed, and DISTCC_FALLBACK=0");
		return EXIT_NO_HOSTS;
	}
	log_warnx("failed to distribute, running locally instead");
	cpp_free(&job->cpp);
	local_take_slot(job, &lock);
	stats_add(job->env, STATS_LOCAL, NULL, job->local_why);
	return local_become(job, lock);
}

/* ---- which host ---- */

static const char *
not_built_in(const struct host *h)
{
	if (h->kind == HOST_SSH)	/* it has its own */
		return NULL;
	return h->has_auth || h->has_seal ? auth_missing() : NULL;
}

/* Hosts that this build cannot reach are passed over; if that leaves none,
 * the user should know without asking for verbose messages. */
static void
skip_unusable(struct job *job)
{
	struct host_list *l = &job->hosts;
	const char *why = NULL, *spec = "";
	size_t usable = 0;

	job->skip = mem_calloc(l->n + 1, sizeof(*job->skip));
	for (size_t i = 0; i < l->n; i++) {
		const char *missing = not_built_in(&l->host[i]);

		if (l->host[i].is_down)
			log_info("%s is down", l->host[i].spec);
		job->skip[i] = missing != NULL || l->host[i].is_down;
		usable += job->skip[i] ? 0 : 1;
		if (missing != NULL) {
			why = missing;
			spec = l->host[i].spec;
			log_info("%s is skipped: %s", spec, why);
		}
	}
	if (l->zeroconf && usable == 0)
		log_warnx("+zeroconf: %s", zeroconf_missing() != NULL ?
		    zeroconf_missing() : "no host announces itself");
	else if (why != NULL && usable == 0)
		log_warnx("%s: %s", spec, why);
}

static int
load_hosts(struct job *job)
{
	char why[HOSTS_WHY_BYTES];
	int r = hostfile_load(job->env, &job->hosts, why);

	if (r < 0) {
		log_warnx("%s", why);
		return r;
	}
	if (job->hosts.warning[0] != '\0')
		log_warnx("%s", job->hosts.warning);
	skip_unusable(job);
	job->local_why = "no host of the list can be used";
	return 0;
}

/* A host with a free slot that did not fail lately. */
static int
pick(struct job *job, size_t *host, int *lock, enum backoff *state)
{
	for (;;) {
		int r = slots_take(job->env, &job->hosts, job->skip, host,
		    lock);

		if (r < 0)
			return r;
		*state = backoff_state(job->env, &job->hosts.host[*host]);
		if (*state != BACKOFF_ON)
			return 0;
		log_info("%s failed lately and is left alone",
		    job->hosts.host[*host].spec);
		if (!job->cpp.is_started)	/* no other was tried yet */
			job->local_why = "the hosts that failed lately are "
			    "left alone";
		job->skip[*host] = true;
		fd_close(lock);
	}
}

/* ---- all of it ---- */

static int
distribute(struct job *job)
{
	enum backoff state;
	size_t i;

	for (;;) {
		AUTOFD lock = -1;
		const struct host *host;
		int code = EXIT_DISTCC_FAILED;

		if (pick(job, &i, &lock, &state) < 0)
			return fall_back(job);
		host = &job->hosts.host[i];
		if (lock >= 0)
			state_start(job->env, host->kind == HOST_LOCAL ?
			    STATE_COMPILE : STATE_PREPROCESS, host,
			    slots_last());
		if (host->kind == HOST_LOCAL) {
			stats_add(job->env, STATS_LOCAL, NULL,
			    "localhost is in the host list");
			return local_become(job, lock);
		}
		switch (attempt_run(job, host, &code)) {
		case ATTEMPT_DONE:
			if (state == BACKOFF_OVER && code == 0)
				backoff_clear(job->env, host);
			return code;
		case ATTEMPT_FAILED:
			backoff_mark(job->env, host);
			/* FALLTHROUGH */
		case ATTEMPT_REFUSED:
			job->skip[i] = true;
			job->local_why = NULL;	/* the host's failure is */
			/* its slot must not be held while waiting for another
			 * host's: who has that may wait for this */
			cpp_finish(&job->cpp, job->env);
			break;
		case ATTEMPT_GO_LOCAL:
			fd_close(&lock);
			return fall_back(job);
		}
	}
}

static bool
wants_colour(const struct env *env)
{
	return isatty(STDERR_FILENO) && env->term != NULL &&
	    strcmp(env->term, "dumb") != 0;
}

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

static int
prepare(struct job *job)
{
	int r = find_program(job->env, job->argv[0], &job->compiler);

	if (r < 0) {
		log_errx("failed to exec %s: %s", job->argv[0],
		    strerror(ENOENT));
		return r;
	}
	r = set_environment(job);
	if (r == 0)
		r = scan(job);
	if (job->scan.input != 0)
		job->file = job->source.argv[job->scan.input];
	return r;
}

static void
clean_up(struct job *job)
{
	cpp_free(&job->cpp);
	cmdline_scan_free(&job->scan);
	words_free(&job->expanded);
	words_free(&job->resolved);
	find_free(&job->compiler);
	hosts_free(&job->hosts);
	free(job->skip);
}

int
job_run(const struct env *env, char *const *argv)
{
	struct job job = { .env = env, .argv = argv, .file = argv[0] };
	int code;
	int r;

	cpp_init(&job.cpp);
	r = prepare(&job);
	state_file(job.scan.input != 0 ? job.file : NULL);
	if (r < 0) {
		code = r == ERR_NOENT ? EXIT_COMPILER_MISSING :
		    EXIT_DISTCC_FAILED;
	} else if (!job.scan.distribute) {
		code = run_undistributable(&job);
	} else if (load_hosts(&job) < 0) {
		job.local_why = "there is no valid host list";
		code = fall_back(&job);
	} else {
		job.source.has_colour = wants_colour(env);
		code = distribute(&job);
	}
	state_end();
	clean_up(&job);
	return code;
}
