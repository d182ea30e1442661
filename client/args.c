/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/find.h"
#include "lib/mem.h"
#include "policy/compiler.h"
#include "policy/option.h"

/* Words that a command may grow by: see the callers of add(); each may become
 * three as well. */
#define EXTRA_WORDS	(2 * ARGS_MADE_MAX)

/* The names that the compilers of this machine have elsewhere. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE	"x86_64"
#elif defined(__i386__)
#define MACHINE	"i686"
#elif defined(__aarch64__)
#define MACHINE	"aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE	"riscv64"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define MACHINE	"powerpc64le"
#elif defined(__s390x__)
#define MACHINE	"s390x"
#endif

#ifdef MACHINE
static const char *const triples[] = {
	MACHINE "-linux-gnu",
	MACHINE "-pc-linux-gnu",
	MACHINE "-unknown-linux-gnu",
	MACHINE "-redhat-linux",
	MACHINE "-suse-linux",
	MACHINE "-linux-musl",
};
#endif

static void
start(struct args *a, char *const *argv)
{
	size_t n = 0;

	while (argv[n] != NULL)
		n++;
	*a = (struct args){ .n = 0 };
	a->argv = mem_calloc(3 * n + EXTRA_WORDS, sizeof(*a->argv));
}

static void
add(struct args *a, char *word)
{
	a->argv[a->n++] = word;
	a->argv[a->n] = NULL;
}

/* consumes word */
static char *
keep_made(struct args *a, char *word)
{
	a->made[a->nmade++] = word;
	return word;
}

static void
add_made(struct args *a, char *word)
{
	add(a, keep_made(a, word));
}

void
args_free(struct args *a)
{
	for (size_t i = 0; i < a->nmade; i++)
		free(a->made[i]);
	free(a->argv);
	*a = (struct args){ .n = 0 };
}

char *
args_join(char *const *argv)
{
	size_t len = 1;
	char *text, *p;

	for (size_t i = 0; argv[i] != NULL; i++)
		len += strlen(argv[i]) + 1;
	p = text = mem_calloc(1, len);
	for (size_t i = 0; argv[i] != NULL; i++) {
		if (i != 0)
			*p++ = ' ';
		p = stpcpy(p, argv[i]);
	}
	return text;
}

static bool
starts(const char *word, const char *prefix)
{
	return strncmp(word, prefix, strlen(prefix)) == 0;
}

/* What the terminal asks for comes last, where it wins. */
static void
add_terminal(struct args *a, const struct args_source *src)
{
	for (size_t i = 0; src->terminal != NULL && i < TERMINAL_WORDS; i++) {
		if (src->terminal->word[i][0] != '\0')
			add_made(a, mem_strdup(src->terminal->word[i]));
	}
}

/* ---- the preprocessor's command ---- */

/* What the command says about dependency files. */
struct deps {
	bool is_wanted;		/* -MD or -MMD */
	bool is_wanted_cpp;	/* the same inside -Wp, */
	bool has_cpp_file;	/* and a file that clang finds there */
	bool has_file;		/* -MF */
	bool has_target;	/* -MT or -MQ */
};

