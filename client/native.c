/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/native.h"
#include "client/native_keep.h"
#include "client/spawn.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "policy/cmdline.h"
#include "policy/compiler.h"
#include "policy/option.h"

#define ANSWER_MAX_BYTES	(1024 * 1024)

/* One command that is being put into other words. */
struct native {
	const struct env *env;
	const char *file;
	char *const *argv;
	enum compiler_family family;
	struct words asked;		/* its words about the machine */
};

/* ---- which words ---- */

bool
native_is_used(char *const *argv)
{
	bool compiles = false, is_native = false;

	for (size_t i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
		compiles = compiles || strcmp(argv[i], "-c") == 0 ||
		    strcmp(argv[i], "-S") == 0;
		is_native = is_native || cmdline_is_native(argv[i]);
	}
	return compiles && is_native;
}

/* Words of one piece that begin with -m.  A separate value is none (-o -m). */
static bool
is_machine(const struct option_word *w)
{
	return w->words == 1 && strncmp(w->text, "-m", 2) == 0;
}

/* gcc gets all its -m words in a new form; clang only those that say native:
 * it hands the others on by itself. */
static bool
is_replaced(const struct native *n, const struct option_word *w)
{
	return is_machine(w) && (n->family == FAMILY_GCC ||
	    cmdline_is_native(w->text));
}

static bool
is_target(const struct option_word *w)
{
	return w->opt != NULL && w->opt->class == CLASS_TARGET;
}

static void
collect(struct native *n, char *const *argv, struct words *out)
{
	struct option_word w;

	*out = (struct words){ NULL, 0, 0 };
	for (size_t i = 1; argv[i] != NULL; i += w.words) {
		option_next(argv, i, n->family, &w);
		for (size_t k = 0; (is_machine(&w) || is_target(&w)) &&
		    k < w.words; k++)
			words_add(out, argv[i + k]);
	}
}

/* ---- asking ---- */

/* What the driver would run: its stderr, NUL-terminated. */
static int
run_driver(const char *file, char *const *argv, struct buf *text)
{
	AUTOFD err = fd_memfd("distcc-native");
	AUTOFD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct stat st;
	pid_t pid;
	int r = err < 0 || null < 0 ? ERR_SYS :
	    spawn_start(file, argv, null, err, &pid);

	if (r < 0)
		return r;
	if (spawn_wait(pid) != 0)	/* it does not know a word */
		return ERR_UNSUPPORTED;
	if (fstat(err, &st) < 0 || lseek(err, 0, SEEK_SET) != 0)
		return ERR_SYS;
	return fd_read_text(err, (size_t)st.st_size, text);
}

/* in      with: machine words; out: what the compiler proper gets for them */
static int
ask(const struct native *n, const struct words *with, struct words *out)
{
	static const char *const tail[] = { "-###", "-S", "-x", "c",
	    "/dev/null", "-o", "/dev/null" };
	struct buf text = BUF_INIT(ANSWER_MAX_BYTES);
	struct words argv = { NULL, 0, 0 }, cc1 = { NULL, 0, 0 };
	int r;

	*out = (struct words){ NULL, 0, 0 };
	words_add(&argv, n->argv[0]);
	for (size_t i = 0; i < with->n; i++)
		words_add(&argv, with->argv[i]);
	for (size_t i = 0; i < sizeof(tail) / sizeof(tail[0]); i++)
		words_add(&argv, tail[i]);
	r = run_driver(n->file, argv.argv, &text);
	if (r == 0)
		r = native_read_driver((const char *)text.ptr, &cc1);
	if (r == 0 && n->family == FAMILY_CLANG)
		native_pick_clang(&cc1, out);
	else if (r == 0)
		native_pick_gcc(&cc1, out);
	words_free(&cc1);
	words_free(&argv);
	buf_free(&text);
	return r;
}

/* ---- clang's answer as words for its driver ---- */

static const char *
last_value(const struct words *picked, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i + 1 < picked->n; i += 2) {
		if (strcmp(picked->argv[i], name) == 0)
			value = picked->argv[i + 1];
	}
	return value;
}

/* "-march=native" becomes "-march=CPU". */
static void
add_cpu(struct words *out, const char *native, const struct words *picked)
{
	const char *tune = last_value(picked, "-tune-cpu");
	const char *cpu = last_value(picked, "-target-cpu");
	int name = (int)strcspn(native, "=");
	AUTOFREE char *word = NULL;

	if (strncmp(native, "-mtune=", 7) == 0 && tune != NULL)
		cpu = tune;
	if (cpu == NULL)
		return;
	word = mem_printf("%.*s=%s", name, native, cpu);
	words_add(out, word);
}

static void
add_feature_frontend(struct words *out, const char *feature)
{
	words_add(out, "-Xclang");
	words_add(out, "-target-feature");
	words_add(out, "-Xclang");
	words_add(out, feature);
}

