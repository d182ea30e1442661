/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/exits.h"
#include "client/helper.h"
#include "client/job.h"
#include "client/output.h"
#include "client/pump.h"
#include "client/scan/ask.h"
#include "client/slots.h"
#include "client/spawn.h"
#include "client/state.h"
#include "client/verify.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "policy/compiler.h"
#include "wire/path.h"

#define SCANS_MAX	4	/* while files change under our hands */

void
pump_free(struct pump *p)
{
	scan_answer_free(&p->answer);
	fileset_free(&p->files);
	args_free(&p->args);
	cmdline_deps_free(&p->deps);
	store_close(p->store);
	free(p->where.daemon);
	free(p->cwd);
	free(p->real_cwd);
	memset(p, 0, sizeof(*p));
}

static int
not_so(struct pump *p, const char *why)
{
	(void)snprintf(p->why, sizeof(p->why), "%s", why);
	return ERR_UNSUPPORTED;
}

/* ---- the scanner ---- */

void
pump_find(const struct env *env, struct pump_where *w)
{
	char path[PATH_MAX];
	const char *top = NULL;

	if (dirs_top(env, path, sizeof(path), "") == 0)
		top = path;
	if (ask_dir(getenv("XDG_RUNTIME_DIR"), top, w->dir,
	    sizeof(w->dir)) < 0)
		w->dir[0] = '\0';
	w->daemon = helper_path("distcc-scand", path, sizeof(path)) == 0 ?
	    mem_strdup(path) : NULL;
}

/* PWD, if it names the directory that we are in. */
char *
pump_cwd(void)
{
	const char *pwd = getenv("PWD");
	struct stat here, there;

	if (pwd != NULL && pwd[0] == '/' && stat(".", &here) == 0 &&
	    stat(pwd, &there) == 0 && here.st_dev == there.st_dev &&
	    here.st_ino == there.st_ino)
		return mem_strdup(pwd);
	return getcwd(NULL, 0);
}

/* A daemon that dies must not take us with it. */
static int
ask(const struct ask_where *w, const struct scan_request *req,
    struct scan_answer *a)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	int r;

	(void)sigaction(SIGPIPE, &ignore, &old);
	r = ask_scan(w, req, a);
	(void)sigaction(SIGPIPE, &old, NULL);
	return r;
}

int
pump_scan(const struct pump_where *w, const struct args_source *src,
    const char *cwd, bool is_brief, struct scan_answer *a,
    char why[PUMP_WHY_BYTES])
{
	const struct ask_where where = { w->dir[0] != '\0' ? w->dir : NULL,
	    w->daemon };
	struct scan_request req = { .argv = src->argv, .cwd = cwd,
	    .compiler = src->file, .env = environ, .is_brief = is_brief };
	int r;

	why[0] = '\0';
	r = ask(&where, &req, a);
	if (r < 0)
		(void)snprintf(why, PUMP_WHY_BYTES, "the include scanner: %s",
		    err_text(r));
	else if (a->outcome != SCAN_ANSWERED)
		(void)snprintf(why, PUMP_WHY_BYTES, "%s", a->why);
	return r == 0 && why[0] != '\0' ? ERR_UNSUPPORTED : r;
}

/* ---- getting a job ready ---- */

static bool
is_cache(const char *file)
{
	AUTOFREE char *real = realpath(file, NULL);
	const char *name = compiler_base(real != NULL ? real : file);

	return strcmp(name, "ccache") == 0 || strcmp(name, "sccache") == 0;
}

/* What the scanner need not be asked about. */
static int
check_command(struct pump *p, const struct job *job)
{
	const char *rules = getenv("DEPENDENCIES_OUTPUT");

#ifdef NO_LZO
	return not_so(p, "compression is not built in");
#endif
	if (job->scan.is_preprocessed)
		return not_so(p, "the source is preprocessed already");
	if (is_cache(job->compiler.file))
		return not_so(p, "the compiler is a compiler cache");
	if (rules != NULL || getenv("SUNPRO_DEPENDENCIES") != NULL)
		return not_so(p, "$DEPENDENCIES_OUTPUT or "
		    "$SUNPRO_DEPENDENCIES is set");
	if (cmdline_deps_name(job->source.argv,
	    compiler_family(compiler_base(job->source.argv[0])), NULL,
	    &p->deps) < 0)
		return not_so(p, "no memory");
	if (p->deps.is_needed && (p->deps.name == NULL ||
	    strcmp(p->deps.name, "-") == 0))
		return not_so(p, "dependencies go to standard output");
	if (!args_can_pump(job->source.argv))
		return not_so(p, "-Wp,-M... asks for dependencies in an odd "
		    "way");
	return 0;
}

