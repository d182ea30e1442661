/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/scan/opts.h"
#include "lib/mem.h"

#define WORDS_DEPTH_MAX	4	/* -Wp,-Xpreprocessor,… */
#define RESOLVED_MAX	256	/* options that name the compiler's places */

const char *const scan_env_names[] = {
	"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH",
	"OBJCPLUS_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH",
	"CCC_OVERRIDE_OPTIONS", "CLANG_CONFIG_FILE_SYSTEM_DIR", "SDKROOT",
	"GCC_COMPARE_DEBUG", "PATH", NULL
};

/* How an option's value is given. */
enum form {
	EXACT,		/* none */
	PREFIX,		/* the rest of the word belongs to it */
	JOINED,		/* -oVALUE, not empty */
	NEXT,		/* -o VALUE */
	EITHER,		/* -oVALUE or -o VALUE */
};

enum act {
	DROP, KEEP, UNSURE,
	QUOTE, BRACKET, SYSTEM, AFTER, DEFINE, UNDEF, INCLUDE, IMACROS,
	EMBED_DIR, IPREFIX, WITH_PREFIX, WITH_PREFIX_BEFORE, LANGUAGE, SYSROOT,
	MAPS_FILE, MISSING_DIRS, COMMAS, PASS_ON, FRONTEND, RECORDS,
};

struct row {
	const char *name;
	uint8_t form;
	uint8_t act;
};

