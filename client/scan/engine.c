/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine - runs directives as the preprocessor would. */
#include <string.h>

#include "client/scan/cond.h"
#include "client/scan/job.h"
#include "lib/mem.h"

#define LARGE_BYTES	((uint64_t)1024 * 1024)
#define UNDECIDED_MAX	200	/* conditions, each within another */

static int run_range(struct job *j, struct frame *f, const struct unit *u,
    uint32_t i, uint32_t to);

/* Puts what was found under the name into the answer. */
static int
answer_found(struct job *j, struct ent *e, const struct sym *name)
{
	int r = answer_file(j, e);

	return r < 0 ? job_lost(j, r, name->name) : 0;
}

/* ---- conditions ------------------------------------------------------ */

struct asker {
	struct job *j;
	struct frame *f;
};

static int
ask_include(void *arg, enum word word, struct sym *name, bool is_angle,
    bool *found)
{
	struct asker *a = arg;
	struct found f;
	int r;

	r = search_find(a->j, a->f, word == WORD_HAS_EMBED ? SEARCH_EMBED :
	    word == WORD_HAS_INCLUDE_NEXT ? SEARCH_NEXT : SEARCH_INCLUDE,
	    name, is_angle, &f);
	*found = r == 0 && f.ent != NULL;
	if (r == 0 && *found)
		r = answer_found(a->j, f.ent, name);
	return r;
}

/* Remembers a query that the compiler will have to answer. */
static void
add_pending(struct job *j, struct sym *query)
{
	size_t i;

	for (i = 0; i < j->npending; i++)
		if (j->pending[i] == query)
			return;
	if (j->npending == j->pending_size) {
		j->pending_size = j->pending_size != 0 ?
		    j->pending_size * 2 : 32;
		j->pending = mem_realloc(j->pending, j->pending_size,
		    sizeof(struct sym *));
	}
	j->pending[j->npending++] = query;
}

static int
ask_compiler(void *arg, const char *query, uint64_t *value)
{
	struct asker *a = arg;
	struct sym *s = atoms_get(&a->j->scan->atoms, query, strlen(query));

	if (a->j->facts == NULL)
		return ERR_NOENT;
	if (facts_answer(a->j->facts, s, value) == 0)
		return 0;
	add_pending(a->j, s);
	return ERR_NOENT;
}

static int
evaluate(struct job *j, struct frame *f, struct toks toks, enum truth *truth)
{
	static const struct cond_language no_language;
	struct asker a = { j, f };
	const struct cond_asks asks = { &a, ask_include, ask_compiler };
	struct expand *e = &j->scan->expand;
	int r;

	e->level = f->is_renamed ? EXPAND_NO_LEVEL : f->level;
	e->file = NULL;
	recall_begin(&e->note);
	r = cond_eval(e, toks, j->facts != NULL ? &j->facts->lang :
	    &no_language, &asks, truth);
	e->note.is_on = false;
	if (e->note.of_place)
		trace_break(&j->scan->trace);
	return r < 0 ? r : job_step(j, e->work);
}

/* From memory, if the directive was evaluated in this state before. */
static int
eval_if(struct job *j, struct frame *f, const struct directive *d,
    enum truth *truth)
{
	struct scan *s = j->scan;
	uint64_t language, facts;
	uint8_t known;
	int r;

	if (j->facts == NULL || s->forgets)
		return evaluate(j, f, d->toks, truth);
	language = (uint64_t)j->facts->lang.has_true << 1 |
	    j->facts->lang.has_named_ops;
	facts = j->facts->number;
	if (recall_find(d->recalls, &s->macros, language, facts, &known)) {
		*truth = (enum truth)known;
		return 0;
	}
	r = evaluate(j, f, d->toks, truth);
	if (r == 0)
		recall_keep(d->recalls, &s->expand.note, language, facts,
		    (uint8_t)*truth, &s->tree.recalled);
	return r;
}

static enum truth
eval_defined(const struct job *j, struct sym *s, bool negated)
{
	if (s == NULL)
		return COND_UNKNOWN;
	switch (macro_ask(&j->scan->macros, s)) {
	case BOUND_NOT:
		return negated ? COND_TRUE : COND_FALSE;
	case BOUND_MAYBE:
		return COND_UNKNOWN;
	default:
		return negated ? COND_FALSE : COND_TRUE;
	}
}