static int
scan_and_fill(struct pump *p, struct job *job)
{
	int r = ERR_BUSY;

	for (int i = 0; r == ERR_BUSY && i < SCANS_MAX; i++) {
		scan_answer_free(&p->answer);
		memset(&p->answer, 0, sizeof(p->answer));
		fileset_free(&p->files);
		fileset_init(&p->files, p->cwd);
		r = pump_scan(&p->where, &job->source, p->cwd, true,
		    &p->answer, p->why);
		if (r == 0)
			r = fileset_fill(&p->files, &p->answer, p->store,
			    p->why);
	}
	if (r == ERR_BUSY)
		return not_so(p, "its files change all the time");
	if (r < 0 && p->why[0] == '\0')
		return not_so(p, err_text(r));
	return r;
}

static int
get_ready(struct pump *p, struct job *job)
{
	AUTOFD lock = -1;
	int r = check_command(p, job);

	if (r < 0)
		return r;
	pump_find(job->env, &p->where);
	if (p->where.dir[0] != '\0')
		p->store = store_open(p->where.dir);
	p->cwd = pump_cwd();
	p->real_cwd = getcwd(NULL, 0);
	if (p->cwd == NULL || p->real_cwd == NULL || p->store == NULL)
		return not_so(p, p->store != NULL ? "no working directory" :
		    "there is no private directory for what is known");
	if (args_pump(&job->source, &p->args) < 0)
		return not_so(p, "the command line is too long");
	slots_take_local(job->env, job->hosts.localslots_cpp, &lock);
	return scan_and_fill(p, job);
}

static void
prepare(struct pump *p, struct job *job)
{
	if (p->is_tried)
		return;
	p->is_tried = true;
	p->is_ready = get_ready(p, job) == 0;
}

/* ---- one host ---- */

/* Whether the way to the working directory is through a link. */
static bool
is_cwd_linked(const struct pump *p)
{
	return p->cwd != NULL && p->real_cwd != NULL &&
	    strcmp(p->cwd, p->real_cwd) != 0;
}

static struct verify
verify_of(struct job *job, const struct host *host)
{
	return (struct verify){ .env = job->env, .host = host,
	    .argv = job->pump.args.argv, .store = job->pump.store,
	    .dir = job->pump.where.dir,
	    .wants_rooted = is_cwd_linked(&job->pump) ||
	    args_targets(job->pump.args.argv) > 1 };
}

/* The server hung up, or says that it cannot do this: it may still take what is
 * preprocessed. */
static int
take_refusal(struct pump *p, const struct verify *v,
    const struct remote_result *res, int r)
{
	char text[PUMP_WHY_BYTES / 2];
	int code;

	if (r < 0 && !res->is_silent)
		return r;
	if (r < 0) {
		(void)snprintf(p->why, sizeof(p->why),
		    "%s hangs up on jobs with headers", v->host->spec);
	} else {
		code = spawn_exit_code((int)res->status);
		if (code < EXIT_DISTCC_FAILED)
			return 0;
		(void)snprintf(p->why, sizeof(p->why), "%s: %s",
		    v->host->spec, log_escape(buf_view(
		    &res->part[REPLY_SERR]), text, sizeof(text)));
	}
	/* jobs without that option are not to suffer for it */
	if (r == 0 || !args_may_be_refused(v->argv))
		verify_distrust(v, p->why);
	return ERR_UNSUPPORTED;
}

static int
send_job(struct job *job, const struct host *host, const struct verify *v,
    struct remote_result *res)
{
	struct pump *p = &job->pump;
	const struct remote_job send = { .argv = p->args.argv,
	    .files = &p->files };
	int r;