/* The first row that fits counts, so the longer of two stands first. */
static const struct row rows[] = {
	{ "-gcc-toolchain", NEXT, KEEP }, { "-undef", EXACT, KEEP },
	{ "-I-", EXACT, BRACKET }, { "-I", EITHER, BRACKET },
	{ "--include-directory-after=", JOINED, AFTER },
	{ "--include-directory-after", NEXT, AFTER },
	{ "--include-directory=", JOINED, BRACKET },
	{ "--include-directory", NEXT, BRACKET },
	{ "--include-barrier", EXACT, UNSURE },
	{ "--include-prefix=", JOINED, IPREFIX },
	{ "--include-prefix", NEXT, IPREFIX },
	{ "--include-with-prefix", PREFIX, UNSURE },
	{ "--include=", JOINED, INCLUDE }, { "--include", NEXT, INCLUDE },
	{ "--imacros=", JOINED, IMACROS }, { "--imacros", NEXT, IMACROS },
	{ "-iquote", EITHER, QUOTE },
	{ "-isystem-after", PREFIX, UNSURE },
	{ "-isystem", EITHER, SYSTEM }, { "--system-header-prefix", PREFIX, DROP },
	{ "-idirafter", EITHER, AFTER },
	{ "-include-pch", PREFIX, UNSURE },
	{ "-include", EITHER, INCLUDE }, { "-imacros", EITHER, IMACROS },
	{ "-iprefix", EITHER, IPREFIX },
	{ "-iwithprefixbefore", EITHER, WITH_PREFIX_BEFORE },
	{ "-iwithprefix", EITHER, WITH_PREFIX },
	{ "-isysroot", EITHER, SYSROOT },
	{ "-imultilib", EITHER, KEEP }, { "-imultiarch", EITHER, KEEP },
	{ "-iplugindir", PREFIX, UNSURE },
	{ "-iframework", PREFIX, UNSURE }, { "-iwithsysroot", PREFIX, UNSURE },
	{ "-ivfsoverlay", PREFIX, UNSURE }, { "-index-", PREFIX, DROP },
	{ "-cxx-isystem", PREFIX, UNSURE }, { "-c-isystem", PREFIX, UNSURE },
	{ "-objc", PREFIX, UNSURE },
	{ "-stdlib++-isystem", PREFIX, UNSURE }, { "-F", PREFIX, UNSURE },
	{ "--sysroot=", JOINED, SYSROOT }, { "--sysroot", NEXT, SYSROOT },
	{ "--no-sysroot-suffix", EXACT, KEEP },
	{ "--embed-dir=", JOINED, EMBED_DIR }, { "--embed-dir", NEXT, EMBED_DIR },
	{ "-embed-dir=", JOINED, EMBED_DIR },
	{ "-D", EITHER, DEFINE }, { "-U", EITHER, UNDEF },
	{ "--define-macro=", JOINED, DEFINE }, { "--define-macro", NEXT, DEFINE },
	{ "--undefine-macro=", JOINED, UNDEF },
	{ "--undefine-macro", NEXT, UNDEF },
	{ "-A", EITHER, DROP },
	{ "-x", EITHER, LANGUAGE }, { "--language=", JOINED, LANGUAGE },
	{ "--language", NEXT, LANGUAGE },
	{ "-Wp,", JOINED, COMMAS }, { "-Xpreprocessor", NEXT, PASS_ON },
	{ "-Wmissing-include-dirs", EXACT, MISSING_DIRS },
	{ "-Wa,", PREFIX, DROP }, { "-Wl,", PREFIX, DROP },
	{ "-W", PREFIX, DROP }, { "-w", EXACT, DROP },
	{ "-Xassembler", NEXT, DROP }, { "-Xlinker", NEXT, DROP },
	{ "-Xclang", NEXT, FRONTEND }, { "-Xarch_", PREFIX, UNSURE },
	{ "-MF", EITHER, DROP }, { "-MT", EITHER, DROP }, { "-MQ", EITHER, DROP },
	{ "-MJ", EITHER, DROP }, { "-M", PREFIX, DROP },
	{ "-o", EITHER, DROP }, { "-c", EXACT, DROP }, { "-S", EXACT, DROP },
	{ "-E", EXACT, DROP }, { "-pipe", EXACT, DROP }, { "-v", EXACT, DROP },
	{ "-###", EXACT, DROP }, { "-H", EXACT, DROP }, { "-P", EXACT, DROP },
	{ "-CC", EXACT, DROP }, { "-C", EXACT, DROP }, { "-Q", EXACT, DROP },
	{ "-Qunused-arguments", EXACT, DROP },
	{ "-grecord-", PREFIX, RECORDS }, { "-frecord-", PREFIX, RECORDS },
	{ "-save-temps", PREFIX, DROP }, { "--save-temps", PREFIX, DROP },
	{ "-time", PREFIX, DROP }, { "-g", PREFIX, DROP },
	{ "-L", EITHER, DROP }, { "-l", EITHER, DROP }, { "-u", EITHER, DROP },
	{ "-z", EITHER, DROP }, { "-T", EITHER, DROP }, { "-e", EITHER, DROP },
	{ "-s", EXACT, DROP }, { "-r", EXACT, DROP }, { "-rdynamic", EXACT, DROP },
	{ "-static", PREFIX, DROP }, { "-shared", PREFIX, DROP },
	{ "-nostartfiles", EXACT, DROP }, { "-nodefaultlibs", EXACT, DROP },
	{ "-nostdlib", PREFIX, DROP }, { "-pie", EXACT, DROP },
	{ "-aux-info", NEXT, DROP }, { "-dumpbase", PREFIX, UNSURE },
	{ "-dumpdir", NEXT, DROP }, { "-d", PREFIX, UNSURE },
	{ "-mllvm", NEXT, DROP }, { "--param=", PREFIX, DROP },
	{ "--param", NEXT, DROP }, { "-arch", NEXT, KEEP },
	{ "-target", NEXT, KEEP },
	{ "-B", EITHER, KEEP }, { "-b", EITHER, KEEP }, { "-V", EITHER, KEEP },
	{ "-G", EITHER, DROP }, { "-wrapper", NEXT, UNSURE },
	{ "-specs", PREFIX, UNSURE }, { "--specs", PREFIX, UNSURE },
	{ "--config", PREFIX, UNSURE }, { "-traditional", PREFIX, UNSURE },
	{ "--traditional", PREFIX, UNSURE }, { "-remap", EXACT, UNSURE },
	{ "--remap", PREFIX, UNSURE }, { "-trigraphs", EXACT, KEEP },
	{ "-ffile-prefix-map", PREFIX, MAPS_FILE },
	{ "-fmacro-prefix-map", PREFIX, MAPS_FILE },
	{ "-fdebug-", PREFIX, DROP }, { "-fdiagnostics", PREFIX, DROP },
	{ "-fcoverage-", PREFIX, DROP }, { "-frandom-seed", PREFIX, DROP },
	{ "-fmessage-length", PREFIX, DROP }, { "-fcolor-", PREFIX, DROP },
	{ "-fno-color-", PREFIX, DROP }, { "-fno-diagnostics", PREFIX, DROP },
	{ "-fdump-", PREFIX, DROP }, { "-fopt-info", PREFIX, DROP },
	{ "-fsave-optimization-record", PREFIX, DROP },
	{ "-ftime-", PREFIX, DROP }, { "-fstack-usage", EXACT, DROP },
	{ "-fcallgraph-info", PREFIX, DROP },
	{ "-fmodule", PREFIX, UNSURE }, { "-fcxx-modules", PREFIX, UNSURE },
	{ "-fimplicit-module", PREFIX, UNSURE },
	{ "-fprebuilt-module", PREFIX, UNSURE },
	{ "-fbuild-session", PREFIX, UNSURE }, { "-fdeps-", PREFIX, UNSURE },
	{ "-fpch-", PREFIX, UNSURE }, { "-fplugin", PREFIX, UNSURE },
	{ "-fpass-plugin", PREFIX, UNSURE },
	{ "-fdirectives-only", EXACT, UNSURE },
	{ "-fpreprocessed", EXACT, UNSURE },
	{ "-fsearch-include-path", PREFIX, UNSURE },
	{ "-finput-charset=utf-8", EXACT, DROP },
	{ "-finput-charset=UTF-8", EXACT, DROP },
	{ "-finput-charset", PREFIX, UNSURE },
	{ "-fauto-profile", PREFIX, UNSURE },
	{ "-fprofile-use", PREFIX, UNSURE },
	{ "-fprofile-sample-use", PREFIX, UNSURE },
	{ "-fprofile-instr-use", PREFIX, UNSURE },
	{ "-fprofile-list", PREFIX, UNSURE },
	{ "-fbranch-probabilities", EXACT, UNSURE },
	{ "-fsanitize-blacklist", PREFIX, UNSURE },
	{ "-fsanitize-ignorelist", PREFIX, UNSURE },
	{ "-fsanitize-coverage-", PREFIX, UNSURE },
	{ "-fxray-", PREFIX, UNSURE }, { "-fthinlto-index", PREFIX, UNSURE },
	{ "-fembed-bitcode", PREFIX, DROP },
	{ "-fmacro-backtrace-limit", PREFIX, DROP },
	{ "-ferror-limit", PREFIX, DROP }, { "-fmax-errors", PREFIX, DROP },
	{ "-ftabstop", PREFIX, DROP }, { "-fvisibility", PREFIX, DROP },
	{ "-ftemplate-", PREFIX, DROP },
};