static int
eval_branch(struct job *j, struct frame *f, const struct directive *d,
    enum truth *truth)
{
	switch (d->kind) {
	case DIR_IFDEF:
	case DIR_ELIFDEF:
		*truth = eval_defined(j, d->sym, false);
		return 0;
	case DIR_IFNDEF:
	case DIR_ELIFNDEF:
		*truth = eval_defined(j, d->sym, true);
		return 0;
	case DIR_IF:
	case DIR_ELIF:
		return eval_if(j, f, d, truth);
	default:
		*truth = COND_TRUE;	/* #else */
		return 0;
	}
}

/* What is known of the name once #ifdef came out as `truth`. */
static void
assume(struct job *j, const struct directive *d, bool truth)
{
	if (d->kind != DIR_IFDEF && d->kind != DIR_IFNDEF)
		return;
	if (d->sym != NULL)
		macro_set(&j->scan->macros, d->sym,
		    truth == (d->kind == DIR_IFDEF) ? BOUND_SOME : BOUND_NOT,
		    NULL);
}

/* What macro.c has done that the number of directives does not tell. */
static int
step_macros(struct job *j)
{
	size_t n = j->scan->macros.work;

	j->scan->macros.work = 0;
	return job_step(j, n);
}

/*
 * From a condition that cannot be decided on: every branch that is not
 * certainly left out, each from the same state.
 */
static int
run_branches(struct job *j, struct frame *f, const struct unit *u,
    uint32_t first, uint32_t *end)
{
	enum truth truth = COND_UNKNOWN;
	struct join join;
	uint32_t k = first;
	int r = 0;

	if (j->scan->macros.undecided >= UNDECIDED_MAX)
		return job_unsure(j, "too many conditions that cannot be "
		    "decided");
	macro_join_begin(&j->scan->macros, &join);
	while (r == 0 && k < u->n && u->dirs[k].kind != DIR_ENDIF) {
		assume(j, &u->dirs[first], k == first);
		if (k != first)
			r = eval_branch(j, f, &u->dirs[k], &truth);
		if (r == 0 && truth != COND_FALSE)
			r = run_range(j, f, u, k + 1, u->dirs[k].next);
		if (truth != COND_FALSE)
			macro_join_branch(&j->scan->macros, &join);
		if (r == 0)
			r = step_macros(j);
		if (truth == COND_TRUE)
			break;
		k = u->dirs[k].next;
	}
	if (truth != COND_TRUE) {	/* nothing of it all may happen, too */
		assume(j, &u->dirs[first], false);
		macro_join_branch(&j->scan->macros, &join);
	}
	macro_join_end(&j->scan->macros, &join, true);
	while (k < u->n && u->dirs[k].kind != DIR_ENDIF)
		k = u->dirs[k].next;
	*end = k + 1;
	return r;
}

/* At #if: *i is left where the directives go on. */
static int
run_if(struct job *j, struct frame *f, const struct unit *u, uint32_t *i)
{
	enum truth truth;
	uint32_t k = *i;
	int r;

	while (k < u->n && u->dirs[k].kind != DIR_ENDIF) {
		if ((r = eval_branch(j, f, &u->dirs[k], &truth)) < 0)
			return r;
		if (truth == COND_UNKNOWN)
			return run_branches(j, f, u, k, i);
		if (truth == COND_TRUE)
			break;
		k = u->dirs[k].next;
	}
	*i = k + 1;
	return 0;
}

/* At #elif or #else behind a branch that was taken. */
static uint32_t
skip_rest(const struct unit *u, uint32_t i)
{
	while (i < u->n && u->dirs[i].kind != DIR_ENDIF &&
	    u->dirs[i].next > i)
		i = u->dirs[i].next;
	return i + 1;
}

/* ---- inclusion ------------------------------------------------------- */

/* Whether all that the file says is left out, as when it was read before. */
static bool
is_shut(struct job *j, const struct unit *u)
{
	enum binding bound;

	if (u->guard == NULL)
		return false;
	bound = macro_ask(&j->scan->macros, u->guard);
	return bound == BOUND_MACRO || bound == BOUND_SOME;
}

