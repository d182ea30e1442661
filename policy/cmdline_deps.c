/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "policy/cmdline.h"
#include "policy/items.h"
#include "policy/option.h"

/* what the options say; every pointer is borrowed from argv */
struct asked {
	enum compiler_family family;
	const char *input, *output;	/* NULL: not given */
	const char *file;		/* -MF */
	const char *cpp_file;		/* -Wp,-MD,FILE: not terminated */
	size_t cpp_len;
	bool has_md;			/* -MD or -MMD in any spelling */
	bool has_target;
};

static void
see_cpp(struct asked *a, const char *list)
{
	size_t len;
	const char *file = items_cpp_output(list, &len);

	if (file != NULL) {
		a->cpp_file = file;
		a->cpp_len = len;
	}
	if (items_cpp_has(list, "-MD") || items_cpp_has(list, "-MMD"))
		a->has_md = true;
	if (items_cpp_has(list, "-MT") || items_cpp_has(list, "-MQ"))
		a->has_target = true;
}

static void
see_option(struct asked *a, const struct option_word *w)
{
	const char *name = w->opt->name;

	if (strcmp(name, "-MD") == 0 || strcmp(name, "-MMD") == 0)
		a->has_md = true;
	else if (strcmp(name, "-MT") == 0 || strcmp(name, "-MQ") == 0)
		a->has_target = true;
	else if (strcmp(name, "-MF") == 0)
		a->file = w->value;
	else if (strcmp(name, "-Wp,") == 0)
		see_cpp(a, w->value);
	else if (w->opt->class == CLASS_RESULT)
		a->output = w->value;
}

static void
see(struct asked *a, const struct option_word *w)
{
	bool preprocessed;

	if (w->opt != NULL)
		see_option(a, w);
	else if (w->kind == OPTION_PLAIN &&
	    cmdline_is_source(w->text, &preprocessed))
		a->input = w->text;
}

/*
 * derive - the output's name with its extension replaced by ".d"; without -o
 * the source's, in the present directory.
 */
static int
derive(const struct asked *a, char **name)
{
	const char *from = a->output != NULL ? a->output : a->input;
	const char *base, *dot;
	size_t n;

	if (from == NULL)
		return 0;
	base = compiler_base(from);
	if (a->output == NULL)
		from = base;
	dot = strrchr(base, '.');
	n = dot != NULL ? (size_t)(dot - from) : strlen(from);
	*name = malloc(n + sizeof(".d"));
	if (*name == NULL)
		return ERR_NOMEM;
	memcpy(*name, from, n);
	memcpy(*name + n, ".d", sizeof(".d"));
	return 0;
}

static int
copy(char **to, const char *from, size_t n)
{
	*to = strndup(from, n);
	return *to != NULL ? 0 : ERR_NOMEM;
}

/* from_environment - "FILE" or "FILE TARGET". */
static int
from_environment(const char *text, struct cmdline_deps *out)
{
	size_t n = strcspn(text, " ");
	int r;

	out->is_needed = true;
	out->is_appended = true;
	r = copy(&out->name, text, n);
	if (r == 0 && text[n] == ' ')
		r = copy(&out->target, text + n + 1, strlen(text + n + 1));
	return r;
}

/* given_name - a file that an option names.  When both ways are used, gcc
 * follows -Wp and clang follows -MF. */
static int
given_name(const struct asked *a, char **name)
{
	if (a->cpp_file != NULL &&
	    (a->file == NULL || a->family != FAMILY_CLANG))
		return copy(name, a->cpp_file, a->cpp_len);
	if (a->file != NULL)
		return copy(name, a->file, strlen(a->file));
	return 0;
}

int
cmdline_deps_name(char *const *argv, enum compiler_family family,
    const char *environment, struct cmdline_deps *out)
{
	struct asked a = { .family = family };
	struct option_word w;
	int r;

	memset(out, 0, sizeof(*out));
	for (size_t i = 1; argv[i] != NULL; i += w.words) {
		option_next(argv, i, family, &w);
		see(&a, &w);
	}
	out->has_target = a.has_target;
	out->is_needed = a.has_md;
	if (!a.has_md && a.family != FAMILY_CLANG && environment != NULL &&
	    environment[0] != '\0')
		return from_environment(environment, out);
	r = given_name(&a, &out->name);
	return r < 0 || out->name != NULL ? r : derive(&a, &out->name);
}

void
cmdline_deps_free(struct cmdline_deps *d)
{
	free(d->name);
	free(d->target);
	memset(d, 0, sizeof(*d));
}