void
opts_add_word(struct words *w, const char *word)
{
	if (w->n == w->size) {
		w->size = w->size != 0 ? w->size * 2 : 16;
		w->ptr = mem_realloc(w->ptr, w->size, sizeof(*w->ptr));
	}
	w->ptr[w->n++] = word;
}

static void
set_why(struct opts *o, const char *what, const char *word)
{
	if (o->why[0] == '\0')
		(void)snprintf(o->why, sizeof(o->why), "%s %.180s", what, word);
}

static const char *
join(struct opts *o, const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	char *s = arena_alloc(&o->arena, la + lb + 1);

	memcpy(s, a, la);
	memcpy(s + la, b, lb + 1);
	return s;
}

/* ---- single options -------------------------------------------------- */

/* A directory, its '=' or $SYSROOT replaced. */
static void
add_dir(struct opts *o, enum opts_chain chain, const char *dir)
{
	size_t skip = dir[0] == '=' ? 1 :
	    strncmp(dir, "$SYSROOT", 8) == 0 ? 8 : 0;

	/* the sysroot may come later on the line: opts_parse() finishes it */
	if (skip != 0)
		dir = join(o, "=", dir + skip);
	opts_add_word(&o->chains[chain], dir);
}

static void
add_prefixed(struct opts *o, enum opts_chain chain, const char *value)
{
	if (o->prefix == NULL)
		set_why(o, "no -iprefix before -iwithprefix", value);
	else
		opts_add_word(&o->chains[chain], join(o, o->prefix, value));
}

