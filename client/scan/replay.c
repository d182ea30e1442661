/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/job.h"
#include "client/scan/replay.h"
#include "lib/mem.h"

/* A name that was asked for, or bound. */
struct asked {
	struct sym *sym;
	uint64_t is;		/* macro_identity() */
};

struct bound {
	struct sym *sym;
	const struct macro *macro;	/* of a file that was read, so it lives */
	uint64_t identity;
};

struct inclusion {
	struct inclusion *next;		/* of those that are dropped */
	uint64_t stirs;			/* the tree's when the needs were met,
					   if it would have told since */
	struct ent *ent;
	struct dir *open_dir;
	int place;
	unsigned int depth;		/* levels of inclusion below */
	uint32_t first_asks;		/* the trace's when bound was sorted */
	size_t nasked, nbound, nneeds, nflags, nfound, nnumbers, size;
	size_t nwanted;			/* of bound: those that were asked for */
	struct asked *asked;		/* these are behind the struct */
	struct bound *bound;		/* those that were asked for first */
	struct op *needs;		/* OP_DIR, OP_READ, OP_STAMP */
	struct op *flags;		/* OP_FLAGS */
	struct op *found;		/* what is not in numbers[] */
	uint32_t *numbers;		/* found of the compiler's own */
};

/*
 * One of the states that a file was included in, with what most often tells it
 * from the others: they are looked through without touching what came of them.
 */
struct way {
	struct inclusion *in;		/* owns */
	uint64_t context;
	struct asked first;		/* one of in's; sym NULL: it asks for none */
};

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
	if (in->ent != f->ent || in->open_dir != f->open_dir || in->place != f->place ||
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
	switch (op->kind) {
	case OP_FILE:
		return answer_file(j, op->ent);
	case OP_LINK:
		answer_link(j, op->ent);
		return 0;
	case OP_ABSENT:
		answer_no_ent(j, op->ent);
		return 0;
	case OP_DIRECTORY:
		answer_dir(j, op->dir);
		return 0;
	case OP_SYSTEM:
		answer_system_dir(j, op->dir);
		return 0;
	default:
		answer_place(j, op->number);
		return 0;
	}
}

/*
 * Puts the names that somebody has asked for, ever, before those that nobody
 * has: the second sort makes up most of a header.
 */
static void
sort_bound(struct inclusion *in, uint32_t first_asks)
{
	struct bound b;
	size_t i;

	for (i = in->nwanted; i < in->nbound; i++) {
		b = in->bound[i];
		if (!b.sym->is_asked) {
			b.sym->is_left_out = true;
			continue;
		}
		in->bound[i] = in->bound[in->nwanted];
		in->bound[in->nwanted++] = b;
	}
	in->first_asks = first_asks;
}

