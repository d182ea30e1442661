/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "policy/cmdline.h"
#include "server/worker/command.h"
#include "wire/path.h"

#define WORK_DIR	"/w"	/* where the jail compiles protocols 1 and 2 */
#define BASE_MAX	200	/* bytes of a name of ours, without extension */

/* the words that name a job's files, lent to the job's argv */
struct place {
	char base[BASE_MAX + 1];
	char input[256];
	char output[256];
	char deps[256];
	char *target;		/* owns: -MT's value, or NULL */
};

/* --- the compiler -------------------------------------------------------- */

/* The last n path components of word; word itself if it has fewer. */
static const char *
last_words(const char *word, uint32_t n)
{
	const char *p = word + strlen(word);

	while (p > word) {
		if (p[-1] == '/' && --n == 0)
			return p;
		p--;
	}
	return p;
}

int
command_find(const struct msg_config *config, const char *word,
    uint32_t *index)
{
	const char *name = last_words(word, config->name_words);

	for (uint32_t i = 0; i < config->ncompilers; i++) {
		if (strcmp(config->compilers[i].name, name) == 0) {
			*index = i;
			return 0;
		}
	}
	return ERR_NOENT;
}

static int
take_compiler(struct session *s, const char *word)
{
	char shown[256];

	(void)snprintf(s->summary.compiler, sizeof(s->summary.compiler), "%s",
	    compiler_base(word));
	if (command_find(s->config, word, &s->compiler) == 0)
		return 0;
	if (s->config->any_command != 0) {
		s->compiler = MSG_COMPILER_ANY;
		return 0;
	}
	/* without a reply, so that the client compiles locally */
	return session_end(s, MSG_OUTCOME_REFUSED, ANSWER_NOTHING,
	    "no compiler named %s here", log_escape(view_str(word), shown,
	    sizeof(shown)));
}

/* --- the command line ---------------------------------------------------- */

/* By its name, as long as it is not known which one that is. */
static enum compiler_family
family_of(const struct session *s, char *const *argv)
{
	if (s->compiler < s->config->ncompilers)
		return (enum compiler_family)
		    s->config->compilers[s->compiler].family;
	return compiler_family(compiler_base(argv[0]));
}

static int
judge(struct session *s, char *const *argv)
{
	char why[CMDLINE_WHY_BYTES];
	int r;

	if (s->compiler == MSG_COMPILER_ANY)
		return 0;
	r = cmdline_judge(argv, family_of(s, argv), s->protocol, why);
	if (r == 0)
		return 0;
	return session_end(s, MSG_OUTCOME_REFUSED, ANSWER_MESSAGE,
	    "refused: %s", why);
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' ||
	    c == '.';
}

/*
 * The source's base name without its extension, so that a message which names
 * the file is of use; "in" when it has any unusual character.
 */
static void
make_base(const char *source, char base[BASE_MAX + 1])
{
	const char *name = compiler_base(source);
	const char *dot = strrchr(name, '.');
	size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);
	bool ok = len > 0 && len <= BASE_MAX && name[0] != '-' &&
	    name[0] != '.';

	for (size_t i = 0; ok && i < len; i++)
		ok = is_plain(name[i]);
	(void)snprintf(base, BASE_MAX + 1, "%.*s", ok ? (int)len : 2,
	    ok ? name : "in");
}

static int
bad_command(struct session *s)
{
	return session_end(s, MSG_OUTCOME_REFUSED, ANSWER_MESSAGE,
	    "refused: not a command that compiles one source file");
}

/* --- dependency files (protocol 3) --------------------------------------- */

/* argv without -MF and its value, and with our own -MF and -MT. */
static char **
redirect_deps(char **argv, struct place *p, bool has_target)
{
	static char mf[] = "-MF", mt[] = "-MT";
	size_t n = 0, argc = 0;
	char **out;

	while (argv[argc] != NULL)
		argc++;
	out = mem_calloc(argc + 5, sizeof(*out));
	for (size_t i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-MF") == 0 && argv[i + 1] != NULL)
			i++;
		else if (strncmp(argv[i], "-MF", 3) != 0)
			out[n++] = argv[i];
	}
	out[n++] = mf;
	out[n++] = p->deps;
	if (!has_target && p->target != NULL) {
		out[n++] = mt;
		out[n++] = p->target;
	}
	return out;
}