/* -I-: what came before serves quotes only. */
static void
split(struct opts *o)
{
	struct words *b = &o->chains[CHAIN_BRACKET];
	size_t i;

	if (o->is_clang || o->is_split)
		set_why(o, "option", "-I-");
	o->is_split = true;
	for (i = 0; i < b->n; i++)
		opts_add_word(&o->chains[CHAIN_QUOTE], b->ptr[i]);
	b->n = 0;
}

/* The sysroot goes to the compiler, too, when it is asked. */
static void
set_sysroot(struct opts *o, const char *value, bool is_isysroot)
{
	o->sysroot = value;
	opts_add_word(&o->keep, join(o, is_isysroot ? "-isysroot" : "--sysroot=",
	    value));
}

/* -Wp,A,B */
static void
add_commas(struct opts *o, struct words *later, const char *value)
{
	const char *end;

	for (;; value = end + 1) {
		end = strchrnul(value, ',');
		opts_add_word(later, arena_copy(&o->arena, value,
		    (size_t)(end - value)));
		if (*end == '\0')
			return;
	}
}

static const struct {
	uint8_t act, chain;
} chain_acts[] = {
	{ QUOTE, CHAIN_QUOTE }, { BRACKET, CHAIN_BRACKET },
	{ SYSTEM, CHAIN_SYSTEM }, { AFTER, CHAIN_AFTER },
};

static bool
act_on_chain(struct opts *o, enum act act, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(chain_acts) / sizeof(chain_acts[0]); i++)
		if (chain_acts[i].act == act) {
			add_dir(o, (enum opts_chain)chain_acts[i].chain, value);
			return true;
		}
	return false;
}

/* What macros depend on is taken, as the words that -march=native stands for. */
static void
add_frontend(struct opts *o, const char *word, const char *value)
{
	static const char *const known[] = { "-target-abi", "-target-cpu",
		"-target-feature", "-tune-cpu" };
	bool is_known = o->is_frontend_value;

	o->is_frontend_value = false;
	for (size_t i = 0; !is_known && i < sizeof(known) / sizeof(known[0]);
	    i++)
		o->is_frontend_value |= strcmp(value, known[i]) == 0;
	if (!is_known && !o->is_frontend_value)
		set_why(o, "option -Xclang", value);
	opts_add_word(&o->keep, word);
	opts_add_word(&o->keep, value);
}

/* What the option `word` with its value asks for. */
static void
act_on(struct opts *o, const struct row *r, const char *word,
    const char *value, struct words *later)
{
	if (strcmp(r->name, "-I-") == 0) {
		split(o);
		return;
	}
	if (act_on_chain(o, (enum act)r->act, value))
		return;
	switch ((enum act)r->act) {
	case KEEP:
		opts_add_word(&o->keep, word);
		if (r->form == NEXT || (r->form == EITHER &&
		    word[strlen(r->name)] == '\0'))
			opts_add_word(&o->keep, value);
		break;
	case UNSURE:	set_why(o, "option", word); break;
	case DEFINE:	opts_add_word(&o->macros, join(o, "D", value)); break;
	case UNDEF:	opts_add_word(&o->macros, join(o, "U", value)); break;
	case INCLUDE:	opts_add_word(&o->includes, value); break;
	case IMACROS:	opts_add_word(&o->imacros, value); break;
	case EMBED_DIR:	opts_add_word(&o->embed_dirs, value); break;
	case IPREFIX:	o->prefix = value; break;
	case WITH_PREFIX:
		add_prefixed(o, CHAIN_SYSTEM, value);
		break;
	case WITH_PREFIX_BEFORE:
		add_prefixed(o, CHAIN_BRACKET, value);
		break;
	case LANGUAGE:	o->language = value; break;
	case SYSROOT:
		set_sysroot(o, value, strncmp(word, "-isys", 5) == 0);
		break;
	case MAPS_FILE:	o->is_file_mapped = true; break;
	case MISSING_DIRS: o->wants_missing_dirs = true; break;
	case FRONTEND:	add_frontend(o, word, value); break;
	case RECORDS:
		if (o->is_clang)	/* as our words are, not as the user's */
			set_why(o, "option", word);
		break;
	case COMMAS:	add_commas(o, later, value); break;
	case PASS_ON:	opts_add_word(later, value); break;
	default:	break;
	}
}

