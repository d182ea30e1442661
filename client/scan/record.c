/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/inclusion.h"
#include "client/scan/job.h"
#include "client/scan/record.h"
#include "lib/mem.h"

void
inclusion_sort_bound(struct inclusion *in, uint32_t first_asks)
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
record_begin(struct job *j, const struct frame *f, const struct unit *u,
    struct segment *g)
{
	struct trace *t = &j->scan->trace;

	memset(g, 0, sizeof(*g));
	if (f->is_main || !replay_is_possible(j, f))
		return;
	/* what is included once is not worth it, nor what never fits */
	if (u->replays->runs++ == 0 || (u->replays->kept > RECORD_TRIES &&
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
	struct merge *m = &j->scan->merge;
	uint32_t mark = m->marks;
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
		seen = (m->places >> op->number & 1) != 0;
		m->places |= UINT32_C(1) << op->number;
		return !seen;
	case OP_NUMBER:
		return numbers_mark(&m->numbers, op->number);
	default:
		seen = e->mark == mark && (e->marked & bit) != 0;
		e->marked = e->mark == mark ? e->marked | bit : bit;
		e->mark = mark;
		return !seen;
	}
}

static void
add_merged(struct merge *m, const struct op *op)
{
	if (m->n == m->size) {
		m->size = m->size != 0 ? m->size * 2 : 1024;
		m->ops = mem_realloc(m->ops, m->size, sizeof(*m->ops));
	}
	m->ops[m->n++] = *op;
}

static void
begin_merge(struct merge *m)
{
	m->marks++;
	m->places = 0;
	m->n = 0;
	numbers_begin(&m->numbers);
}

static void
merge_op(struct job *j, struct op op)
{
	if (is_new(j, &op))
		add_merged(&j->scan->merge, &op);
}

/* What was done again as a whole, perhaps often; nothing in it was. */
static void
merge_inclusion(struct job *j, struct inclusion *in)
{
	size_t i;

	if (in->mark == j->scan->merge.marks)
		return;
	in->mark = j->scan->merge.marks;
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

	begin_merge(&j->scan->merge);
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
	struct merge *m = &j->scan->merge;
	struct ent *e = op->ent;
	bool is_own = op->kind == OP_ABSENT || op->kind == OP_PRIVATE ||
	    answer_is_system(j, e->in);
	uint32_t number = op->kind == OP_ABSENT ? e->absent.number :
	    op->kind == OP_PRIVATE ? e->private.number : e->number;

	if (!is_own || number == 0)
		return true;
	if (op->kind == OP_FILE && (e->marked & 1u << OP_READ) == 0)
		add_merged(m, &(struct op){ .kind = OP_STAMP,
		    .number = e->number_change, .ent = e });
	*op = (struct op){ .kind = OP_NUMBER, .number = number };
	return numbers_mark(&m->numbers, number);
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
	struct merge *m = &j->scan->merge;
	size_t i, n = 0, before = m->n;
	struct op op;

	for (i = 0; i < m->n; i++) {
		op = m->ops[i];
		if (i < before && (op.kind == OP_FILE ||
		    op.kind == OP_LINK || op.kind == OP_ABSENT ||
		    op.kind == OP_PRIVATE) &&
		    !number_op(j, &op))
			continue;
		++*count_of(in, &op);
		m->ops[n++] = op;
	}
	m->n = n;
}

static void
free_last(struct replays *r, struct records *held)
{
	struct inclusion *in = r->ways[--r->nways].in;

	held->bytes -= in->size;
	held->frees++;
	if (held->dropped_bytes > RECORD_DROPPED_MAX_BYTES) {
		held->has_lost = true;
		free(in);
		return;
	}
	in->next = held->dropped;
	held->dropped = in;
	held->dropped_bytes += in->size;
}

void
record_free_dropped(struct records *held)
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
	struct records *held = &j->scan->tree.replayed;
	struct replays *r = u->replays;

	if (r->ways == NULL) {
		r->ways = mem_calloc(RECORD_WAYS, sizeof(*w));
		held->bytes += RECORD_WAYS * sizeof(*w);
	}
	if (r->nways == RECORD_WAYS)
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
	const struct merge *m = &j->scan->merge;
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
	for (i = 0; i < m->n; i++)
		fill(in, &m->ops[i]);
	return in;
}

static void
keep(struct job *j, const struct frame *f, const struct unit *u,
    const struct segment *g)
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
	in->after = f->after;
	in->depth = t->deepest - f->level;
	split_uses(j, g->use, in);
	inclusion_sort_bound(in, t->first_asks);
	w.in = in;
	if (in->nasked != 0)
		w.first = in->asked[0];
	put_first(j, u, &w);
}

/* Whether each push_macro had its pop_macro, and the other way round. */
static bool
leaves_stack(const struct job *j, const struct segment *g)
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
	return t->recording == 0 || t->largest * RECORD_GROWTH <= nops;
}

void
record_end(struct job *j, const struct frame *f, const struct unit *u,
    const struct segment *g, int r)
{
	struct trace *t = &j->scan->trace;
	size_t n = t->nuses - g->use, nops = t->nops - g->op;

	if (!g->is_on)
		return;
	t->recording--;
	if (r == 0 && t->breaks == g->breaks && leaves_stack(j, g) &&
	    j->npending == 0 && replay_is_possible(j, f) &&
	    n >= RECORD_MIN_USES && n <= RECORD_MAX_USES && nops <= RECORD_MAX_OPS &&
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
	if (j->scan->tree.replayed.bytes > RECORD_MAX_BYTES)
		tree_drop_replays(&j->scan->tree);
}

struct inclusion *
record_scan(struct job *j)
{
	const struct trace *t = &j->scan->trace;

	if (t->doubts != j->doubts || j->npending != 0 ||
	    j->scan->tree.replayed.has_lost || !replay_is_possible(j, NULL))
		return NULL;
	merge_ops(j, j->ops);
	return make(j, t->nuses);
}

size_t
record_size(const struct inclusion *in)
{
	return in->size;
}

void
record_drop(struct unit *u, struct records *held)
{
	struct replays *r = u->replays;

	if (r == NULL || r->ways == NULL)
		return;
	while (r->nways != 0)
		free_last(r, held);
	free(r->ways);
	r->ways = NULL;
	held->bytes -= RECORD_WAYS * sizeof(*r->ways);
}

void
record_free(struct merge *m)
{
	numbers_free(&m->numbers);
	free(m->ops);
}