static int
run_file(struct job *j, struct frame *f)
{
	struct segment g;
	const struct unit *u;
	bool done;
	int r;

	if (f->level > LEVEL_MAX)
		return job_unsure(j, "#include nested too deeply");
	trace_enter(&j->scan->trace, f->level);
	r = tree_read(&j->scan->tree, f->ent, &j->mode, &u);
	if (r < 0)
		return job_lost(j, r, tree_path(&j->scan->tree, f->ent));
	if (f->file->stamp.size > LARGE_BYTES)
		j->next_check = 0;	/* that took a while */
	f->is_renamed = f->includer != NULL && f->includer->is_renamed;
	tree_trace_flags(&j->scan->tree, f->file);
	if (is_shut(j, u))
		return 0;
	if ((r = replay_find(j, f, u, &done)) < 0 || done)
		return r;
	record_begin(j, f, u, &g);
	f->is_renamed |= u->renames_file;
	r = run_range(j, f, u, 0, (uint32_t)u->n);
	record_end(j, f, u, &g, r);
	return r;
}

/* Whether the file was read before and asked to be read once. */
static bool
is_done(struct job *j, struct file *f, bool is_import)
{
	tree_see_file(&j->scan->tree, f);
	if (f->once) {
		tree_trace_flags(&j->scan->tree, f);
		return true;
	}
	if (is_import) {
		/* it alone asks whether a file was entered at all */
		trace_refuse(&j->scan->trace);
		macro_set_flag(&j->scan->macros, &f->once);
		if (f->entered)
			return true;
	}
	macro_set_flag(&j->scan->macros, &f->entered);
	return false;
}

static int
enter(struct job *j, struct frame *from, const struct sym *name,
    const struct found *found, bool is_import)
{
	struct frame f = { .includer = from, .ent = found->ent,
	    .open_dir = found->open_dir, .name = name,
	    .place = found->place, .after = search_after(j, from, found),
	    .level = from->level + 1 };
	int r;

	if ((r = answer_found(j, found->ent, name)) < 0)
		return r;
	if (found->ent->type == ENT_NULL)
		return 0;
	f.file = found->ent->file;
	tree_see_file(&j->scan->tree, f.file);
	if (f.file->maybe_once)
		return job_unsure(j, "_Pragma(\"once\") in %.180s",
		    tree_path(&j->scan->tree, found->ent));
	if (is_done(j, f.file, is_import))
		return 0;
	return run_file(j, &f);
}

/* A computed #include's name; ERR_UNSUPPORTED and why if there is none. */
static int
compute_name(struct job *j, struct frame *f, struct toks toks,
    struct sym **name, bool *is_angle)
{
	struct expand *e = &j->scan->expand;
	struct frame *main = f;
	struct tok t;
	int r;

	e->level = f->is_renamed ? EXPAND_NO_LEVEL : f->level;
	while (main->includer != NULL)
		main = main->includer;
	e->file = j->opts->is_file_mapped || f->is_renamed ? NULL : search_spelled(j, f);
	e->base_file = main->is_main ? search_spelled(j, main) : NULL;
	recall_begin(&e->note);
	expand_begin(e, toks);
	t = expand_next(e);
	r = cond_header(e, &t, name, is_angle);
	e->note.is_on = false;
	if (e->note.of_place)
		trace_break(&j->scan->trace);
	if (job_step(j, e->work) < 0)
		return ERR_UNSUPPORTED;
	if (r < 0 || e->unknown || e->broken)
		return job_unsure(j, "cannot resolve a computed #include in "
		    "%.180s", tree_path(&j->scan->tree, f->ent));
	return 0;
}

static int
run_include(struct job *j, struct frame *f, const struct directive *d)
{
	struct sym *name = d->name;
	bool is_angle = d->is_angle;
	struct found found;
	int r;

	if (name == NULL &&
	    (r = compute_name(j, f, d->toks, &name, &is_angle)) < 0)
		return r;
	r = search_find(j, f, d->kind == DIR_INCLUDE_NEXT ? SEARCH_NEXT :
	    d->kind == DIR_EMBED ? SEARCH_EMBED : SEARCH_INCLUDE,
	    name, is_angle, &found);
	if (r < 0)
		return r;
	if (found.ent == NULL && j->scan->macros.undecided != 0)
		return 0;	/* that branch may well not be taken */
	if (found.ent == NULL)
		return job_unsure(j, "%.100s not found, included in %.120s",
		    name->name, tree_path(&j->scan->tree, f->ent));
	if (d->kind == DIR_EMBED)
		return answer_found(j, found.ent, name);
	return enter(j, f, name, &found, d->kind == DIR_IMPORT);
}