/* ---- words ----------------------------------------------------------- */

/*
 * Whether row r describes the word; *value is set, to NULL if it is the next
 * word.
 */
static bool
fits(const struct row *r, const char *word, const char **value)
{
	size_t n;

	if (r->name[1] != word[1])
		return false;
	n = strlen(r->name);
	if (strncmp(word, r->name, n) != 0)
		return false;
	*value = word + n;
	switch ((enum form)r->form) {
	case EXACT:
		return word[n] == '\0';
	case JOINED:
		return word[n] != '\0';
	case NEXT:
		*value = NULL;
		return word[n] == '\0';
	case EITHER:
		if (word[n] == '\0')
			*value = NULL;
		return true;
	default:
		return true;
	}
}

static const struct row *
find_row(const char *word, const char **value)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fits(&rows[i], word, value))
			return &rows[i];
	return NULL;
}

static const struct {
	const char *ext, *language;
} extensions[] = {
	{ ".c", "c" }, { ".cc", "c++" }, { ".cp", "c++" }, { ".cxx", "c++" },
	{ ".cpp", "c++" }, { ".CPP", "c++" }, { ".c++", "c++" },
	{ ".C", "c++" }, { ".m", "objective-c" }, { ".mm", "objective-c++" },
	{ ".M", "objective-c++" }, { ".i", "cpp-output" },
	{ ".ii", "c++-cpp-output" }, { ".mi", "objective-c-cpp-output" },
	{ ".mii", "objective-c++-cpp-output" }, { ".s", "assembler" },
	{ ".S", "assembler-with-cpp" }, { ".sx", "assembler-with-cpp" },
};

static const char *
language_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; dot != NULL &&
	    i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i].ext) == 0)
			return extensions[i].language;
	return NULL;
}

/* A word that is no option: the source, or something for the linker. */
static void
read_name(struct opts *o, const char *word)
{
	if (word[0] == '@') {
		set_why(o, "response file", word);
		return;
	}
	if (o->language == NULL && language_of(word) == NULL)
		return;
	if (o->source != NULL)
		set_why(o, "a second source", word);
	o->source = word;
}

/* The preprocessor's own -MD takes a file name, unlike the driver's. */
static bool
is_depfile(const char *word)
{
	return strcmp(word, "-MD") == 0 || strcmp(word, "-MMD") == 0;
}

static void
read_words(struct opts *o, const struct words *w, unsigned int depth)
{
	struct words later = { NULL, 0, 0 };
	const struct row *r;
	const char *word, *value;
	size_t i;

	for (i = 0; i < w->n; i++) {
		word = w->ptr[i];
		if (word[0] != '-') {
			read_name(o, word);
			continue;
		}
		if (word[1] == '\0') {
			set_why(o, "source", "on standard input");
			continue;
		}
		if (depth != 0 && is_depfile(word)) {
			i++;
			continue;
		}
		r = find_row(word, &value);
		if (r == NULL) {
			opts_add_word(&o->keep, word);
			continue;
		}
		if (value == NULL && (value = i + 1 < w->n ?
		    w->ptr[++i] : NULL) == NULL)
			continue;	/* the compiler will complain */
		act_on(o, r, word, value, &later);
	}
	if (depth == WORDS_DEPTH_MAX && later.n != 0)
		set_why(o, "option", "-Wp within -Wp");
	else if (later.n != 0)
		read_words(o, &later, depth + 1);
	free(later.ptr);
}

