/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/trace.h"
#include "lib/mem.h"

void
trace_begin(struct trace *t)
{
	t->nuses = t->floor = t->nops = 0;
	t->recording = t->deepest = 0;
	t->doubts = 0;
	t->largest = 0;
	t->lowest_pop = UINT32_MAX;
	t->has_left_out = t->has_replayed = t->must_restart = false;
	t->is_off = false;
}

void
trace_free(struct trace *t)
{
	free(t->uses);
	free(t->ops);
	memset(t, 0, sizeof(*t));
}

size_t
trace_memory(const struct trace *t)
{
	return t->uses_size * sizeof(*t->uses) + t->ops_size * sizeof(*t->ops);
}

void
trace_ask_first(struct trace *t, struct sym *s)
{
	s->is_asked = true;
	if (t == NULL || !s->is_left_out)
		return;
	t->first_asks++;
	if (t->has_left_out && !t->find_left_out(t->arg, s))
		t->must_restart = true;
}

void
trace_refuse(struct trace *t)
{
	trace_stop(t);
	t->is_refused = true;
	if (t->has_replayed)
		t->must_restart = true;
}

void
trace_add_op(struct trace *t, struct op op)
{
	if (t->nops == TRACE_MAX) {
		trace_stop(t);
		return;
	}
	if (t->nops == t->ops_size) {
		t->ops_size = t->ops_size != 0 ? t->ops_size * 2 : 1024;
		t->ops = mem_realloc(t->ops, t->ops_size, sizeof(*t->ops));
	}
	t->ops[t->nops++] = op;
}

void
trace_add_use(struct trace *t, struct use use)
{
	if (t->is_off)
		return;
	if (t->nuses == TRACE_MAX) {
		trace_stop(t);
		return;
	}
	if (t->nuses == t->uses_size) {
		t->uses_size = t->uses_size != 0 ? t->uses_size * 2 : 1024;
		t->uses = mem_realloc(t->uses, t->uses_size,
		    sizeof(*t->uses));
	}
	use.sym->traced = (uint32_t)t->nuses;
	t->uses[t->nuses++] = use;
}

void
trace_repeat(struct trace *t, size_t from, size_t to)
{
	for (; from < to && !t->is_off; from++)
		trace_add_op(t, t->ops[from]);
}
