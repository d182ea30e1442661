/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/inclusion.h"
#include "client/scan/job.h"
#include "client/scan/replay.h"
#include "lib/mem.h"

/* ---- the job's context ----------------------------------------------- */

static bool
is_context(const struct replay_context *c, const struct job *j)
{
	size_t i;

	if (c->facts != j->facts->number || c->n != j->nplaces ||
	    c->bracket != j->bracket || c->is_split != j->opts->is_split ||
	    c->is_clang != j->opts->is_clang)
		return false;
	for (i = 0; i < c->n; i++)
		if (c->dirs[i] != j->places[i].dir)
			return false;
	return true;
}

static void
forget_contexts(struct replay *p)
{
	while (p->ncontexts != 0)
		free(p->contexts[--p->ncontexts].dirs);
}

static uint64_t
add_context(struct replay *p, const struct job *j)
{
	struct replay_context *c;
	size_t i;

	if (p->ncontexts == REPLAY_CONTEXTS_MAX)
		forget_contexts(p);
	c = &p->contexts[p->ncontexts++];
	*c = (struct replay_context){ .number = ++p->contexts_made,
	    .facts = j->facts->number, .n = j->nplaces,
	    .bracket = j->bracket, .is_split = j->opts->is_split,
	    .is_clang = j->opts->is_clang };
	c->dirs = mem_calloc(c->n, sizeof(struct dir *));
	for (i = 0; i < c->n; i++)
		c->dirs[i] = j->places[i].dir;
	return c->number;
}

/*
 * The number of what the whole job searches and asks.  Directories that are
 * gone may have lent their address to another one, and what was kept while the
 * clock was another one is not to be trusted: then all contexts are new.
 */
uint64_t
replay_context_of(struct job *j)
{
	struct replay *p = &j->scan->replay;
	const struct tree *t = &j->scan->tree;
	size_t i;

	if (p->trust != t->trust || p->deaths != t->deaths) {
		forget_contexts(p);
		p->trust = t->trust;
		p->deaths = t->deaths;
		j->context = 0;
	}
	if (j->context != 0)
		return j->context;
	for (i = 0; i < p->ncontexts; i++)
		if (is_context(&p->contexts[i], j))
			return j->context = p->contexts[i].number;
	return j->context = add_context(p, j);
}

/* ---- doing it again -------------------------------------------------- */

/* out     is_told: becomes false if it would not be told when this changes */
static bool
is_met(struct job *j, const struct op *op, bool *is_told)
{
	struct tree *t = &j->scan->tree;
	struct file *f;

	if (op->kind == OP_DIR) {
		if (tree_dir_gen(t, op->dir) != op->number)
			return false;
		*is_told = *is_told && tree_tells_of_dir(op->dir);
		return true;
	}
	if (op->ent->type != ENT_FILE || tree_file(t, op->ent, &f) < 0)
		return false;
	*is_told = *is_told && tree_tells_of_file(t, f);
	return op->kind == OP_STAMP ? f->change == op->number :
	    f->drops == op->number && f->settled == t->trust;
}

bool
replay_is_met(struct job *j, struct inclusion *in)
{
	bool is_told = true;
	size_t i;

	if (in->stirs == j->scan->tree.stirs)
		return true;
	in->stirs = 0;
	for (i = 0; i < in->nneeds; i++)
		if (!is_met(j, &in->needs[i], &is_told))
			return false;
	if (is_told)
		in->stirs = j->scan->tree.stirs;
	return true;
}

static bool
fits(struct job *j, const struct frame *f, struct way *w, uint64_t context)
{
	const struct macros *m = &j->scan->macros;
	struct inclusion *in = w->in;
	size_t i;

	if (w->context != context || (w->first.sym != NULL &&
	    macro_identity(m, w->first.sym) != w->first.is))
		return false;
	if (in->ent != f->ent || in->open_dir != f->open_dir ||
	    in->place != f->place || in->after != f->after ||
	    f->level + in->depth > LEVEL_MAX)
		return false;
	for (i = 0; i < in->nasked; i++)
		if (macro_identity(m, in->asked[i].sym) != in->asked[i].is) {
			w->first = in->asked[i];
			return false;
		}
	for (i = 0; i < in->nflags; i++) {
		tree_see_file(&j->scan->tree, in->flags[i].file);
		/* what they are behind OP_AFTER is not asked */
		if (((tree_flags(in->flags[i].file) ^ in->flags[i].flags) &
		    (OP_ONCE | OP_MAYBE_ONCE)) != 0)
			return false;
	}
	return replay_is_met(j, in);
}

static int
find_again(struct job *j, const struct op *op)
{
	int r;

	switch (op->kind) {
	case OP_FILE:
		if ((r = answer_file(j, op->ent)) < 0)
			return job_lost(j, r, op->ent->name->name);
		break;
	case OP_LINK:
		answer_link(j, op->ent);
		break;
	case OP_ABSENT:
		answer_no_ent(j, op->ent);
		break;
	case OP_PRIVATE:
		answer_private(j, op->ent);
		break;
	case OP_ROOTED:
		answer_rooted(j, op->ent);
		break;
	case OP_DIRECTORY:
		answer_dir(j, op->dir);
		break;
	case OP_SYSTEM:
		answer_system_dir(j, op->dir);
		break;
	default:
		answer_place(j, op->number);
	}
	return 0;
}

void
replay_begin_scan(struct scan *s)
{
	s->replay.nleft = s->replay.compared = 0;
	s->replay.frees = s->tree.replayed.frees;
	record_free_dropped(&s->tree.replayed);
}