/* ---- environment ----------------------------------------------------- */

static const char *
get_env(const struct scan_request *req, const char *name)
{
	size_t n = strlen(name);
	char *const *e;

	for (e = req->env; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static void
add_path(struct opts *o, enum opts_chain chain, const char *path)
{
	const char *end;

	if (path == NULL || *path == '\0')
		return;
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		opts_add_word(&o->chains[chain], end == path ? "." :
		    arena_copy(&o->arena, path, (size_t)(end - path)));
		if (*end == '\0')
			return;
	}
}

static const struct {
	const char *language, *env;
} language_envs[] = {
	{ "c", "C_INCLUDE_PATH" }, { "c++", "CPLUS_INCLUDE_PATH" },
	{ "objective-c", "OBJC_INCLUDE_PATH" },
	{ "objective-c++", "OBJCPLUS_INCLUDE_PATH" },
};

static void
read_env(const struct scan_request *req, struct opts *o)
{
	size_t i;

	add_path(o, CHAIN_BRACKET, get_env(req, "CPATH"));
	for (i = 0; i < sizeof(language_envs) / sizeof(language_envs[0]); i++)
		if (strcmp(o->language, language_envs[i].language) == 0)
			add_path(o, CHAIN_SYSTEM,
			    get_env(req, language_envs[i].env));
	if (get_env(req, "CCC_OVERRIDE_OPTIONS") != NULL)
		set_why(o, "environment variable", "CCC_OVERRIDE_OPTIONS");
}

/* ---- the whole ------------------------------------------------------- */

static void
finish_sysroot(struct opts *o)
{
	size_t c, i;
	const char *dir;

	for (c = 0; c < CHAINS; c++)
		for (i = 0; i < o->chains[c].n; i++) {
			dir = o->chains[c].ptr[i];
			if (dir[0] != '=')
				continue;
			if (o->sysroot == NULL)
				set_why(o, "no --sysroot for", dir);
			else
				o->chains[c].ptr[i] =
				    join(o, o->sysroot, dir + 1);
		}
}

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void
set_language(struct opts *o)
{
	bool is_given = o->language != NULL &&
	    strcmp(o->language, "none") != 0;

	if (!is_given)
		o->language = language_of(o->source);
	if (o->language == NULL)
		o->language = "";
	if (!is_given && strcmp(o->language, "c") == 0 && o->is_cxx_driver)
		o->language = "c++";
	o->is_preprocessed = strstr(o->language, "cpp-output") != NULL;
	if (!o->is_preprocessed && strcmp(o->language, "c") != 0 &&
	    strcmp(o->language, "c++") != 0 &&
	    strcmp(o->language, "objective-c") != 0 &&
	    strcmp(o->language, "objective-c++") != 0)
		set_why(o, "language", o->language);
}

int
opts_parse(const struct scan_request *req, struct opts *o)
{
	const char *base = base_of(req->compiler);
	struct words w = { NULL, 0, 0 };
	char *const *a;

	memset(o, 0, sizeof(*o));
	if (req->argv[0] == NULL)
		return ERR_SYNTAX;
	o->is_clang = strstr(base, "clang") != NULL ||
	    strstr(base_of(req->argv[0]), "clang") != NULL;
	o->is_cxx_driver = strstr(base, "++") != NULL ||
	    strstr(base_of(req->argv[0]), "++") != NULL;
	for (a = req->argv + 1; *a != NULL; a++)
		opts_add_word(&w, *a);
	read_words(o, &w, 0);
	free(w.ptr);
	if (o->source == NULL)
		return ERR_SYNTAX;
	set_language(o);
	finish_sysroot(o);
	read_env(req, o);
	return 0;
}

void
opts_free(struct opts *o)
{
	size_t i;

	for (i = 0; i < CHAINS; i++)
		free(o->chains[i].ptr);
	free(o->macros.ptr);
	free(o->includes.ptr);
	free(o->imacros.ptr);
	free(o->embed_dirs.ptr);
	free(o->keep.ptr);
	arena_free(&o->arena);
	memset(o, 0, sizeof(*o));
}

/* Whether a word names a file relative to the working directory. */
static bool
is_relative(const char *word)
{
	const char *slash = strchr(word, '/');

	if (strcmp(word, ".") == 0 || strncmp(word, "-B.", 3) == 0)
		return true;
	return slash != NULL && slash != word && slash[-1] != '=' &&
	    strncmp(word, "-B/", 3) != 0 &&
	    strncmp(word, "-isysroot/", 10) != 0;
}

static const char *const key_envs[] = {
	"GCC_EXEC_PREFIX", "COMPILER_PATH", "CLANG_CONFIG_FILE_SYSTEM_DIR",
	"SDKROOT", "PATH",
};

/* A line of a key: all of `a`, and `b` right behind it. */
static int
add_line(struct buf *key, const char *a, const char *b)
{
	int r;

	if ((r = buf_append_str(key, a)) < 0 ||
	    (r = buf_append_str(key, b)) < 0)
		return r;
	return buf_append_str(key, "\n");
}

/* The file that a word names, or NULL: such as may lead to the compiler's own
 * directories. */
static const char *
path_in(const char *word)
{
	static const char *const before[] = { "--sysroot=", "-isysroot", "-B" };
	const char *equals;
	size_t i, n;

	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		n = strlen(before[i]);
		if (strncmp(word, before[i], n) == 0)
			return word[n] != '\0' ? word + n : NULL;
	}
	if (strchr(word, '/') == NULL)
		return NULL;
	if (word[0] != '-')
		return word;		/* the value of the word before it */
	equals = strchr(word, '=');
	return equals != NULL ? equals + 1 : strchr(word, '/');
}

