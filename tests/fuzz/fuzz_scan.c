/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/text.c client/scan/lex.c client/scan/unit.c client/scan/watch.c client/scan/macro.c client/scan/trace.c client/scan/recall.c client/scan/expand.c client/scan/cond.c client/scan/facts.c */
/*
 * fuzz_scan - any bytes give some list of directives, whose links go forward;
 * any condition has a value, and the one that is remembered is the one that is
 * found again.  The first byte chooses how the file is read.
 */
#include "client/scan/cond.h"
#include "client/scan/recall.h"
#include "tests/fuzz/trace.h"

#define ROUNDS	3	/* the file, again and again, in the state it left */
#define WORK_MAX	1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct atoms atoms;
	struct macros macros;
	struct expand expand;
	struct arena arena;
	struct unit unit;
	size_t held, work;
};

static int
has_include(void *arg, enum word word, struct sym *name, bool is_angle,
    bool *found)
{
	(void)arg;
	(void)word;
	*found = is_angle && name->len % 2 == 0;
	return 0;
}

static int
ask(void *arg, const char *query, uint64_t *value)
{
	(void)arg;
	*value = strlen(query);
	return *value % 3 != 0 ? 0 : ERR_NOENT;
}

static enum truth
evaluate(struct world *w, const struct directive *d)
{
	static const struct cond_language lang = { true, true };
	static const struct cond_asks asks = { NULL, has_include, ask };
	enum truth truth;

	recall_begin(&w->expand.note);
	MUST(cond_eval(&w->expand, d->toks, &lang, &asks, &truth) == 0);
	w->expand.note.is_on = false;
	w->work += w->expand.work;
	return truth;
}

/* What was kept for this state is what comes out of it. */
static enum truth
condition(struct world *w, const struct directive *d)
{
	enum truth truth = evaluate(w, d);
	uint8_t kept;

	if (recall_find(d->recalls, &w->macros, 1, 1, &kept)) {
		MUST(kept == (uint8_t)truth);
		return truth;
	}
	recall_keep(d->recalls, &w->expand.note, 1, 1, (uint8_t)truth,
	    &w->held);
	MUST(w->expand.note.unfit ==
	    !recall_find(d->recalls, &w->macros, 1, 1, &kept));
	MUST(w->expand.note.unfit || kept == (uint8_t)truth);
	return truth;
}

static void
include(struct world *w, const struct directive *d)
{
	struct sym *name;
	bool is_angle;
	struct tok t;

	if (d->name != NULL)
		return;
	expand_begin(&w->expand, d->toks);
	t = expand_next(&w->expand);
	if (cond_header(&w->expand, &t, &name, &is_angle) == 0)
		MUST(name != NULL && strlen(name->name) <= name->len);
	w->work += w->expand.work;
}

static void
obey(struct world *w, const struct directive *d)
{
	switch (d->kind) {
	case DIR_DEFINE:
		MUST(d->number == d->macro->number);
		macro_define(&w->macros, d->sym, d->macro, d->number);
		break;
	case DIR_UNDEF:
		macro_set(&w->macros, d->sym, BOUND_NOT, NULL);
		break;
	case DIR_PUSH:
		macro_push(&w->macros, d->sym);
		break;
	case DIR_POP:
		macro_pop(&w->macros, d->sym);
		break;
	case DIR_TAINT:
		macro_taint(&w->macros, d->sym);
		break;
	case DIR_INCLUDE:
	case DIR_INCLUDE_NEXT:
	case DIR_IMPORT:
	case DIR_EMBED:
		include(w, d);
		break;
	default:
		break;
	}
}

/* All directives but those of branches that are certainly left out. */
static void
run(struct world *w)
{
	const struct directive *d;
	size_t i;

	for (i = 0; i < w->unit.n && w->work < WORK_MAX; i++) {
		d = &w->unit.dirs[i];
		MUST(d->kind <= DIR_UNSURE);
		MUST(d->next <= w->unit.n && (d->next == 0 || d->next > i));
		if (d->kind != DIR_IF && d->kind != DIR_ELIF)
			obey(w, d);
		else if (condition(w, d) == COND_FALSE && d->next > i)
			i = d->next - 1;
	}
}

/* __LINE__ and the operators, as the compiler's facts bring them. */
static void
set_builtins(struct world *w)
{
	static const char *const names[] = { "__LINE__", "__FILE__",
		"__INCLUDE_LEVEL__", "__has_include", "__has_builtin" };
	static const struct macro m = { .is_builtin = true,
		.number = MACRO_OF_COMPILER };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		macro_set(&w->macros, atoms_get(&w->atoms, names[i],
		    strlen(names[i])), BOUND_MACRO, &m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof(*w));
	struct lex_mode mode = { false, false, false, false };
	char *text = malloc(size + 2);
	int i;

	MUST(w != NULL && text != NULL);
	if (size != 0) {
		mode = (struct lex_mode){ *data & 1, *data & 2, *data & 4,
		    *data & 8 };
		data++;
		size--;
		memcpy(text, data, size);
	}
	memcpy(text + size, "\n", 2);
	atoms_init(&w->atoms);
	expand_init(&w->expand, &w->atoms, &w->macros);
	lex_unit(&w->atoms, text, size, &mode, &w->unit, NULL);
	free(text);		/* nothing may point into it */
	macro_begin(&w->macros, &w->arena);
	set_builtins(w);
	for (i = 0; i < ROUNDS; i++)
		run(w);
	recall_drop(&w->unit, &w->held);
	MUST(w->held == 0);
	unit_free(&w->unit);
	expand_free(&w->expand);
	macro_free(&w->macros);
	arena_free(&w->arena);
	atoms_free(&w->atoms);
	free(w);
	return 0;
}
