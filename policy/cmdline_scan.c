/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cmdline.h"
#include "policy/items.h"
#include "policy/option.h"
#include "policy/value.h"

#define SCAN_PROTOCOL	1	/* what every server understands */

struct scan {
	struct cmdline_scan *out;
	enum compiler_family family;
	bool has_language;		/* an -x before the input */
	bool cpp_output;		/* and it says that cpp has run */
	bool has_object;		/* a .o that is no option's value */
	size_t inputs, outputs;
};

/* stay - the decision is "local"; the first reason counts. */
static void
stay(struct cmdline_scan *out, const char *reason)
{
	if (out->reason[0] == '\0')
		(void)snprintf(out->reason, sizeof(out->reason), "%.*s",
		    (int)sizeof(out->reason) - 1, reason);
}

static void
see_input(struct scan *s, const struct option_word *w, bool preprocessed)
{
	if (s->inputs++ != 0) {
		stay(s->out, "more than one source file");
		return;
	}
	s->out->input = w->at;
	s->out->is_preprocessed = s->has_language ? s->cpp_output : preprocessed;
}

static void
see_output(struct scan *s, const struct option_word *w)
{
	if (s->outputs++ != 0) {
		stay(s->out, "-o is given twice");
		return;
	}
	if (w->value == NULL)
		return;
	s->out->output = w->is_joined ? w->at : w->at + 1;
	s->out->output_joined = w->is_joined;
	if (strcmp(w->value, "-") == 0)
		stay(s->out, "-o - writes to standard output");
}

static void
see_language(struct scan *s, const struct option_word *w)
{
	s->out->has_language = true;
	s->has_language = w->value != NULL &&
	    value_is_language(w->value, &s->cpp_output);
}

static void
see_option(struct scan *s, const struct option_word *w)
{
	switch (w->opt->class) {
	case CLASS_ASSEMBLE:
		s->out->is_assembly = true;
		break;
	case CLASS_RESULT:
		see_output(s, w);
		break;
	case CLASS_LANGUAGE:
		see_language(s, w);
		break;
	case CLASS_OUTPUT:	/* -MF: the preprocessor's output is there */
		if (w->value != NULL && strcmp(w->value, "-") == 0)
			stay(s->out, "-MF - writes to standard output");
		break;
	case CLASS_CPP_ITEMS:	/* -Wp,-MD,- likewise */
		if (w->value != NULL && items_cpp_has(w->value, "-"))
			stay(s->out, "-Wp,... writes to standard output");
		break;
	default:
		break;
	}
}

static void
see(struct scan *s, const struct option_word *w)
{
	bool preprocessed;

	if (w->opt != NULL)
		see_option(s, w);
	if (w->kind != OPTION_PLAIN)
		return;
	if (cmdline_is_source(w->text, &preprocessed))
		see_input(s, w, preprocessed);
	else if (cmdline_is_object(w->text))
		s->has_object = true;
}

/* check_test - configure scripts run what they compile, and time it. */
static void
check_test(struct cmdline_scan *out, const char *input)
{
	static const char *const tests[] = { "conftest.", "tmp.conftest." };
	const char *base = compiler_base(input);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		size_t n = strlen(tests[i]);

		if (strncmp(base, tests[i], n) == 0 &&
		    strchr(base + n, '.') == NULL)
			stay(out, "a configure test stays local");
	}
}

/* derive - "dir/foo.c" makes "foo.o" or "foo.s" here. */
static int
derive(struct cmdline_scan *out, const char *input)
{
	const char *base = compiler_base(input);
	const char *dot = strrchr(base, '.');
	size_t n = dot != NULL ? (size_t)(dot - base) : strlen(base);

	if (n == 0) {
		stay(out, "the output's name would be empty");
		return 0;
	}
	out->output_name = malloc(n + sizeof(".o"));
	if (out->output_name == NULL)
		return ERR_NOMEM;
	memcpy(out->output_name, base, n);
	memcpy(out->output_name + n, out->is_assembly ? ".s" : ".o",
	    sizeof(".o"));
	return 0;
}

static int
name_output(struct cmdline_scan *out, char *const *argv)
{
	const char *given;

	if (out->output == 0)
		return derive(out, argv[out->input]);
	given = argv[out->output] +
	    (out->output_joined ? sizeof("-o") - 1 : 0);
	out->output_name = strdup(given);
	return out->output_name != NULL ? 0 : ERR_NOMEM;
}

/* ask_server - what a server would refuse need not be sent. */
static int
ask_server(struct scan *s, char *const *argv)
{
	char why[CMDLINE_WHY_BYTES];
	char **sent;
	int r;

	r = cmdline_strip(argv, &sent);
	if (r < 0)
		return r;
	if (cmdline_judge(sent, s->family, SCAN_PROTOCOL, why) < 0)
		stay(s->out, why);
	free(sent);
	return 0;
}

/* first_word - behind the compiler; a launcher in front of it is no file. */
static size_t
first_word(char *const *argv)
{
	if (argv[1] != NULL &&
	    !compiler_name_is_known(compiler_base(argv[0])) &&
	    compiler_name_is_known(compiler_base(argv[1])))
		return 2;
	return 1;
}

static int
decide(struct scan *s, char *const *argv, size_t first)
{
	struct cmdline_scan *out = s->out;
	int r;

	r = ask_server(s, argv + first - 1);
	if (r < 0 || out->input == 0)
		return r;
	if (s->has_object && s->outputs != 0)
		stay(out, "an object file is named besides the output");
	check_test(out, argv[out->input]);
	r = name_output(out, argv);
	out->distribute = r == 0 && out->reason[0] == '\0';
	return r;
}

int
cmdline_scan(char *const *argv, struct cmdline_scan *out)
{
	struct scan s = { .out = out };
	struct option_word w;
	size_t first = first_word(argv);

	memset(out, 0, sizeof(*out));
	s.family = compiler_family(compiler_base(argv[first - 1]));
	for (size_t i = first; argv[i] != NULL; i += w.words) {
		option_next(argv, i, s.family, &w);
		see(&s, &w);
	}
	return decide(&s, argv, first);
}

void
cmdline_scan_free(struct cmdline_scan *s)
{
	free(s->output_name);
	memset(s, 0, sizeof(*s));
}
