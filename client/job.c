/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/auth.h"
#include "client/backoff.h"
#include "client/depsenv.h"
#include "client/exits.h"
#include "client/hostfile.h"
#include "client/job.h"
#include "client/local.h"
#include "client/native.h"
#include "client/output.h"
#include "client/remote.h"
#include "client/respfile.h"
#include "client/slots.h"
#include "client/spawn.h"
#include "client/state.h"
#include "client/stats.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

/* What came of one host's attempt. */
enum outcome {
	DONE,		/* the exit status is known */
	HOST_FAILED,	/* the next host may do better */
	GO_LOCAL,	/* no host will do better */
};

/* From here on a server's exit status tells of the server, not the source. */
#define FIRST_SERVER_CODE	EXIT_DISTCC_FAILED

/* ---- locally ---- */

/* Wait for a slot of this machine, and show that it is used. */
static void
take_local_slot(struct job *job, int *lock)
{
	slots_take_local(job->env, job->hosts.localslots, lock);
	if (*lock >= 0)
		state_start(job->env, STATE_COMPILE, NULL, slots_last());
}

/* Commands that are no business of ours to distribute: linking, -E, … */
static int
run_undistributable(struct job *job)
{
	char why[HOSTS_WHY_BYTES];
	AUTOFD lock = -1;

	log_info("%s runs locally: %s", job->file, job->scan.reason);
	/* only for --localslots: without a list the default is right */
	if (hostfile_load(job->env, &job->hosts, why) < 0)
		job->hosts.localslots = HOSTS_DEFAULT_LOCALSLOTS;
	take_local_slot(job, &lock);
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
	take_local_slot(job, &lock);
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

	job->skip = mem_calloc(l->n, sizeof(*job->skip));
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
		log_warnx("+zeroconf: zeroconf is not built in");
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

/* ---- one host's attempt ---- */

static void
print(int fd, const struct buf *b)
{
	/* nobody is left to be told if this fails */
	if (b->len != 0 && fd_write_all(fd, b->ptr, b->len, -1) < 0)
		log_info("cannot write the compiler's messages");
}

static void
print_messages(struct job *job, const struct remote_result *res)
{
	cpp_print_messages(&job->cpp);
	print(STDERR_FILENO, &res->part[REPLY_SERR]);
	print(STDOUT_FILENO, &res->part[REPLY_SOUT]);
}

static enum outcome
take_object(struct job *job, const struct host *host,
    const struct remote_result *res, int *code)
{
	int r = output_write(job->scan.output_name,
	    buf_view(&res->part[REPLY_DOTO]));

	if (r < 0) {
		/* the local compiler will say the same in its own words */
		*code = EXIT_IO_ERROR;
		job->local_why = "the object cannot be written";
		if (job->env->fallback)
			return GO_LOCAL;
		stats_add(job->env, STATS_FAILED, host->spec, job->local_why);
		return DONE;
	}
	print_messages(job, res);
	depsenv_commit();
	stats_add(job->env, STATS_REMOTE, host->spec, NULL);
	log_info("compile %s on %s completed ok", job->file, host->spec);
	*code = 0;
	return DONE;
}

/*
 * The same source on this machine.  If it compiles here, something is wrong
 * with the host.
 */
static int
retry_locally(struct job *job, const struct host *host)
{
	AUTOFD lock = -1;
	int code;

	log_warnx("remote compilation of '%s' failed, retrying locally",
	    job->file);
	cpp_free(&job->cpp);
	take_local_slot(job, &lock);
	code = local_run(job);
	if (code == 0) {
		stats_add(job->env, STATS_MISSED, host->spec,
		    "what fails there compiles here");
		stats_add(job->env, STATS_LOCAL, NULL, NULL);
		log_warnx("%s failed on %s, but compiled locally", job->file,
		    host->spec);
		backoff_mark(job->env, host);
	}
	return code;
}

/* The server's compiler said no. */
static enum outcome
take_failure(struct job *job, const struct host *host,
    const struct remote_result *res, int *code)
{
	*code = spawn_exit_code((int)res->status);
	if (*code >= FIRST_SERVER_CODE) {
		char text[256];

		log_warnx("compile %s on %s failed with exit code %d: %s",
		    job->file, host->spec, *code,
		    log_escape(buf_view(&res->part[REPLY_SERR]), text,
		    sizeof(text)));
		(void)snprintf(text, sizeof(text), "exit code %d", *code);
		stats_add(job->env, STATS_MISSED, host->spec, text);
		return HOST_FAILED;
	}
	log_errx("compile %s on %s failed", job->file, host->spec);
	if (job->env->fallback && !job->env->skip_local_retry)
		*code = retry_locally(job, host);
	else
		print_messages(job, res);
	if (*code != 0)
		stats_add(job->env, STATS_FAILED, host->spec,
		    "the compiler says so");
	return DONE;
}

/* The source does not even preprocess: the local compiler says why. */
static enum outcome
take_cpp_failure(struct job *job, int *code)
{
	job->local_why = "the source does not preprocess";
	if (job->env->fallback)
		return GO_LOCAL;
	cpp_print_messages(&job->cpp);
	stats_add(job->env, STATS_FAILED, NULL, job->local_why);
	*code = job->cpp.status != 0 ? spawn_exit_code(job->cpp.status) :
	    EXIT_DISTCC_FAILED;
	return DONE;
}

static int
talk(struct job *job, const struct host *host, struct remote_result *res)
{
	struct args a;
	int r;

	if (!job->cpp.is_started)
		cpp_start(&job->cpp, job->env, &job->source,
		    job->hosts.localslots_cpp);
	if (job->cpp.has_failed)
		return ERR_ACCESS;
	r = args_remote(&job->source, &a);
	if (r < 0)
		return r;
	if (log_get_level() >= LOG_LVL_DEBUG) {
		AUTOFREE char *text = args_join(a.argv);

		log_debug("exec on %s: %s", host->spec, text);
	}
	r = remote_run(job->env, host, a.argv, &job->cpp, res);
	args_free(&a);
	return r;
}

static enum outcome
attempt(struct job *job, const struct host *host, int *code)
{
	struct remote_result res;
	enum outcome outcome;
	int r;

	remote_result_init(&res);
	r = talk(job, host, &res);
	if (job->cpp.has_failed) {
		outcome = take_cpp_failure(job, code);
	} else if (r < 0) {
		log_warnx("host %s failed for %s: %s", host->spec, job->file,
		    res.why);
		stats_add(job->env, STATS_MISSED, host->spec, res.why);
		outcome = HOST_FAILED;
	} else if (res.status != 0) {
		outcome = take_failure(job, host, &res, code);
	} else {
		outcome = take_object(job, host, &res, code);
	}
	remote_result_free(&res);
	return outcome;
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
		switch (attempt(job, host, &code)) {
		case DONE:
			if (state == BACKOFF_OVER && code == 0)
				backoff_clear(job->env, host);
			return code;
		case HOST_FAILED:
			backoff_mark(job->env, host);
			job->skip[i] = true;
			job->local_why = NULL;	/* the host's failure is */
			/* its slot must not be held while waiting for another
			 * host's: who has that may wait for this */
			cpp_finish(&job->cpp, job->env);
			break;
		case GO_LOCAL:
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
