/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/recall.h"
#include "lib/mem.h"

struct recall {
	struct recall *next;	/* the one used before it */
	uint64_t language;
	uint64_t facts;		/* 0: the compiler was not asked */
	uint8_t truth;
	uint8_t n;
	struct recall_name names[];
};

static size_t
size_of(size_t n)
{
	return sizeof(struct recall) + n * sizeof(struct recall_name);
}

void
recall_begin(struct recall_note *note)
{
	note->is_on = true;
	note->unfit = note->asked = note->of_place = false;
	note->n = 0;
}

void
recall_note_name(struct recall_note *note, const struct macros *m,
    struct sym *s)
{
	size_t i;

	for (i = 0; i < note->n; i++)
		if (note->names[i].sym == s)
			return;
	if (note->n == RECALL_NAMES_MAX) {
		note->unfit = true;
		return;
	}
	note->names[note->n].sym = s;
	note->names[note->n++].is = macro_identity(m, s);
}

static bool
fits(const struct recall *r, const struct macros *m, uint64_t language,
    uint64_t facts)
{
	size_t i;

	if (r->language != language || (r->facts != 0 && r->facts != facts))
		return false;
	for (i = 0; i < r->n; i++)
		if (macro_identity(m, r->names[i].sym) != r->names[i].is)
			return false;
	return true;
}

static void
ask_all(const struct recall *r, const struct macros *m)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		trace_ask(m->trace, r->names[i].sym, r->names[i].is);
}

bool
recall_find(const struct recalls *cell, const struct macros *m,
    uint64_t language, uint64_t facts, uint8_t *truth)
{
	const struct recall *r;

	for (r = cell->first; r != NULL; r = r->next)
		if (fits(r, m, language, facts)) {
			ask_all(r, m);
			*truth = r->truth;
			return true;
		}
	return false;
}

static void
drop_after(struct recall **p, size_t *held)
{
	struct recall *r;

	while ((r = *p) != NULL) {
		*p = r->next;
		*held -= size_of(r->n);
		free(r);
	}
}

void
recall_keep(struct recalls *cell, const struct recall_note *note,
    uint64_t language, uint64_t facts, uint8_t truth, size_t *held)
{
	struct recall *r, **p = &cell->first;
	size_t i;

	if (note->unfit)
		return;
	for (i = 1; i < RECALL_WAYS && *p != NULL; i++)
		p = &(*p)->next;
	drop_after(p, held);
	r = mem_realloc(NULL, size_of(note->n), 1);
	r->language = language;
	r->facts = note->asked ? facts : 0;
	r->truth = truth;
	r->n = (uint8_t)note->n;
	memcpy(r->names, note->names, note->n * sizeof(*note->names));
	r->next = cell->first;
	cell->first = r;
	*held += size_of(note->n);
}

void
recall_drop(struct unit *u, size_t *held)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->dirs[i].kind == DIR_IF || u->dirs[i].kind == DIR_ELIF)
			drop_after(&u->dirs[i].recalls->first, held);
}
