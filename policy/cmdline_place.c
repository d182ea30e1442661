/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "policy/cmdline.h"
#include "policy/option.h"

#define ROOM_WORDS	4	/* "-o", its value, one split "-oFILE", NULL */

struct place {
	char **v;
	size_t n;
	size_t inputs, outputs;
};

static bool
is_input(const struct option_word *w)
{
	bool preprocessed;

	return w->kind == OPTION_PLAIN &&
	    cmdline_is_source(w->text, &preprocessed);
}

static bool
is_output(const struct option_word *w)
{
	return w->opt != NULL && w->opt->class == CLASS_RESULT;
}

int
cmdline_input(char *const *argv, enum compiler_family family, size_t *index)
{
	struct option_word w;
	size_t found = 0;

	for (size_t i = 1; argv[i] != NULL; i += w.words) {
		option_next(argv, i, family, &w);
		if (!is_input(&w))
			continue;
		if (found != 0)
			return ERR_SYNTAX;
		found = i;
	}
	*index = found;
	return found != 0 ? 0 : ERR_SYNTAX;
}

/* unconst - an argv's words are char * by custom; nobody writes to them. */
static char *
unconst(const char *s)
{
	char *p;

	memcpy(&p, &s, sizeof(p));
	return p;
}

static void
put_output(struct place *p, const char *output)
{
	p->v[p->n++] = unconst("-o");
	p->v[p->n++] = unconst(output);
	p->outputs++;
}

static void
put(struct place *p, const struct option_word *w, char *const *argv,
    const char *input, const char *output)
{
	if (is_output(w)) {
		if (p->outputs == 0 && w->value != NULL)
			put_output(p, output);
		else
			p->outputs = 2;
	} else if (is_input(w)) {
		if (p->inputs++ == 0)
			p->v[p->n++] = unconst(input);
	} else {
		for (size_t k = 0; k < w->words; k++)
			p->v[p->n++] = argv[w->at + k];
	}
}

int
cmdline_place(char *const *argv, enum compiler_family family,
    const char *input, const char *output, char ***out)
{
	struct place p = { 0 };
	struct option_word w;
	size_t words = 0;

	while (argv[words] != NULL)
		words++;
	p.v = calloc(words + ROOM_WORDS, sizeof(*p.v));
	if (p.v == NULL)
		return ERR_NOMEM;
	p.v[p.n++] = argv[0];
	for (size_t i = 1; argv[i] != NULL; i += w.words) {
		option_next(argv, i, family, &w);
		put(&p, &w, argv, input, output);
	}
	if (p.inputs != 1 || p.outputs > 1) {
		free(p.v);
		return ERR_SYNTAX;
	}
	if (p.outputs == 0)
		put_output(&p, output);
	*out = p.v;
	return 0;
}