void
replay_begin_scan(struct scan *s)
{
	s->replay.nleft = s->replay.compared = 0;
	s->replay.frees = s->tree.replayed.frees;
	replay_free_dropped(&s->tree.replayed);
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
		sort_bound(in, s->trace.first_asks);
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
replay_find_again(struct job *j, const struct inclusion *in)
{
	size_t i;
	int r = 0;

	for (i = 0; i < in->nnumbers; i++)
		answer_number(j, in->numbers[i]);
	for (i = 0; r == 0 && i < in->nfound; i++)
		r = find_again(j, &in->found[i]);
	return r < 0 ? job_unsure(j, "a file vanished") :
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
replay_is_possible(const struct job *j)
{
	const struct scan *s = j->scan;

	return j->facts != NULL && !s->forgets && !s->trace.is_off &&
	    !s->trace.is_refused && s->macros.undecided == 0 &&
	    s->tree.deaths == j->deaths;
}

static bool
is_possible(const struct job *j, const struct frame *f)
{
	return !f->is_renamed && replay_is_possible(j);
}

int
replay_find(struct job *j, struct frame *f, const struct unit *u, bool *done)
{
	struct replays *r = u->replays;
	uint64_t context;
	struct way w;
	uint32_t i;

	*done = false;
	if (f->is_main || !is_possible(j, f) || r->nways == 0)
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

/* ---- keeping it ------------------------------------------------------ */

void
replay_begin(struct job *j, const struct frame *f, const struct unit *u,
    struct replay_segment *g)
{
	struct trace *t = &j->scan->trace;

	memset(g, 0, sizeof(*g));
	if (f->is_main || !is_possible(j, f))
		return;
	/* what is included once is not worth it, nor what never fits */
	if (u->replays->runs++ == 0 || (u->replays->kept > REPLAY_TRIES &&
	    u->replays->used < u->replays->kept / 2))
		return;
	g->is_on = true;
	g->use = t->nuses;
	g->op = t->nops;
	g->floor = t->floor;
	g->deepest = t->deepest;
	g->largest = t->largest;
	g->breaks = t->breaks;
	g->lowest_pop = t->lowest_pop;
	g->pushes = j->scan->macros.pushes;
	g->pushed = j->scan->macros.pushed;
	t->lowest_pop = UINT32_MAX;
	t->floor = t->nuses;
	t->deepest = f->level;
	t->largest = 0;
	t->recording++;
	tree_trace_flags(&j->scan->tree, f->file);
}

/* Each name of the segment once, with all that became of it. */
static void
merge_uses(struct trace *t, size_t from)
{
	size_t i, n = t->nuses;
	struct use *first;

	t->floor = t->nuses = from;
	for (i = from; i < n; i++) {
		first = trace_find(t, t->uses[i].sym);
		if (first != NULL)
			first->is_set |= t->uses[i].is_set;
		else
			trace_add_use(t, t->uses[i]);
	}
}

/* Whether the op stands in the segment for the first time. */
static bool
is_new(struct job *j, struct op *op)
{
	struct replay *p = &j->scan->replay;
	uint32_t mark = p->marks;
	uint16_t bit = (uint16_t)(1u << op->kind);
	struct ent *e = op->ent;
	bool seen;

	switch (op->kind) {
	case OP_DIR:
	case OP_DIRECTORY:
	case OP_SYSTEM:
		seen = op->dir->mark == mark && (op->dir->marked & bit) != 0;
		op->dir->marked = op->dir->mark == mark ?
		    op->dir->marked | bit : bit;
		op->dir->mark = mark;
		return !seen;
	case OP_FLAGS:
		seen = op->file->mark == mark;
		op->file->mark = mark;
		op->flags |= (uint8_t)(tree_flags(op->file) << OP_AFTER);
		return !seen;
	case OP_PLACE:
		if (op->number >= 32)
			return true;
		seen = (p->places >> op->number & 1) != 0;
		p->places |= UINT32_C(1) << op->number;
		return !seen;
	case OP_NUMBER:
		return numbers_mark(&p->numbers, op->number);
	default:
		seen = e->mark == mark && (e->marked & bit) != 0;
		e->marked = e->mark == mark ? e->marked | bit : bit;
		e->mark = mark;
		return !seen;
	}
}

static void
add_merged(struct replay *p, const struct op *op)
{
	if (p->nmerged == p->merged_size) {
		p->merged_size = p->merged_size != 0 ? p->merged_size * 2 :
		    1024;
		p->merged = mem_realloc(p->merged, p->merged_size,
		    sizeof(*p->merged));
	}
	p->merged[p->nmerged++] = *op;
}

static void
begin_merge(struct replay *p)
{
	p->marks++;
	p->places = 0;
	p->nmerged = 0;
	numbers_begin(&p->numbers);
}

static void
merge_op(struct job *j, struct op op)
{
	if (is_new(j, &op))
		add_merged(&j->scan->replay, &op);
}

/* What was done again as a whole; nothing in it was. */
static void
merge_inclusion(struct job *j, const struct inclusion *in)
{
	size_t i;

	for (i = 0; i < in->nneeds; i++)
		merge_op(j, in->needs[i]);
	for (i = 0; i < in->nnumbers; i++)
		merge_op(j, (struct op){ .kind = OP_NUMBER,
		    .number = in->numbers[i] });
	for (i = 0; i < in->nfound; i++)
		merge_op(j, in->found[i]);
}

/* The ops from there on, each once. */
static void
merge_ops(struct job *j, size_t from)
{
	const struct trace *t = &j->scan->trace;
	size_t i;

	begin_merge(&j->scan->replay);
	for (i = from; i < t->nops; i++)
		if (t->ops[i].kind == OP_AGAIN)
			merge_inclusion(j, t->ops[i].in);
		else
			merge_op(j, t->ops[i]);
}

/*
 * What was found is known by its number if it is of the compiler's own.  That is
 * the number of its times; who reads a file looks at these.
 * in      op: becomes OP_NUMBER
 * returns whether it says something that is new
 */
static bool
number_op(struct job *j, struct op *op)
{
	struct replay *p = &j->scan->replay;
	struct ent *e = op->ent;
	bool is_own = op->kind == OP_ABSENT || answer_is_system(j, e->in);
	uint32_t number = op->kind == OP_ABSENT ? e->absent : e->number;

	if (!is_own || number == 0)
		return true;
	if (op->kind == OP_FILE && (e->marked & 1u << OP_READ) == 0)
		add_merged(p, &(struct op){ .kind = OP_STAMP,
		    .number = e->number_change, .ent = e });
	*op = (struct op){ .kind = OP_NUMBER, .number = number };
	return numbers_mark(&p->numbers, number);
}

static size_t *
count_of(struct inclusion *in, const struct op *op)
{
	switch (op->kind) {
	case OP_DIR:
	case OP_READ:
	case OP_STAMP:
		return &in->nneeds;
	case OP_FLAGS:
		return &in->nflags;
	case OP_NUMBER:
		return &in->nnumbers;
	default:
		return &in->nfound;
	}
}

/* out     in: the counts of all kinds */
static void
number_ops(struct job *j, struct inclusion *in)
{
	struct replay *p = &j->scan->replay;
	size_t i, n = 0, before = p->nmerged;
	struct op op;

	for (i = 0; i < p->nmerged; i++) {
		op = p->merged[i];
		if (i < before && (op.kind == OP_FILE ||
		    op.kind == OP_LINK || op.kind == OP_ABSENT) &&
		    !number_op(j, &op))
			continue;
		++*count_of(in, &op);
		p->merged[n++] = op;
	}
	p->nmerged = n;
}

static void
free_last(struct replays *r, struct replay_held *held)
{
	struct inclusion *in = r->ways[--r->nways].in;

	held->bytes -= in->size;
	held->frees++;
	if (held->dropped_bytes > REPLAY_DROPPED_MAX_BYTES) {
		held->has_lost = true;
		free(in);
		return;
	}
	in->next = held->dropped;
	held->dropped = in;
	held->dropped_bytes += in->size;
}

void
replay_free_dropped(struct replay_held *held)
{
	struct inclusion *in;

	while ((in = held->dropped) != NULL) {
		held->dropped = in->next;
		free(in);
	}
	held->dropped_bytes = 0;
	held->has_lost = false;
}

/* The least recently used goes where there are too many. */
static void
put_first(struct job *j, const struct unit *u, const struct way *w)
{
	struct replay_held *held = &j->scan->tree.replayed;
	struct replays *r = u->replays;

	if (r->ways == NULL) {
		r->ways = mem_calloc(REPLAY_WAYS, sizeof(*w));
		held->bytes += REPLAY_WAYS * sizeof(*w);
	}
	if (r->nways == REPLAY_WAYS)
		free_last(r, held);
	memmove(r->ways + 1, r->ways, r->nways++ * sizeof(*w));
	r->ways[0] = *w;
	r->kept++;
	held->bytes += w->in->size;
}

/*
 * What pop_macro brought back may be no file's: it is there already, and does
 * not live as long as what is kept.
 */
static bool
has_bound(const struct macros *m, const struct use *u)
{
	return u->is_set && (u->is_set_first ||
	    macro_identity(m, u->sym) != u->was);
}

static void
split_uses(struct job *j, size_t from, struct inclusion *in)
{
	const struct macros *m = &j->scan->macros;
	const struct trace *t = &j->scan->trace;
	size_t i;

	for (i = from; i < t->nuses; i++) {
		const struct use *u = &t->uses[i];

		if (!u->is_set_first)
			in->asked[in->nasked++] =
			    (struct asked){ u->sym, u->was };
		if (has_bound(m, u))
			in->bound[in->nbound++] = (struct bound){ u->sym,
			    u->sym->macro, macro_identity(m, u->sym) };
	}
}

static void
fill(struct inclusion *in, const struct op *op)
{
	size_t *n = count_of(in, op);

	if (n == &in->nneeds)
		in->needs[*n] = *op;
	else if (n == &in->nflags)
		in->flags[*n] = *op;
	else if (n == &in->nnumbers)
		in->numbers[*n] = op->number;
	else
		in->found[*n] = *op;
	++*n;
}

/* As large as it has to be: there are thousands of them. */
static struct inclusion *
make(struct job *j, size_t from)
{
	const struct trace *t = &j->scan->trace;
	const struct replay *p = &j->scan->replay;
	struct inclusion *in, n = { 0 };
	size_t i;

	number_ops(j, &n);
	for (i = from; i < t->nuses; i++) {
		n.nasked += !t->uses[i].is_set_first;
		n.nbound += has_bound(&j->scan->macros, &t->uses[i]);
	}
	n.size = sizeof(n) + n.nasked * sizeof(struct asked) +
	    n.nbound * sizeof(struct bound) +
	    (n.nneeds + n.nflags + n.nfound) * sizeof(struct op) +
	    n.nnumbers * sizeof(uint32_t);
	in = mem_calloc(1, n.size);
	in->size = n.size;
	in->asked = (struct asked *)(in + 1);
	in->bound = (struct bound *)(in->asked + n.nasked);
	in->needs = (struct op *)(in->bound + n.nbound);
	in->flags = in->needs + n.nneeds;
	in->found = in->flags + n.nflags;
	in->numbers = (uint32_t *)(in->found + n.nfound);
	for (i = 0; i < p->nmerged; i++)
		fill(in, &p->merged[i]);
	return in;
}

static void
keep(struct job *j, const struct frame *f, const struct unit *u,
    const struct replay_segment *g)
{
	struct trace *t = &j->scan->trace;
	struct way w = { .context = replay_context_of(j) };
	struct inclusion *in;

	merge_uses(t, g->use);
	merge_ops(j, g->op);
	in = make(j, g->use);
	in->ent = f->ent;
	in->open_dir = f->open_dir;
	in->place = f->place;
	in->depth = t->deepest - f->level;
	split_uses(j, g->use, in);
	sort_bound(in, t->first_asks);
	w.in = in;
	if (in->nasked != 0)
		w.first = in->asked[0];
	put_first(j, u, &w);
}

/* Whether each push_macro had its pop_macro, and the other way round. */
static bool
leaves_stack(const struct job *j, const struct replay_segment *g)
{
	return j->scan->macros.pushed == g->pushed &&
	    j->scan->trace.lowest_pop > g->pushes;
}

/*
 * Headers include headers that include most of what there is to include: to
 * keep each of these again costs more than it saves.  The outermost is kept.
 */
static bool
adds_enough(const struct trace *t, size_t nops)
{
	return t->recording == 0 || t->largest * REPLAY_GROWTH <= nops;
}

void
replay_end(struct job *j, const struct frame *f, const struct unit *u,
    const struct replay_segment *g, int r)
{
	struct trace *t = &j->scan->trace;
	size_t n = t->nuses - g->use, nops = t->nops - g->op;

	if (!g->is_on)
		return;
	t->recording--;
	if (r == 0 && t->breaks == g->breaks && leaves_stack(j, g) &&
	    j->npending == 0 && is_possible(j, f) && n >= REPLAY_MIN_USES &&
	    n <= REPLAY_MAX_USES && nops <= REPLAY_MAX_OPS &&
	    adds_enough(t, nops)) {
		keep(j, f, u, g);
		j->steps += (n + nops) / 16;
		trace_kept(t, nops);
	}
	trace_kept(t, g->largest);
	t->floor = g->floor;
	if (g->lowest_pop < t->lowest_pop)
		t->lowest_pop = g->lowest_pop;
	trace_enter(t, g->deepest);
	if (j->scan->tree.replayed.bytes > REPLAY_MAX_BYTES)
		tree_drop_replays(&j->scan->tree);
}

struct inclusion *
replay_of_scan(struct job *j)
{
	const struct trace *t = &j->scan->trace;

	if (t->doubts != j->doubts || j->npending != 0 ||
	    j->scan->tree.replayed.has_lost || !replay_is_possible(j))
		return NULL;
	merge_ops(j, j->ops);
	return make(j, t->nuses);
}

size_t
replay_size(const struct inclusion *in)
{
	return in->size;
}

void
replay_drop(struct unit *u, struct replay_held *held)
{
	struct replays *r = u->replays;

	if (r == NULL || r->ways == NULL)
		return;
	while (r->nways != 0)
		free_last(r, held);
	free(r->ways);
	r->ways = NULL;
	held->bytes -= REPLAY_WAYS * sizeof(*r->ways);
}

void
replay_free(struct replay *p)
{
	forget_contexts(p);
	numbers_free(&p->numbers);
	free(p->left);
	free(p->merged);
}