/* .incbin in an asm string */
static int
run_incbin(struct job *j, struct frame *f, const struct directive *d)
{
	struct found found;
	int r;

	if (d->kind == DIR_ASM_INCLUDE)
		return job_unsure(j, "assembler's .include \"%.180s\"",
		    d->name->name);
	r = search_find(j, f, SEARCH_ASM, d->name, false, &found);
	if (r < 0)
		return r;
	if (found.ent == NULL)
		return job_unsure(j, ".incbin file %.180s not found",
		    d->name->name);
	return answer_found(j, found.ent, d->name);
}

/* #pragma GCC dependency: its times are looked at. */
static int
run_dependency(struct job *j, struct frame *f, const struct directive *d)
{
	struct found found;
	int r;

	r = search_find(j, f, SEARCH_INCLUDE, d->name, d->is_angle, &found);
	if (r == 0 && found.ent != NULL)
		r = answer_found(j, found.ent, d->name);
	return r;
}

/*
 * gcc shows lines of the file that #line names, if it is there.  Nothing depends on
 * it but messages: where it is not, or is a full name at stock's server, nothing is
 * said.
 */
static int
run_line(struct job *j, const struct directive *d)
{
	struct walk w;
	int r;

	/* another command may have another working directory */
	trace_break(&j->scan->trace);
	if (tree_walk(&j->scan->tree, j->cwd, d->name->name, &w) < 0 ||
	    w.ent == NULL || w.ent->type != ENT_FILE)
		return 0;
	answer_walk(j, &w);
	r = answer_file(j, w.ent);
	return r < 0 ? job_lost(j, r, d->name->name) : 0;
}

/* ---- directives ------------------------------------------------------ */

static int
run_one(struct job *j, struct frame *f, const struct directive *d)
{
	struct macros *m = &j->scan->macros;

	switch (d->kind) {
	case DIR_DEFINE:
		macro_define(m, d->sym, d->macro, d->number);
		return 0;
	case DIR_UNDEF:
		macro_set(m, d->sym, BOUND_NOT, NULL);
		return 0;
	case DIR_INCLUDE:
	case DIR_INCLUDE_NEXT:
	case DIR_IMPORT:
	case DIR_EMBED:
		return run_include(j, f, d);
	case DIR_ONCE:
		if (f->file != NULL && !f->is_main)
			macro_set_flag(m, &f->file->once);
		return 0;
	case DIR_MAYBE_ONCE:
		if (f->file != NULL)
			macro_set_flag(m, &f->file->maybe_once);
		return 0;
	case DIR_PUSH:
		macro_push(m, d->sym);
		return 0;
	case DIR_POP:
		macro_pop(m, d->sym);
		return step_macros(j);
	case DIR_TAINT:
		macro_taint(m, d->sym);
		return 0;
	case DIR_DEPENDENCY:
		return run_dependency(j, f, d);
	case DIR_LINE:
		return run_line(j, d);
	case DIR_INCBIN:
	case DIR_ASM_INCLUDE:
		return run_incbin(j, f, d);
	case DIR_UNSURE:
		return job_unsure(j, "%s in %.180s", d->text,
		    tree_path(&j->scan->tree, f->ent));
	default:
		return 0;
	}
}

static int
run_range(struct job *j, struct frame *f, const struct unit *u, uint32_t i,
    uint32_t to)
{
	int r = 0;

	while (r == 0 && i < to) {
		j->answer->directives++;
		if ((r = job_step(j, 1)) < 0)
			return r;
		switch (u->dirs[i].kind) {
		case DIR_IF:
		case DIR_IFDEF:
		case DIR_IFNDEF:
			r = run_if(j, f, u, &i);
			break;
		case DIR_ELIF:
		case DIR_ELIFDEF:
		case DIR_ELIFNDEF:
		case DIR_ELSE:
			i = skip_rest(u, i);
			break;
		default:
			r = run_one(j, f, &u->dirs[i++]);
		}
	}
	return r;
}

