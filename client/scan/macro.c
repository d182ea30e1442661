/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/macro.h"
#include "lib/mem.h"

#define COMPARED_MAX_BYTES	((size_t)1024 * 1024)	/* in one scan */

void
macro_begin(struct macros *m, struct arena *arena)
{
	m->base = ++m->epoch;
	m->nlog = 0;
	m->undecided = 0;
	m->work = m->compared = 0;
	m->pushed = NULL;
	m->pushes = 0;
	m->arena = arena;
}

void
macro_free(struct macros *m)
{
	free(m->log);
	free(m->kept.hidden);
	memset(m, 0, sizeof(*m));
}

/* ---- the base -------------------------------------------------------- */

/* A scan binds the name, whose binding is the base's. */
static void
hide(struct macros *m, struct sym *s)
{
	if (m->kept.nhidden == m->kept.hidden_size) {
		m->kept.hidden_size = m->kept.hidden_size != 0 ?
		    m->kept.hidden_size * 2 : 64;
		m->kept.hidden = mem_realloc(m->kept.hidden,
		    m->kept.hidden_size, sizeof(*m->kept.hidden));
	}
	m->kept.hidden[m->kept.nhidden++] =
	    (struct hidden){ s, s->macro, s->identity };
}

static void
bind_base(struct macros *m, struct sym *s, const struct macro *macro,
    uint64_t number)
{
	s->epoch = m->kept.epoch;
	s->tainted = s->busy = false;
	s->bound = BOUND_MACRO;
	s->macro = macro;
	s->identity = number;
}

bool
macro_begin_base(struct macros *m, uint64_t number, size_t n)
{
	struct hidden *h;

	if (m->kept.epoch != 0 && m->kept.number == number &&
	    m->kept.n == n) {
		m->base = m->kept.epoch;
		while (m->kept.nhidden != 0) {
			h = &m->kept.hidden[--m->kept.nhidden];
			bind_base(m, h->sym, h->macro, h->identity);
		}
		return true;
	}
	m->base = m->kept.epoch = m->epoch++;
	m->kept.number = number;
	m->kept.n = n;
	m->kept.nhidden = 0;
	return false;
}

void
macro_bind_base(struct macros *m, struct sym *s, const struct macro *macro)
{
	bind_base(m, s, macro, macro->number);
}

/* ---- bindings -------------------------------------------------------- */

static struct change *
add_change(struct macros *m)
{

	if (m->nlog == m->log_size) {
		m->log_size = m->log_size != 0 ? m->log_size * 2 : 256;
		m->log = mem_realloc(m->log, m->log_size, sizeof(*m->log));
	}
	memset(&m->log[m->nlog], 0, sizeof(*m->log));
	return &m->log[m->nlog++];
}

static void
log_change(struct macros *m, struct sym *s)
{
	struct change *c = add_change(m);

	c->sym = s;
	/* what the branches come to together depends on what was before */
	c->bound = (uint8_t)macro_ask(m, s);
	c->macro = s->macro;
}

static void
bind(struct macros *m, struct sym *s, enum binding bound,
    const struct macro *macro, uint64_t number)
{
	if (s->epoch != m->epoch) {
		if (s->epoch == m->kept.epoch && m->kept.epoch != 0)
			hide(m, s);
		s->epoch = m->epoch;
		s->tainted = false;
		s->busy = false;
	}
	s->bound = (uint8_t)(s->tainted ? BOUND_MAYBE : bound);
	s->macro = macro;
	s->identity = s->bound == BOUND_MACRO ? number : s->bound;
}

/* A name that is none has the macro of an earlier scan, which may be gone. */
static uint64_t
number_of(enum binding bound, const struct macro *macro)
{
	return bound == BOUND_MACRO ? macro->number : 0;
}

void
macro_set(struct macros *m, struct sym *s, enum binding bound,
    const struct macro *macro)
{
	if (m->undecided != 0)
		log_change(m, s);
	trace_set(m->trace, s, macro_identity(m, s));
	bind(m, s, bound, macro, number_of(bound, macro));
}

static enum binding
bound_of(uint64_t identity)
{
	return identity < MACRO_NUMBER_FIRST ? (enum binding)identity :
	    BOUND_MACRO;
}

void
macro_restore(struct macros *m, struct sym *s, const struct macro *macro,
    uint64_t identity)
{
	trace_set(m->trace, s, macro_identity(m, s));
	bind(m, s, bound_of(identity), macro, identity);
}

void
macro_bind_late(struct macros *m, struct sym *s, const struct macro *macro,
    uint64_t identity)
{
	bind(m, s, bound_of(identity), macro, identity);
}

void
macro_define(struct macros *m, struct sym *s, const struct macro *macro,
    uint64_t number)
{
	if (m->undecided != 0)
		log_change(m, s);
	trace_set(m->trace, s, macro_identity(m, s));
	bind(m, s, BOUND_MACRO, macro, number);
}

void
macro_taint(struct macros *m, struct sym *s)
{
	macro_set(m, s, BOUND_MAYBE, NULL);
	if (m->trace != NULL)
		trace_stop(m->trace);
	s->tainted = true;
}

void
macro_set_flag(struct macros *m, bool *flag)
{
	if (m->undecided != 0 && !*flag)
		add_change(m)->flag = flag;
	*flag = true;
}

/* Within an undecided branch nobody can tell what is on the stack. */
void
macro_push(struct macros *m, struct sym *s)
{
	struct pushed *p;

	if (m->undecided != 0) {
		macro_taint(m, s);
		return;
	}
	p = arena_alloc(m->arena, sizeof(*p));
	p->number = ++m->pushes;
	p->sym = s;
	p->bound = (uint8_t)macro_ask(m, s);
	p->macro = s->macro;
	p->below = m->pushed;
	m->pushed = p;
}