static void
leave_out(struct scan *s, const struct inclusion *in)
{
	struct replay *p = &s->replay;

	s->trace.has_left_out = true;
	if (p->nleft == p->left_size) {
		p->left_size = p->left_size != 0 ? p->left_size * 2 : 64;
		p->left = mem_realloc(p->left, p->left_size,
		    sizeof(*p->left));
	}
	p->left[p->nleft++] = in;
}

static const struct bound *
find_bound(const struct inclusion *in, const struct sym *s)
{
	size_t i;

	for (i = in->nwanted; i < in->nbound; i++)
		if (in->bound[i].sym == s)
			return &in->bound[i];
	return NULL;
}

/*
 * The latest of those that bind it counts.  What this scan itself bound the
 * name to may be from before that, or from behind it.
 */
bool
replay_bind_left_out(void *arg, struct sym *name)
{
	struct scan *s = arg;
	struct replay *p = &s->replay;
	const struct bound *b;
	size_t i;

	if (p->frees != s->tree.replayed.frees)
		return false;
	for (i = p->nleft; i-- > 0; ) {
		p->compared += p->left[i]->nbound;
		if (p->compared > REPLAY_COMPARED_MAX)
			return false;
		b = find_bound(p->left[i], name);
		if (b == NULL)
			continue;
		if (macro_is_set(&s->macros, name))
			return false;
		macro_bind_late(&s->macros, name, b->macro, b->identity);
		return true;
	}
	return true;
}

static void
bind_again(struct scan *s, struct inclusion *in)
{
	size_t i, n = in->nbound;

	if (in->first_asks != s->trace.first_asks)
		inclusion_sort_bound(in, s->trace.first_asks);
	/* what this is a part of has to know them all */
	if (s->trace.recording == 0 && s->replay.nleft < REPLAY_LEFT_MAX) {
		n = in->nwanted;
		if (n != in->nbound)
			leave_out(s, in);
	}
	for (i = 0; i < n; i++) {
		const struct bound *b = &in->bound[i];

		macro_restore(&s->macros, b->sym, b->macro, b->identity);
	}
}

/* What comes after it may be traced as a part of what it is in. */
static void
trace_again(struct job *j, const struct inclusion *in)
{
	struct trace *t = &j->scan->trace;
	size_t i, nops = t->nops;

	for (i = 0; i < in->nasked; i++)
		trace_ask(t, in->asked[i].sym, in->asked[i].is);
	for (i = 0; i < in->nneeds && !t->is_off; i++)
		trace_add_op(t, in->needs[i]);
	for (i = 0; i < in->nflags; i++)
		tree_trace_flags(&j->scan->tree, in->flags[i].file);
	for (i = 0; i < in->nnumbers; i++)
		trace_op(t, OP_NUMBER, NULL, in->numbers[i]);
	trace_kept(t, t->nops - nops);
}

int
replay_find_again(struct job *j, struct inclusion *in)
{
	uint32_t scan = j->scan->tree.scan;
	size_t i;
	int r = 0;

	/* once a scan, but for who records what comes of it */
	if (in->found_scan != scan || !j->scan->trace.is_off) {
		for (i = 0; i < in->nnumbers; i++)
			answer_number(j, in->numbers[i]);
		for (i = 0; r == 0 && i < in->nfound; i++)
			r = find_again(j, &in->found[i]);
		in->found_scan = scan;
	}
	return r < 0 ? r :
	    job_step(j, 1 + (in->nasked + in->nbound) / 16);
}

static int
do_again(struct job *j, const struct frame *f, struct inclusion *in)
{
	struct trace *t = &j->scan->trace;
	bool was_off = t->is_off;
	size_t i;
	int r;

	t->has_replayed = true;
	if (t->recording != 0) {
		trace_again(j, in);
	} else {
		trace_op(t, OP_AGAIN, in, 0);
		t->is_off = true;	/* nobody will want each of it */
	}
	trace_enter(t, f->level + in->depth);
	bind_again(j->scan, in);
	for (i = 0; i < in->nflags; i++)
		tree_set_flags(&j->scan->tree, in->flags[i].file,
		    in->flags[i].flags >> OP_AFTER);
	r = replay_find_again(j, in);
	if (t->recording == 0)
		t->is_off = was_off;
	return r;
}

bool
replay_is_possible(const struct job *j, const struct frame *f)
{
	const struct scan *s = j->scan;

	return j->facts != NULL && !s->forgets && !s->trace.is_off &&
	    !s->trace.is_refused && s->macros.undecided == 0 &&
	    s->tree.deaths == j->deaths && (f == NULL || !f->is_renamed);
}

int
replay_find(struct job *j, struct frame *f, const struct unit *u, bool *done)
{
	struct replays *r = u->replays;
	uint64_t context;
	struct way w;
	uint32_t i;

	*done = false;
	if (f->is_main || !replay_is_possible(j, f) || r->nways == 0)
		return 0;
	context = replay_context_of(j);
	for (i = 0; i < r->nways; i++)
		if (fits(j, f, &r->ways[i], context)) {
			w = r->ways[i];
			memmove(r->ways + 1, r->ways, i * sizeof(w));
			r->ways[0] = w;
			r->used++;
			*done = true;
			return do_again(j, f, w.in);
		}
	return 0;
}

void
replay_free(struct replay *p)
{
	forget_contexts(p);
	free(p->left);
}
