/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client/terminal.h"

#define COLUMNS_DIGITS	4

static bool
starts(const char *word, const char *prefix)
{
	return strncmp(word, prefix, strlen(prefix)) == 0;
}

/* Whether the command leaves it to the terminal; the last word of all counts. */
static bool
leaves_colour(char *const *argv)
{
	bool leaves = true;

	for (size_t i = 1; argv[i] != NULL; i++) {
		const char *w = argv[i];

		if (strcmp(w, "-fdiagnostics-color=auto") == 0)
			leaves = true;
		else if (starts(w, "-fdiagnostics-color") ||
		    starts(w, "-fno-diagnostics-color") ||
		    strcmp(w, "-fcolor-diagnostics") == 0 ||
		    strcmp(w, "-fno-color-diagnostics") == 0 ||
		    starts(w, "-fdiagnostics-plain-output"))
			leaves = false;
	}
	return leaves;
}

static bool
wants_colour(const struct env *env, enum compiler_family family)
{
	if (env->term == NULL || strcmp(env->term, "dumb") == 0)
		return false;
	/* gcc's own way to say no; other colours than gcc's cannot be sent */
	return family == FAMILY_CLANG || env->gcc_colors == NULL ||
	    env->gcc_colors[0] != '\0';
}

static bool
says_width(char *const *argv)
{
	for (size_t i = 1; argv[i] != NULL; i++) {
		if (starts(argv[i], "-fmessage-length"))
			return true;
	}
	return false;
}

/* clang asks $COLUMNS how wide a terminal is; gcc does not fold lines. */
static bool
has_width(const struct env *env)
{
	size_t len;

	if (env->columns == NULL || env->columns[0] == '0')
		return false;
	len = strspn(env->columns, "0123456789");
	return len != 0 && len <= COLUMNS_DIGITS && env->columns[len] == '\0';
}

void
terminal_ask(const struct env *env, enum compiler_family family,
    char *const *argv, bool is_terminal, struct terminal *t)
{
	*t = (struct terminal){ { "" } };
	if (!is_terminal)
		return;
	if (wants_colour(env, family) && leaves_colour(argv))
		(void)snprintf(t->word[0], sizeof(t->word[0]), "%s",
		    "-fdiagnostics-color=always");
	if (family == FAMILY_CLANG && has_width(env) && !says_width(argv))
		(void)snprintf(t->word[1], sizeof(t->word[1]),
		    "-fmessage-length=%.*s", COLUMNS_DIGITS, env->columns);
}