/* ---- the command ----------------------------------------------------- */

static void
define_facts(struct job *j)
{
	struct macros *m = &j->scan->macros;
	const struct facts *f = j->facts;
	size_t i;

	if (macro_begin_base(m, f->number, f->nmacros))
		return;
	for (i = 0; i < f->nmacros; i++)
		macro_bind_base(m, f->macros[i].sym, f->macros[i].macro);
}

/* "DNAME", "DNAME=body", "DNAME(x)=body" as in -D; "UNAME". */
static int
define_option(struct job *j, const char *word)
{
	struct arena *a = &j->scan->arena;
	size_t n = strlen(word);
	const struct macro *m;
	char *text, *eq;
	struct sym *s;

	if (word[0] == 'U') {
		macro_set(&j->scan->macros, atoms_get(&j->scan->atoms,
		    word + 1, n - 1), BOUND_NOT, NULL);
		return 0;
	}
	text = arena_alloc(a, n + 4);
	memcpy(text, word + 1, n);
	eq = strchr(text, '=');
	if (eq != NULL)
		*eq = ' ';
	n = strlen(text);
	memcpy(text + n, eq != NULL ? "\n" : " 1\n", eq != NULL ? 2 : 4);
	if (strchr(text, '\n') != text + strlen(text) - 1 ||
	    lex_macro(&j->scan->atoms, a, text, &s, &m) < 0)
		return job_unsure(j, "option -%.180s", word);
	macro_set(&j->scan->macros, s, BOUND_MACRO, m);
	return 0;
}

/* A file that an option or the compiler itself includes. */
static int
include_option(struct job *j, const char *word, bool is_own)
{
	struct sym *name = atoms_get(&j->scan->atoms, word, strlen(word));
	struct frame top = { .place = PLACE_BESIDE, .after = AFTER_NONE,
	    .open_dir = j->cwd };
	struct found found;
	int r;

	r = search_find(j, &top, is_own ? SEARCH_INCLUDE : SEARCH_OPTION,
	    name, is_own, &found);
	if (r < 0 || (found.ent == NULL && is_own))
		return r;
	if (found.ent == NULL)
		return job_unsure(j, "%.180s not found, included by an "
		    "option", word);
	top.name = atoms_get(&j->scan->atoms, "", 0);
	top.ent = found.ent;
	return enter(j, &top, name, &found, false);
}

static int
include_options(struct job *j, const struct words *w)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < w->n; i++)
		r = include_option(j, w->ptr[i], false);
	return r;
}

static int
run_source(struct job *j)
{
	const char *source = j->opts->source;
	struct frame f = { .place = PLACE_BESIDE, .after = AFTER_NONE,
	    .is_main = true };
	struct walk w;
	int r;

	r = tree_walk(&j->scan->tree, j->cwd, source, &w);
	if (r < 0 || w.ent == NULL || w.ent->type != ENT_FILE)
		return job_unsure(j, "cannot read source %.180s", source);
	answer_walk(j, &w);
	if (w.is_past_root)
		answer_rooted(j, w.ent);
	if ((r = answer_file(j, w.ent)) < 0)
		return job_lost(j, r, source);
	f.name = atoms_get(&j->scan->atoms, source, strlen(source));
	f.ent = w.ent;
	f.file = w.ent->file;
	f.open_dir = w.open_dir;
	(void)is_done(j, f.file, false);
	return run_file(j, &f);
}

int
engine_run(struct job *j)
{
	bool done;
	size_t i;
	int r = source_find(j, &done);

	if (r < 0 || done)
		return r;
	if (j->opts->is_preprocessed)
		return run_source(j);
	define_facts(j);
	for (i = 0; r == 0 && i < j->opts->macros.n; i++)
		r = define_option(j, j->opts->macros.ptr[i]);
	if (r == 0)
		r = include_options(j, &j->opts->imacros);
	if (r == 0 && j->facts->has_predef)
		r = include_option(j, "stdc-predef.h", true);
	if (r == 0)
		r = include_options(j, &j->opts->includes);
	if (r == 0)
		r = run_source(j);
	if (r == 0)
		source_keep(j);
	return r;
}