void
macro_pop(struct macros *m, struct sym *s)
{
	struct pushed **p;

	if (m->undecided != 0) {
		macro_taint(m, s);
		return;
	}
	for (p = &m->pushed; *p != NULL; p = &(*p)->below, m->work++)
		if ((*p)->sym == s) {
			trace_pop(m->trace, (*p)->number);
			macro_set(m, s, (enum binding)(*p)->bound,
			    (*p)->macro);
			*p = (*p)->below;
			return;
		}
	trace_pop(m->trace, 0);
}

/* ---- joins ----------------------------------------------------------- */

static bool
same_tok(const struct tok *a, const struct tok *b)
{
	if (a->kind != b->kind || a->flags != b->flags || a->code != b->code ||
	    a->len != b->len)
		return false;
	if (a->kind == TOK_IDENT)
		return a->sym == b->sym;
	return a->len == 0 || memcmp(a->text, b->text, a->len) == 0;
}

/* Whether neither has been read yet, and both would be read as the same. */
static bool
same_text(const struct macro *a, const struct macro *b)
{
	return a->source != NULL && b->source != NULL &&
	    memcmp(&a->source->mode, &b->source->mode,
	    sizeof(a->source->mode)) == 0 && a->text.len == b->text.len &&
	    memcmp(a->text.ptr, b->text.ptr, a->text.len) == 0;
}

/* Reads both to compare them, unless that has been done too often. */
static bool
read_both(struct macros *m, const struct macro *a, const struct macro *b)
{
	m->compared += a->source != NULL ? a->text.len : 0;
	m->compared += b->source != NULL ? b->text.len : 0;
	if (m->compared > COMPARED_MAX_BYTES)
		return false;
	(void)lex_want_macro(a);
	(void)lex_want_macro(b);
	return true;
}

static bool
same_macro(struct macros *m, const struct macro *a, const struct macro *b)
{
	size_t i;

	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->is_function != b->is_function ||
	    a->is_builtin || b->is_builtin)
		return false;
	if (same_text(a, b))
		return true;
	if (!read_both(m, a, b))
		return false;
	if (a->is_variadic != b->is_variadic || a->nparams != b->nparams ||
	    a->body.n != b->body.n)
		return false;
	for (i = 0; i < a->body.n; i++)
		if (!same_tok(&a->body.ptr[i], &b->body.ptr[i]))
			return false;
	return true;
}

static void
merge(struct macros *m, struct outcome *o, enum binding bound,
    const struct macro *macro)
{
	enum binding had = (enum binding)o->bound;

	if (had == bound && (bound != BOUND_MACRO ||
	    same_macro(m, o->macro, macro)))
		return;
	o->bound = had == BOUND_NOT || bound == BOUND_NOT ||
	    had == BOUND_MAYBE || bound == BOUND_MAYBE ?
	    BOUND_MAYBE : BOUND_SOME;
	o->macro = NULL;
}

void
macro_join_begin(struct macros *m, struct join *j)
{
	memset(j, 0, sizeof(*j));
	j->log = m->nlog;
	m->undecided++;
}

static struct outcome *
add_outcome(struct join *j, struct sym *s)
{
	struct outcome *o;

	if (j->n == j->size) {
		j->size = j->size != 0 ? j->size * 2 : 64;
		j->ptr = mem_realloc(j->ptr, j->size, sizeof(*j->ptr));
	}
	o = &j->ptr[j->n++];
	memset(o, 0, sizeof(*o));
	o->sym = s;
	return o;
}

/* Adds to j what the branch in hand made of a name. */
static void
see_outcome(struct macros *m, struct join *j, struct sym *s)
{
	struct outcome *o;

	if (s->outcome >= j->n || j->ptr[s->outcome].sym != s) {
		o = add_outcome(j, s);
		s->outcome = (uint32_t)(j->n - 1);
	} else {
		o = &j->ptr[s->outcome];
	}
	if (o->last == j->branches)
		return;		/* this branch changed it twice */
	o->last = j->branches;
	if (o->count++ == 0) {
		o->bound = (uint8_t)macro_bound(m, s);
		o->macro = s->macro;
	} else {
		merge(m, o, macro_bound(m, s), s->macro);
	}
}

static void
roll_back(struct macros *m, size_t to)
{
	struct change *c;

	while (m->nlog > to) {
		c = &m->log[--m->nlog];
		if (c->sym != NULL)
			bind(m, c->sym, (enum binding)c->bound, c->macro,
			    number_of((enum binding)c->bound, c->macro));
		else
			*c->flag = false;
	}
}

void
macro_join_branch(struct macros *m, struct join *j)
{
	size_t i;

	j->branches++;
	m->work += j->n;
	/* an inner join has its own place for a name */
	for (i = 0; i < j->n; i++)
		j->ptr[i].sym->outcome = (uint32_t)i;
	for (i = j->log; i < m->nlog; i++)
		if (m->log[i].sym != NULL)
			see_outcome(m, j, m->log[i].sym);
	roll_back(m, j->log);
}

void
macro_join_end(struct macros *m, struct join *j, bool exhaustive)
{
	struct outcome *o;
	size_t i;

	m->undecided--;
	if (!exhaustive)
		j->branches++;	/* the one that changes nothing */
	for (i = 0; i < j->n; i++) {
		o = &j->ptr[i];
		if (o->count < j->branches)
			merge(m, o, macro_bound(m, o->sym), o->sym->macro);
		macro_set(m, o->sym, (enum binding)o->bound, o->macro);
	}
	free(j->ptr);
}