static bool
has_item(const char *items, const char *item)
{
	size_t len = strlen(item);

	for (const char *p = items; (p = strchr(p, ',')) != NULL;) {
		p++;
		if (strncmp(p, item, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

/* -Wp,-MD,FILE and nothing more, the form in which clang finds a FILE. */
static bool
is_plain_cpp_deps(const char *word)
{
	const char *file;

	if (starts(word, "-Wp,-MD,"))
		file = word + strlen("-Wp,-MD,");
	else if (starts(word, "-Wp,-MMD,"))
		file = word + strlen("-Wp,-MMD,");
	else
		return false;
	return strchr(file, ',') == NULL;
}

static void
note_cpp_deps(struct deps *d, const char *word)
{
	if (!has_item(word, "-MD") && !has_item(word, "-MMD"))
		return;
	d->is_wanted_cpp = true;
	d->has_cpp_file = d->has_cpp_file || is_plain_cpp_deps(word);
}

static void
note_deps(struct deps *d, const char *word)
{
	if (strcmp(word, "-MD") == 0 || strcmp(word, "-MMD") == 0)
		d->is_wanted = true;
	else if (starts(word, "-Wp,"))
		note_cpp_deps(d, word);
	else if (starts(word, "-MF"))
		d->has_file = true;
	else if (starts(word, "-MT") || starts(word, "-MQ"))
		d->has_target = true;
}

/* "dir/x.o" gives "dir/x.d": what is behind the last dot of the last part. */
static char *
deps_name(const char *output)
{
	const char *base = compiler_base(output);
	const char *dot = strrchr(base, '.');
	size_t len = dot != NULL ? (size_t)(dot - output) : strlen(output);

	return mem_printf("%.*s.d", (int)len, output);
}

/*
 * The whole command names the dependency file and its target after -o.  That
 * option is taken away here, so both have to be said.  Inside -Wp, only clang
 * does so; gcc's driver does not look there.
 */
static void
add_deps(struct args *a, const struct args_source *src, const struct deps *d)
{
	char *output = src->scan->output_name;
	bool is_clang = compiler_family(compiler_base(src->argv[0])) ==
	    FAMILY_CLANG;
	bool is_wanted;

	if (src->scan->output == 0 || output == NULL)
		return;
	is_wanted = d->is_wanted || (d->is_wanted_cpp && is_clang);
	if (is_wanted && !d->has_file && !(is_clang && d->has_cpp_file)) {
		add_made(a, mem_strdup("-MF"));
		add_made(a, deps_name(output));
	}
	if (is_wanted && !d->has_target) {
		add_made(a, mem_strdup("-MQ"));
		add(a, output);
	}
}

static bool
is_for_compiler(const struct option_word *w)
{
	return w->opt != NULL && (w->opt->class == CLASS_COMPILE ||
	    w->opt->class == CLASS_ASSEMBLE || w->opt->class == CLASS_RESULT);
}

int
args_preprocess(const struct args_source *src, struct args *out)
{
	enum compiler_family family =
	    compiler_family(compiler_base(src->argv[0]));
	struct deps deps = { .is_wanted = false };
	struct option_word w;

	start(out, src->argv);
	add(out, src->argv[0]);
	add_made(out, mem_strdup("-E"));
	for (size_t i = 1; src->argv[i] != NULL; i += w.words) {
		option_next(src->argv, i, family, &w);
		if (is_for_compiler(&w))
			continue;
		for (size_t j = i; j < i + w.words; j++)
			add(out, src->argv[j]);
		note_deps(&deps, src->argv[i]);
	}
	add_deps(out, src, &deps);
	add_terminal(out, src);
	return 0;
}

/* ---- the server's command ---- */

static const char *
output_language(const char *language)
{
	static const char *const table[][2] = {
		{ "c", "cpp-output" },
		{ "c++", "c++-cpp-output" },
		{ "objective-c", "objective-c-cpp-output" },
		{ "objective-c++", "objective-c++-cpp-output" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(language, table[i][0]) == 0)
			return table[i][1];
	}
	return NULL;
}

/*
 * A source that went through the preprocessor must not do so again: names like
 * "linux" are macros only until the source undefines them.
 */
static void
rewrite_language(struct args *a)
{
	for (size_t i = 1; i + 1 < a->n; i++) {
		const char *to;

		if (strcmp(a->argv[i], "-x") != 0)
			continue;
		to = output_language(a->argv[++i]);
		if (to != NULL && a->nmade < ARGS_MADE_MAX)
			a->argv[i] = keep_made(a, mem_strdup(to));
	}
}

/* "-xc++" becomes "-x c++", the only form that stock distccd takes. */
static void
add_word(struct args *a, char *word)
{
	static char dash_x[] = "-x";

	if (starts(word, "-x") && word[2] != '\0') {
		add(a, dash_x);
		word += 2;
	}
	add(a, word);
}

#ifdef MACHINE
static bool
is_plain_gcc(const char *word)
{
	size_t len = strlen("gcc");

	if (!starts(word, "gcc") && !starts(word, "g++"))
		return false;
	return word[len] == '\0' || (word[len] == '-' &&
	    strspn(word + len + 1, "0123456789.") == strlen(word + len + 1));
}

/* "gcc" means another thing on another machine; its full name does not. */
static void
rewrite_gcc(struct args *a, const struct args_source *src)
{
	for (size_t i = 0; i < sizeof(triples) / sizeof(triples[0]); i++) {
		char *name = mem_printf("%s-%s", triples[i], src->argv[0]);

		if (find_sibling(src->file, name)) {
			a->argv[0] = keep_made(a, name);
			return;
		}
		free(name);
	}
}

static bool
says_target(char *const *argv)
{
	for (size_t i = 1; argv[i] != NULL; i++) {
		if (strcmp(argv[i], "-target") == 0 ||
		    starts(argv[i], "--target="))
			return true;
	}
	return false;
}

static void
rewrite_cross(struct args *a, const struct args_source *src)
{
	const char *word = src->argv[0];

	if (!src->rewrite_cross)
		return;
	if (is_plain_gcc(word))
		rewrite_gcc(a, src);
	else if ((strcmp(word, "clang") == 0 || strcmp(word, "clang++") == 0 ||
	    starts(word, "clang-") || starts(word, "clang++-")) &&
	    !says_target(src->argv))
		add_made(a, mem_strdup("--target=" MACHINE "-pc-linux-gnu"));
}
#else
static void
rewrite_cross(struct args *a, const struct args_source *src)
{
	(void)a;
	(void)src;
}
#endif

static void
finish(struct args *a, const struct args_source *src)
{
	if (src->scan->output == 0) {
		add_made(a, mem_strdup("-o"));
		add(a, src->scan->output_name);
	}
	rewrite_cross(a, src);
	add_terminal(a, src);
}

int
args_remote(const struct args_source *src, struct args *out)
{
	AUTOFREE char **kept = NULL;
	int r = cmdline_strip(src->argv, &kept);

	if (r < 0)
		return r;
	start(out, kept);
	for (size_t i = 0; kept[i] != NULL; i++)
		add_word(out, kept[i]);
	finish(out, src);
	if (src->scan->has_language && !src->scan->is_preprocessed)
		rewrite_language(out);
	return 0;
}

/* ---- the command of a server that preprocesses ---- */

/* Variables that name directories, and the option that does so in their place:
 * behind those of the command line. */
static const struct {
	const char *name;
	const char *option;
	const char *language;	/* as a preprocessed file's ending; NULL: any */
} env_dirs[] = {
	{ "CPATH", "-I", NULL },
	{ "C_INCLUDE_PATH", "-isystem", ".i" },
	{ "CPLUS_INCLUDE_PATH", "-isystem", ".ii" },
	{ "OBJC_INCLUDE_PATH", "-isystem", ".mi" },
	{ "OBJCPLUS_INCLUDE_PATH", "-isystem", ".mii" },
};

static const char *
language_of(const struct args_source *src)
{
	const char *ext = cmdline_preprocessed_ext(
	    src->argv[src->scan->input]);

	return ext != NULL ? ext : "";
}

/* An empty name is the present directory. */
static int
add_env_dirs(struct args *a, const char *option, const char *list)
{
	for (;;) {
		size_t n = strcspn(list, ":");

		if (a->nmade + 2 > ARGS_MADE_MAX)
			return ERR_LIMIT;
		add_made(a, mem_strdup(option));
		add_made(a, n != 0 ? mem_strndup(list, n) : mem_strdup("."));
		if (list[n] == '\0')
			return 0;
		list += n + 1;
	}
}

static int
add_environment(struct args *a, const struct args_source *src)
{
	const char *language = language_of(src);
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(env_dirs) /
	    sizeof(env_dirs[0]); i++) {
		const char *list = getenv(env_dirs[i].name);

		if (list == NULL || list[0] == '\0' ||
		    (env_dirs[i].language != NULL &&
		    strcmp(env_dirs[i].language, language) != 0))
			continue;
		r = add_env_dirs(a, env_dirs[i].option, list);
	}
	return r;
}

bool
args_may_be_refused(char *const *argv)
{
	for (size_t i = 1; argv[i] != NULL; i++) {
		if (starts(argv[i], "-flto") || starts(argv[i], "-x"))
			return true;
	}
	return false;
}

size_t
args_targets(char *const *argv)
{
	size_t n = 0;

	for (size_t i = 1; argv[i] != NULL; i++)
		n += starts(argv[i], "-MT") || starts(argv[i], "-MQ") ? 1 : 0;
	return n;
}

bool
args_can_pump(char *const *argv)
{
	size_t plain = 0, other = 0;

	for (size_t i = 1; argv[i] != NULL; i++) {
		if (is_plain_cpp_deps(argv[i]))
			plain++;
		else if (strcmp(argv[i], "-MD") == 0 ||
		    strcmp(argv[i], "-MMD") == 0 || starts(argv[i], "-MF") ||
		    (starts(argv[i], "-Wp,") && strstr(argv[i], ",-M") != NULL))
			other++;
	}
	return plain == 0 || (plain == 1 && other == 0);
}

/*
 * Servers have a place of their own for dependencies, and the file says nothing of
 * its name; one that climbs would be refused for nothing.
 */
static void
add_deps_file(struct args *a)
{
	static char mf[] = "-MF", name[] = "deps.d";

	add(a, mf);
	add(a, name);
}

/* "-Wp,-MD,FILE" becomes "-MD -MF FILE". */
static void
add_cpp_deps(struct args *a, char *word)
{
	static char md[] = "-MD", mmd[] = "-MMD";

	add(a, starts(word, "-Wp,-MD,") ? md : mmd);
	add_deps_file(a);
}

/* gcc's driver does not look into -Wp, so its preprocessor makes up the target:
 * the source's name without directory, ending in ".o". */
static char *
made_up_target(const struct args_source *src)
{
	const char *base = compiler_base(src->argv[src->scan->input]);
	const char *dot = strrchr(base, '.');

	return mem_printf("%.*s.o", (int)(dot != NULL ? (size_t)(dot - base) :
	    strlen(base)), base);
}

/* The server has its own name for the object; that is not to be make's. */
static int
add_target(struct args *a, const struct args_source *src, bool is_cpps)
{
	enum compiler_family family =
	    compiler_family(compiler_base(src->argv[0]));
	bool is_clang = family == FAMILY_CLANG;
	struct cmdline_deps deps;
	int r = cmdline_deps_name(src->argv, family, NULL, &deps);

	if (r == 0 && deps.is_needed && !deps.has_target) {
		add_made(a, mem_strdup("-MQ"));
		add_made(a, is_cpps && !is_clang ? made_up_target(src) :
		    mem_strdup(src->scan->output_name));
	}
	cmdline_deps_free(&deps);
	return r;
}

int
args_pump(const struct args_source *src, struct args *out)
{
	bool is_cpps = false;
	int r;

	start(out, src->argv);
	for (char *const *word = src->argv; *word != NULL; word++) {
		if (is_plain_cpp_deps(*word)) {
			add_cpp_deps(out, *word);
			is_cpps = true;
		} else if (starts(*word, "-MF")) {
			add_deps_file(out);
			if ((*word)[strlen("-MF")] == '\0' && word[1] != NULL)
				word++;
		} else {
			add_word(out, *word);
		}
	}
	finish(out, src);
	r = add_target(out, src, is_cpps);
	return r < 0 ? r : add_environment(out, src);
}