/* "+avx2" is "-mavx2" for the driver.  These have no such option. */
static void
add_feature_option(struct words *out, const char *feature)
{
	static const char *const without[] = { "64bit", "cmov", "cx8" };
	AUTOFREE char *word = mem_printf("-m%s%s",
	    feature[0] == '-' ? "no-" : "", feature + 1);

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		if (strcmp(feature + 1, without[i]) == 0) {
			add_feature_frontend(out, feature);
			return;
		}
	}
	words_add(out, word);
}

typedef void add_feature(struct words *out, const char *feature);

/* From short to long: stock distccd refuses a command of 300 words. */
static add_feature *const forms[] = {
	add_feature_option, add_feature_frontend,
};

#define NFORMS	(sizeof(forms) / sizeof(forms[0]))

static void
add_features(struct words *out, const struct words *picked, add_feature *add)
{
	for (size_t i = 0; i + 1 < picked->n; i += 2) {
		if (strcmp(picked->argv[i], "-target-feature") == 0)
			add(out, picked->argv[i + 1]);
	}
}

/* The words that replace the native ones, from what the compiler proper gets. */
static void
translate(const struct native *n, const struct words *picked,
    add_feature *add, struct words *out)
{
	bool has_native = false;

	*out = (struct words){ NULL, 0, 0 };
	for (size_t i = 0; n->family != FAMILY_CLANG && i < picked->n; i++)
		words_add(out, picked->argv[i]);
	for (size_t i = 0; n->family == FAMILY_CLANG && i < n->asked.n; i++) {
		if (!cmdline_is_native(n->asked.argv[i]))
			continue;
		add_cpu(out, n->asked.argv[i], picked);
		has_native = true;
	}
	if (has_native)
		add_features(out, picked, add);
}

/* ---- is it the same? ---- */

static void
append(struct words *to, const struct words *from, const struct native *n,
    bool only_kept)
{
	for (size_t i = 0; i < from->n; i++) {
		if (!only_kept || (n->family == FAMILY_CLANG &&
		    !cmdline_is_native(from->argv[i])))
			words_add(to, from->argv[i]);
	}
}

/* Ask with the new words; the compiler proper must get the same. */
static int
check(const struct native *n, const struct words *picked,
    const struct words *made)
{
	struct words with = { NULL, 0, 0 }, again;
	int r;

	append(&with, &n->asked, n, true);
	append(&with, made, n, false);
	r = ask(n, &with, &again);
	if (r == 0 && !native_is_same(n->family, picked, &again))
		r = ERR_UNSUPPORTED;
	words_free(&again);
	words_free(&with);
	return r;
}

static int
find_out(const struct native *n, struct words *made)
{
	struct words picked;
	int r = ask(n, &n->asked, &picked);
	int found = ERR_UNSUPPORTED;

	for (size_t i = 0; r == 0 && found < 0 && i < NFORMS; i++) {
		words_free(made);
		translate(n, &picked, forms[i], made);
		found = made->n == 0 ? ERR_UNSUPPORTED :
		    check(n, &picked, made);
	}
	words_free(&picked);
	if (r == 0 && found < 0)
		log_info("%s: what it makes of \"native\" cannot be said in "
		    "other words", n->file);
	return r < 0 ? r : found;
}

/* ---- all of it ---- */

static int
look_up(const struct native *n, struct words *made)
{
	struct native_keep k;
	int r = native_keep_open(&k, n->env, n->file, &n->asked);

	if (r == 0)
		r = native_keep_read(&k, made);
	if (r == ERR_NOENT) {
		r = find_out(n, made);
		if (r < 0)
			words_free(made);
		if (r == 0 || r == ERR_UNSUPPORTED)
			native_keep_write(&k, made);
	}
	native_keep_free(&k);
	return r;
}

/* The command with made in the place of the first word that it replaces. */
static void
substitute(const struct native *n, const struct words *made,
    struct words *out)
{
	struct option_word w;
	bool is_in = false;

	words_add(out, n->argv[0]);
	for (size_t i = 1; n->argv[i] != NULL; i += w.words) {
		option_next(n->argv, i, n->family, &w);
		if (!is_replaced(n, &w)) {
			for (size_t k = 0; k < w.words; k++)
				words_add(out, n->argv[i + k]);
			continue;
		}
		for (size_t k = 0; !is_in && k < made->n; k++)
			words_add(out, made->argv[k]);
		is_in = true;
	}
}

int
native_resolve(const struct env *env, const char *file, char *const *argv,
    struct words *out)
{
	const char *base = compiler_base(argv[0]);
	struct native n = { .env = env, .file = file, .argv = argv,
	    .family = compiler_family(base) };
	struct words made = { NULL, 0, 0 };
	int r;

	*out = (struct words){ NULL, 0, 0 };
	if (!compiler_name_is_known(base))
		return ERR_UNSUPPORTED;
	collect(&n, argv, &n.asked);
	r = look_up(&n, &made);
	if (r == 0)
		substitute(&n, &made, out);
	words_free(&made);
	words_free(&n.asked);
	return r;
}
