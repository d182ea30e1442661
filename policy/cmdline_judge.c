/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "policy/cmdline.h"
#include "policy/items.h"
#include "policy/option.h"
#include "policy/value.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))
#define SHOWN_MAX	96	/* bytes of a refused word in the reason */

struct judge {
	enum compiler_family family;
	unsigned int protocol;
	size_t inputs;
	size_t objects;
	size_t results;			/* -o given */
	bool has_compile;		/* -c or -S */
	bool has_language;
	bool has_sysroot;
	bool has_external_as;
	const char *target;		/* borrowed; NULL: the default */
	enum items_next frontend;	/* what the next -Xclang has to be */
	char *why;
};

/* say - "WORD reason"; bytes that are not printable are shown as '?'. */
static int
say(struct judge *j, int err, const char *word, const char *reason)
{
	char shown[SHOWN_MAX + 4];
	size_t n = strlen(word);
	size_t cut = n > SHOWN_MAX ? SHOWN_MAX : n;

	for (size_t i = 0; i < cut; i++) {
		unsigned char c = (unsigned char)word[i];

		shown[i] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	memcpy(shown + cut, n > cut ? "..." : "", n > cut ? 4 : 1);
	(void)snprintf(j->why, CMDLINE_WHY_BYTES, "%s%s%s", shown,
	    n != 0 ? " " : "", reason);
	return err;
}

static int
refuse(struct judge *j, const struct option_word *w, const char *reason)
{
	return say(j, ERR_ACCESS, w->text, reason);
}

/* why_class - for the classes that never pass. */
static const char *
why_class(enum option_class class)
{
	switch (class) {
	case CLASS_CODE:
		return "runs or loads code";
	case CLASS_SIDE:
		return "writes side files";
	case CLASS_FILE:
		return "reads a file that is not sent";
	case CLASS_MODULE:
		return "needs module files";
	case CLASS_LOCAL:
		return "ties the object to its build directory";
	case CLASS_MODE:
		return "does not make an object of a source";
	default:
		return "is not supported on a server";
	}
}

bool
cmdline_is_native(const char *word)
{
	static const char *const names[] = {
		"-march=native", "-mcpu=native", "-mtune=native",
	};

	for (size_t i = 0; i < NELEM(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(word, names[i], n) == 0 &&
		    (word[n] == '\0' || word[n] == '+'))
			return true;
	}
	return false;
}

static int
judge_machine(struct judge *j, const struct option_word *w)
{
	if (cmdline_is_native(w->text))
		return refuse(j, w, "needs this machine's processor");
	return 0;
}

static int
judge_language(struct judge *j, const struct option_word *w)
{
	bool preprocessed;

	j->has_language = true;
	if (!value_is_language(w->value, &preprocessed))
		return say(j, ERR_ACCESS, w->value,
		    "is not a language for -x on a server");
	return 0;
}

static int
judge_result(struct judge *j, const struct option_word *w)
{
	if (++j->results > 1)
		return say(j, ERR_SYNTAX, w->text, "is given twice");
	if (strcmp(w->value, "-") == 0)
		return say(j, ERR_ACCESS, "-o -", "writes to standard output");
	return 0;
}

static int
judge_input(struct judge *j, const struct option_word *w)
{
	if (j->protocol >= 3 ||
	    (w->value[0] != '/' && !value_climbs(w->value)))
		return 0;
	return refuse(j, w, "names a file outside the job");
}

static int
judge_output(struct judge *j, const struct option_word *w)
{
	if (j->protocol >= 3 && value_is_output(w->value))
		return 0;
	return refuse(j, w, "names a file that is written outside the job");
}

/* would_run - the value is an option that runs or loads code, should a driver
 * ever take it for its own. */
static bool
would_run(const struct judge *j, const struct option_word *w)
{
	char *const argv[] = { w->argv[1], NULL };
	struct option_word inner;

	if (w->words != 2)
		return false;
	option_next(argv, 0, j->family, &inner);
	return inner.opt != NULL && inner.opt->class == CLASS_CODE;
}

static int
judge_items(struct judge *j, const struct option_word *w)
{
	bool ok = false;

	if (would_run(j, w))
		ok = false;
	else if (w->opt->class == CLASS_ASSEMBLER)
		ok = items_assembler(w->value);
	else if (w->opt->class == CLASS_CPP_ITEMS)
		ok = items_cpp(w->value, j->protocol);
	else if (w->opt->class == CLASS_FRONTEND)
		ok = items_frontend(w->value, &j->frontend);
	else if (w->opt->class == CLASS_LLVM)
		ok = items_llvm(w->value);
	if (ok)
		return 0;
	return say(j, ERR_ACCESS, w->words == 2 ? w->value : w->text,
	    "is not on the list of options that may be handed on");
}

/* judge_class - what the class asks for; the value's shape has been looked at. */
static int
judge_class(struct judge *j, const struct option_word *w)
{
	switch (w->opt->class) {
	case CLASS_SAFE:
	case CLASS_CPP:
	case CLASS_LINK:
	case CLASS_DIR:
		return 0;
	case CLASS_COMPILE:
	case CLASS_ASSEMBLE:
		j->has_compile = true;
		return 0;
	case CLASS_EXTERNAL_AS:
		j->has_external_as = true;
		return 0;
	case CLASS_SYSROOT:
		j->has_sysroot = true;
		return 0;
	case CLASS_TARGET:
		j->target = w->value;
		return 0;
	case CLASS_RESULT:
		return judge_result(j, w);
	case CLASS_LANGUAGE:
		return judge_language(j, w);
	case CLASS_MACHINE:
		return judge_machine(j, w);
	case CLASS_INPUT:
		return judge_input(j, w);
	case CLASS_OUTPUT:
		return judge_output(j, w);
	case CLASS_ASSEMBLER:
	case CLASS_CPP_ITEMS:
	case CLASS_FRONTEND:
	case CLASS_LLVM:
		return judge_items(j, w);
	default:
		return refuse(j, w, why_class(w->opt->class));
	}
}

/* is_handed_on - the value may look like an option: a list decides. */
static bool
is_handed_on(const struct option *opt)
{
	return opt->class == CLASS_ASSEMBLER || opt->class == CLASS_CPP_ITEMS ||
	    opt->class == CLASS_FRONTEND || opt->class == CLASS_LLVM;
}

/*
 * value_fits - the shape that the row asks for.  A separate value that looks
 * like an option is refused: were our table wrong about the option before it,
 * the compiler would take it for one.
 */
static bool
value_fits(const struct option_word *w)
{
	const char *value = w->value;

	if (value == NULL)
		return true;
	if (w->words == 2 && value[0] == '-' && !is_handed_on(w->opt))
		return false;
	switch (w->opt->value) {
	case VALUE_WORD:
		return value_is_word(value);
	case VALUE_CPU:
		return value_is_cpu(value);
	case VALUE_NO_VALUE:
		return strchr(value, '=') == NULL;
	default:
		return true;
	}
}

static int
judge_known(struct judge *j, const struct option_word *w)
{
	if (w->opt->class >= CLASS_CODE)
		return refuse(j, w, why_class(w->opt->class));
	if (!option_is_of(w->opt, j->family))
		return refuse(j, w, "is not an option of this compiler");
	if (w->words == 2 && w->value[0] == '\0')
		return refuse(j, w, "has an empty value");
	if (!value_fits(w))
		return refuse(j, w, "has a value that is not allowed");
	return judge_class(j, w);
}

static int
judge_plain(struct judge *j, const struct option_word *w)
{
	bool preprocessed;

	if (w->text[0] == '\0')
		return say(j, ERR_SYNTAX, "", "an argument is empty");
	if (strcmp(w->text, "-") == 0)
		return refuse(j, w, "means standard input");
	if (cmdline_is_source(w->text, &preprocessed)) {
		j->inputs++;
		return 0;
	}
	/* a driver that does not link only looks whether it is there */
	if (cmdline_is_object(w->text) && strchr(w->text, '/') == NULL) {
		j->objects++;
		return 0;
	}
	return refuse(j, w, "is no C, C++ or Objective-C source");
}

/* judge_word - one option with its value, or one file name. */
static int
judge_word(struct judge *j, const struct option_word *w)
{
	/* compilers expand these before they look at options at all */
	if (w->text[0] == '@' || (w->words == 2 && w->value[0] == '@'))
		return say(j, ERR_ACCESS, w->words == 2 ? w->value : w->text,
		    "reads options from a file");
	switch (w->kind) {
	case OPTION_PLAIN:
		return judge_plain(j, w);
	case OPTION_KNOWN:
		return judge_known(j, w);
	case OPTION_UNFINISHED:
		return say(j, w->opt->class >= CLASS_CODE ? ERR_ACCESS :
		    ERR_SYNTAX, w->text, "lacks its value");
	case OPTION_UNKNOWN:
		break;
	}
	if (!value_is_plain_option(w->text))
		return refuse(j, w, "is not known to be safe");
	return 0;
}

/* has_own_assembler - clang needs no other program for this target. */
static bool
has_own_assembler(const char *target)
{
	static const char *const archs[] = {
		"x86_64-", "amd64-", "i386-", "i486-", "i586-", "i686-",
		"aarch64-", "aarch64_be-", "arm-", "armv", "armeb-", "thumb",
		"riscv32-", "riscv64-", "powerpc", "mips", "s390x-",
		"loongarch64-", "wasm32-", "wasm64-",
	};

	for (size_t i = 0; i < NELEM(archs); i++) {
		if (value_starts(target, archs[i]))
			return true;
	}
	return false;
}

/*
 * judge_sysroot - gcc looks below --sysroot for headers and libraries only,
 * but clang looks there for programs too: "TRIPLE/bin/as" beside a gcc that
 * the sysroot seems to have.  Only protocol 3 can put one there.
 */
static int
judge_sysroot(struct judge *j)
{
	if (!j->has_sysroot || j->protocol < 3 || j->family == FAMILY_GCC)
		return 0;
	if (j->has_external_as ||
	    (j->target != NULL && !has_own_assembler(j->target)))
		return say(j, ERR_ACCESS, "--sysroot",
		    "could choose the assembler that clang runs");
	return 0;
}

/* judge_whole - what only shows when every word has been seen. */
static int
judge_whole(struct judge *j)
{
	if (j->frontend != ITEMS_NONE)
		return say(j, ERR_SYNTAX, "-Xclang", "lacks a value");
	if (j->inputs == 0)
		return say(j, ERR_SYNTAX, "", "no source file is named");
	if (j->inputs > 1)
		return say(j, ERR_SYNTAX, "", "more than one source file");
	if (j->objects != 0 && j->has_language)
		return say(j, ERR_ACCESS, "-x", "with an object file");
	if (!j->has_compile)
		return say(j, ERR_SYNTAX, "", "neither -c nor -S is given");
	return judge_sysroot(j);
}

int
cmdline_judge(char *const *argv, enum compiler_family family,
    unsigned int protocol, char why[CMDLINE_WHY_BYTES])
{
	struct judge j = { .family = family, .protocol = protocol };
	struct option_word w;
	int r;

	why[0] = '\0';
	j.why = why;
	if (argv[0] == NULL)
		return say(&j, ERR_SYNTAX, "", "no compiler is named");
	for (size_t i = 1; argv[i] != NULL; i += w.words) {
		option_next(argv, i, family, &w);
		r = judge_word(&j, &w);
		if (r < 0)
			return r;
	}
	return judge_whole(&j);
}