/*
 * gcc names its own directories as they are when links have been followed, so
 * that where these lead is a part of what its answer depends on.
 * in      left: how many more may be followed
 */
static int
add_resolved(struct buf *key, const char *cwd, const char *word, size_t *left)
{
	static const char *const below[] = { "", "/usr/include" };
	const char *path = path_in(word);
	size_t i;
	int r = 0;

	if (path != NULL && (*left)-- == 0)
		return ERR_LIMIT;
	for (i = 0; path != NULL && r == 0 && i < 2; i++) {
		AUTOFREE char *name = mem_printf("%s/%s%s", path[0] == '/' ?
		    "" : cwd, path, below[i]);
		AUTOFREE char *real = realpath(name, NULL);

		if (real != NULL)
			r = add_line(key, "is ", real);
	}
	return r;
}

static int
add_env(struct buf *key, const char *name, const char *value)
{
	int r = buf_append_str(key, name);

	return r < 0 ? r : add_line(key, "=", value);
}

int
opts_key(const struct scan_request *req, struct opts *o, const char **key)
{
	struct buf b = BUF_INIT((size_t)1024 * 1024);
	size_t left = RESOLVED_MAX;
	bool relative = false;
	struct stat st;
	const char *v;
	size_t i;
	int r;

	if (stat(req->compiler, &st) < 0)
		return err_from_errno(errno);
	r = buf_printf(&b, "%llu %llu %lld %lld\n",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
	    (long long)st.st_size, (long long)st.st_ctim.tv_sec);
	if (r == 0)
		r = add_line(&b, req->compiler, "");
	if (r == 0)
		r = add_line(&b, o->language, "");
	for (i = 0; r == 0 && i < o->keep.n; i++) {
		relative |= is_relative(o->keep.ptr[i]);
		r = add_line(&b, o->keep.ptr[i], "");
		if (r == 0)
			r = add_resolved(&b, req->cwd, o->keep.ptr[i], &left);
	}
	for (i = 0; r == 0 && i < sizeof(key_envs) / sizeof(key_envs[0]); i++)
		if ((v = get_env(req, key_envs[i])) != NULL)
			r = add_env(&b, key_envs[i], v);
	if (r == 0 && relative)
		r = add_line(&b, "in ", req->cwd);
	if (r == 0)
		*key = arena_copy(&o->arena, b.ptr, b.len);
	buf_free(&b);
	return r;
}
