/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "policy/cmdline.h"
#include "policy/option.h"

/* is_stripped - only the preprocessor or the linker would read it. */
static bool
is_stripped(const struct option_word *w)
{
	if (w->kind == OPTION_PLAIN)
		return cmdline_is_object(w->text);
	if (w->opt == NULL)
		return false;
	if (w->opt->strip == STRIP_SEPONLY)
		return !w->is_joined;
	return w->opt->strip == STRIP_STRIP;
}

static size_t
count(char *const *argv)
{
	size_t n = 0;

	while (argv[n] != NULL)
		n++;
	return n;
}

int
cmdline_strip(char *const *argv, char ***out)
{
	enum compiler_family family = compiler_family(compiler_base(argv[0]));
	struct option_word w;
	char **v;
	size_t n = 0;

	v = calloc(count(argv) + 1, sizeof(*v));
	if (v == NULL)
		return ERR_NOMEM;
	v[n++] = argv[0];
	for (size_t i = 1; argv[i] != NULL; i += w.words) {
		option_next(argv, i, family, &w);
		for (size_t k = 0; !is_stripped(&w) && k < w.words; k++)
			v[n++] = argv[i + k];
	}
	*out = v;
	return 0;
}
