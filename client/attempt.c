/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/attempt.h"
#include "client/backoff.h"
#include "client/depsenv.h"
#include "client/exits.h"
#include "client/local.h"
#include "client/output.h"
#include "client/remote.h"
#include "client/spawn.h"
#include "client/stats.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

/* From here on a server's exit status tells of the server, not the source. */
#define FIRST_SERVER_CODE	EXIT_DISTCC_FAILED

/* A host failed a job, which goes on. */
static void
miss(struct job *job, const struct host *host, const char *why)
{
	job->missed_host = host->spec;
	(void)snprintf(job->missed_why, sizeof(job->missed_why), "%s", why);
	stats_add(job->env, STATS_MISSED, host->spec, why);
}

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

static enum attempt_outcome
take_object(struct job *job, const struct host *host,
    const struct remote_result *res, int *code)
{
	int r = pump_write_deps(&job->pump, res);

	if (r == 0)
		r = output_write(job->scan.output_name,
		    buf_view(&res->part[REPLY_DOTO]));
	if (r < 0) {
		/* the local compiler will say the same in its own words */
		*code = EXIT_IO_ERROR;
		job->local_why = "the object cannot be written";
		if (job->env->fallback)
			return ATTEMPT_GO_LOCAL;
		job_end(job, STATS_FAILED, host->spec, job->local_why);
		return ATTEMPT_DONE;
	}
	print_messages(job, res);
	depsenv_commit();
	job_end(job, STATS_REMOTE, host->spec,
	    host->has_cpp ? pump_reason(&job->pump) : NULL);
	log_info("compile %s on %s completed ok", job->file, host->spec);
	*code = 0;
	return ATTEMPT_DONE;
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
	local_take_slot(job, &lock);
	code = local_run(job);
	if (code == 0) {
		miss(job, host, "what fails there compiles here");
		job_end(job, STATS_LOCAL, host->spec, job->missed_why);
		log_warnx("%s failed on %s, but compiled locally", job->file,
		    host->spec);
		if (job->pump.is_used)
			pump_distrust(job, host);
		else
			backoff_mark(job->env, host);
	}
	return code;
}

/*
 * What compilers and their drivers print when the machine is at fault, not the
 * source.  Should a source's own message read like this, the job goes on to
 * the next host, and at last to the local compiler.
 */
static const char *
blames_machine(const struct remote_result *res)
{
	struct view messages = buf_view(&res->part[REPLY_SERR]);
	static const char *const texts[] = {
		"No space left on device", "Disk quota exceeded",
		"File too large", "Cannot allocate memory",
		"out of memory", "virtual memory exhausted",
		"Killed signal terminated program", "Read-only file system",
	};

	/* a compiler that can write tells what is wrong */
	if (messages.len == 0 && res->part[REPLY_SOUT].len == 0)
		return "fails without a message";
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (messages.len != 0 && memmem(messages.ptr, messages.len,
		    texts[i], strlen(texts[i])) != NULL)
			return texts[i];
	}
	return NULL;
}

static enum attempt_outcome
blame_host(struct job *job, const struct host *host,
    const struct remote_result *res, int code, const char *reason)
{
	char text[256];

	log_warnx("compile %s on %s failed with exit code %d (%s): %s",
	    job->file, host->spec, code, reason,
	    log_escape(buf_view(&res->part[REPLY_SERR]), text, sizeof(text)));
	miss(job, host, reason);
	return ATTEMPT_FAILED;
}

/* The server's compiler said no. */
static enum attempt_outcome
take_failure(struct job *job, const struct host *host,
    const struct remote_result *res, int *code)
{
	const char *blamed = blames_machine(res);

	*code = spawn_exit_code((int)res->status);
	if (*code >= FIRST_SERVER_CODE) {
		char reason[32];

		(void)snprintf(reason, sizeof(reason), "exit code %d",
		    *code);
		return blame_host(job, host, res, *code, reason);
	}
	if (blamed != NULL)
		return blame_host(job, host, res, *code, blamed);
	log_errx("compile %s on %s failed", job->file, host->spec);
	if (job->env->fallback && !job->env->skip_local_retry)
		*code = retry_locally(job, host);
	else
		print_messages(job, res);
	if (*code != 0)
		job_end(job, STATS_FAILED, host->spec, "the compiler says so");
	return ATTEMPT_DONE;
}

/* The source does not even preprocess: the local compiler says why. */
static enum attempt_outcome
take_cpp_failure(struct job *job, int *code)
{
	if (job->cpp.reads_more) {
		job->local_why = "its assembler reads a file (.incbin)";
		return ATTEMPT_STAY_LOCAL;
	}
	job->local_why = "the source does not preprocess";
	if (job->env->fallback)
		return ATTEMPT_GO_LOCAL;
	cpp_print_messages(&job->cpp);
	job_end(job, STATS_FAILED, NULL, job->local_why);
	*code = job->cpp.status != 0 ? spawn_exit_code(job->cpp.status) :
	    EXIT_DISTCC_FAILED;
	return ATTEMPT_DONE;
}

/* What is preprocessed here, and sent to be compiled. */
static int
talk_plain(struct job *job, const struct host *host,
    struct remote_result *res)
{
	struct remote_job send = { .cpp = &job->cpp };
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
	send.argv = a.argv;
	r = remote_run(job->env, host, &send, res);
	args_free(&a);
	return r;
}

static int
talk(struct job *job, const struct host *host, struct remote_result *res)
{
	int r = ERR_UNSUPPORTED;

	job->pump.is_used = false;
	if (host->has_cpp)
		r = pump_run(job, host, res);
	if (r == 0 && res->status != 0 && (!job->env->fallback ||
	    job->env->skip_local_retry)) {
		/* no local compile will say whose fault it is */
		pump_give_up(job, host, res);
		remote_result_free(res);
		remote_result_init(res);
		r = ERR_UNSUPPORTED;
	}
	return r == ERR_UNSUPPORTED ? talk_plain(job, host, res) : r;
}

static enum attempt_outcome
take_host_failure(struct job *job, const struct host *host,
    const struct remote_result *res)
{
	if (res->is_silent && args_may_be_refused(job->source.argv)) {
		log_info("host %s hung up on %s: it may not take such "
		    "commands", host->spec, job->file);
		miss(job, host, "hung up; perhaps it does not take -flto or -x");
		return ATTEMPT_REFUSED;
	}
	log_warnx("host %s failed for %s: %s", host->spec, job->file,
	    res->why);
	miss(job, host, res->why);
	return ATTEMPT_FAILED;
}

enum attempt_outcome
attempt_run(struct job *job, const struct host *host, int *code)
{
	struct remote_result res;
	enum attempt_outcome outcome;
	int r;

	remote_result_init(&res);
	r = talk(job, host, &res);
	if (job->cpp.has_failed) {
		outcome = take_cpp_failure(job, code);
	} else if (r < 0) {
		outcome = take_host_failure(job, host, &res);
	} else if (res.status != 0) {
		outcome = take_failure(job, host, &res, code);
	} else {
		outcome = take_object(job, host, &res, code);
	}
	remote_result_free(&res);
	return outcome;
}