	if (log_get_level() >= LOG_LVL_DEBUG) {
		AUTOFREE char *text = args_join(p->args.argv);

		log_debug("exec on %s with %zu bytes of files: %s", host->spec,
		    (size_t)p->files.bytes, text);
	}
	r = take_refusal(p, v, res, remote_run(job->env, host, &send, res));
	if (r == 0 && res->status == 0 && p->deps.is_needed &&
	    res->part[REPLY_DOTD].len == 0) {
		(void)snprintf(p->why, sizeof(p->why),
		    "%s sent no dependency file", host->spec);
		verify_distrust(v, p->why);
		r = ERR_UNSUPPORTED;
	}
	p->is_used = r == 0;
	return r;
}

/*
 * What stock's server, which puts the job elsewhere, does otherwise than ours.  It
 * makes the working directory before the links that lead there, and then cannot make
 * these; what compilers put into an object of its name is lost there anyway.
 */
static int
suit_server(struct pump *p, const struct verify *v)
{
	p->files.cdir = p->cwd;
	if (!v->wants_rooted)
		return 0;
	switch (verify_rooted(v)) {
	case INCBIN_SAME:
		return !is_cwd_linked(p) || path_check_name(p->cwd) == 0 ? 0 :
		    not_so(p, "$PWD names the working directory in a way "
		    "that cannot be sent");
	case INCBIN_ELSEWHERE:
		p->files.cdir = p->real_cwd;
		return args_targets(p->args.argv) <= 1 ? 0 : not_so(p,
		    "stock's server forgets all targets of a dependency file "
		    "but the last");
	default:
		return not_so(p, "which sort of server it is is not known");
	}
}

static int
run(struct job *job, const struct host *host, struct remote_result *res)
{
	struct pump *p = &job->pump;
	struct verify v;
	int r;

	prepare(p, job);
	if (!p->is_ready)
		return ERR_UNSUPPORTED;
	v = verify_of(job, host);
	if (verify_is_distrusted(&v, p->why))
		return ERR_UNSUPPORTED;
	r = verify_headers(&v, &p->answer, p->why, res);
	if (r == 0)
		r = suit_server(p, &v);
	return r < 0 ? take_refusal(p, &v, res, r) :
	    send_job(job, host, &v, res);
}

int
pump_run(struct job *job, const struct host *host, struct remote_result *res)
{
	struct pump *p = &job->pump;
	int r;

	p->is_used = false;
	state_phase(STATE_PREPROCESS);
	r = run(job, host, res);
	if (r == ERR_UNSUPPORTED) {
		log_info("%s is preprocessed here: %s", job->file, p->why);
		remote_result_free(res);
		remote_result_init(res);
	}
	return r;
}

void
pump_give_up(struct job *job, const struct host *host,
    const struct remote_result *res)
{
	struct view said = buf_view(&res->part[REPLY_SERR]);
	struct pump *p = &job->pump;
	const unsigned char *end = said.len == 0 ? NULL :
	    memchr(said.ptr, '\n', said.len);
	char text[PUMP_WHY_BYTES / 2];

	if (end != NULL)
		said.len = (size_t)(end - said.ptr);
	p->is_used = false;
	(void)snprintf(p->why, sizeof(p->why), "%s fails on it with its "
	    "headers: %s", host->spec, log_escape(said, text, sizeof(text)));
	log_info("%s is preprocessed here: %s", job->file, p->why);
}

void
pump_distrust(struct job *job, const struct host *host)
{
	struct verify v = verify_of(job, host);

	verify_distrust(&v, "what failed there compiles here");
}

int
pump_write_deps(const struct pump *p, const struct remote_result *res)
{
	if (!p->is_used || !p->deps.is_needed)
		return 0;
	return output_write(p->deps.name, buf_view(&res->part[REPLY_DOTD]));
}

const char *
pump_reason(const struct pump *p)
{
	static char text[PUMP_WHY_BYTES + 32];
	size_t len = strlen(p->why);
	const char *file = strstr(p->why, " in /");

	if (!p->is_tried || p->is_used || len == 0)
		return NULL;
	if (file != NULL)
		len = (size_t)(file - p->why);
	(void)snprintf(text, sizeof(text), "preprocessed here: %.*s",
	    (int)len, p->why);
	return text;
}