/* Whether a dependency file is asked for; the target that it would name. */
static bool
wants_deps(const struct session *s, char *const *argv, struct place *p,
    bool *has_target)
{
	struct cmdline_deps deps;
	struct cmdline_scan scan;
	bool wanted;

	if (cmdline_deps_name(argv, family_of(s, argv), NULL, &deps) < 0)
		return false;
	wanted = deps.is_needed;
	*has_target = deps.has_target;
	cmdline_deps_free(&deps);
	if (!wanted)
		return false;
	if (cmdline_scan(argv, &scan) == 0) {
		if (scan.output_name != NULL)
			p->target = mem_strdup(scan.output_name);
		cmdline_scan_free(&scan);
	}
	return true;
}

/* --- putting it together ------------------------------------------------- */

/* A name of ours in the directory where the job runs, as an absolute path;
 * the caller frees it. */
static char *
in_work_dir(const char *cdir, const char *name)
{
	if (cdir == NULL)
		cdir = WORK_DIR;
	return mem_printf("%s/%s", strcmp(cdir, "/") == 0 ? "" : cdir, name);
}

static int
write_head(struct session *s, char *const *argv, struct place *p)
{
	const char *cdir = request_cdir(s->request);
	AUTOFREE char *output = in_work_dir(cdir, p->output);
	AUTOFREE char *deps_path = in_work_dir(cdir, p->deps);
	bool has_target = false;
	bool deps = s->protocol == 3 && wants_deps(s, argv, p, &has_target);
	AUTOFREE char **placed = NULL;
	AUTOFREE char **final = NULL;
	int r = cmdline_place(argv, family_of(s, argv), p->input, p->output,
	    &placed);

	if (r < 0)
		return bad_command(s);
	if (deps)
		final = redirect_deps(placed, p, has_target);
	r = jobfile_head(&s->file, s->protocol, deps ? final : placed, cdir,
	    output, deps ? deps_path : NULL);
	free(p->target);
	if (r < 0)
		return session_end(s, MSG_OUTCOME_BAD_REQUEST, ANSWER_NOTHING,
		    "the command line is too long");
	return 0;
}

/*
 * Protocols 1 and 2: the body is a preprocessed file whose name we choose; the
 * compiler takes the names it writes into the object from the line markers.
 * Protocol 3: the client's own tree is laid out, the source keeps its name.
 */
static int
choose_names(struct session *s, char *const *argv, struct place *p)
{
	const char *source, *ext;
	size_t index;

	if (cmdline_input(argv, family_of(s, argv), &index) < 0)
		return bad_command(s);
	source = argv[index];
	make_base(source, p->base);
	ext = cmdline_preprocessed_ext(source);
	(void)snprintf(p->output, sizeof(p->output), "%s.o", p->base);
	(void)snprintf(p->deps, sizeof(p->deps), "%s.d", p->base);
	if (s->protocol != 3)
		(void)snprintf(p->input, sizeof(p->input), "%s%s", p->base,
		    ext != NULL ? ext : ".i");
	else if (strlen(source) < sizeof(p->input))
		(void)snprintf(p->input, sizeof(p->input), "%s", source);
	else
		return bad_command(s);
	return 0;
}

static int
check_cdir(struct session *s)
{
	const char *cdir = request_cdir(s->request);

	if (cdir == NULL || path_check_cdir(cdir) == 0)
		return 0;
	return session_end(s, MSG_OUTCOME_BAD_REQUEST, ANSWER_NOTHING,
	    "its working directory is no clean absolute path");
}

/* The source's name, for the log; also of what is then refused. */
static void
note_input(struct session *s, char *const *argv)
{
	size_t index;

	if (cmdline_input(argv, family_of(s, argv), &index) == 0)
		(void)snprintf(s->summary.input, sizeof(s->summary.input),
		    "%s", argv[index]);
}

/* The request's words as a vector; they are owned by the request. */
static char **
make_argv(const struct request *req)
{
	size_t argc = request_argc(req);
	char **argv = mem_calloc(argc + 1, sizeof(*argv));

	for (size_t i = 0; i < argc; i++)
		argv[i] = (char *)(uintptr_t)request_arg(req, i);
	return argv;
}

int
command_take(struct session *s, char input[512])
{
	AUTOFREE char **argv = make_argv(s->request);
	struct place p = { .target = NULL };
	int r;

	input[0] = '\0';
	s->compiler = MSG_COMPILER_ANY;		/* which is not known yet */
	note_input(s, argv);
	if ((r = take_compiler(s, argv[0])) < 0 ||
	    (r = judge(s, argv)) < 0 || (r = check_cdir(s)) < 0 ||
	    (r = choose_names(s, argv, &p)) < 0 ||
	    (r = write_head(s, argv, &p)) < 0)
		return r;
	if (s->protocol != 3)
		(void)snprintf(input, 512, WORK_DIR "/%s", p.input);
	return 0;
}
