/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recall - what a condition came to, kept with the macros that it was read
 * from.
 *
 * A condition's value follows from its own words, from what each name that it
 * looked at was bound to, and from the compiler's language.  So the same
 * directive has the same value while all of these are the same.  A definition
 * is told by its number, which no other ever has: neither its address, which
 * is used again, nor its text.  What asks for a file, for the place of the
 * directive or for the time is never kept.
 */
#ifndef SCAN_RECALL_H
#define SCAN_RECALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/atom.h"
#include "client/scan/lex.h"
#include "client/scan/macro.h"

#define RECALL_NAMES_MAX	24	/* a condition that reads more is not kept */
#define RECALL_WAYS		4	/* states kept for one directive */

struct recall_name {
	struct sym *sym;
	uint64_t is;		/* macro_identity() */
};

/* What one evaluation looked at. */
struct recall_note {
	bool is_on;
	bool unfit;		/* it cannot be kept */
	bool asked;		/* the compiler was asked: its facts count */
	bool of_place;		/* it is of where the directive stands */
	size_t n;
	struct recall_name names[RECALL_NAMES_MAX];
};

struct recalls;

void recall_begin(struct recall_note *note);
void recall_note_name(struct recall_note *note, const struct macros *m,
    struct sym *s);

/*
 * recall_find - the value kept for a directive in the present state.
 * in      cell: the directive's; language, facts: numbers that tell one
 *         language, and one compiler's answers, from any other
 * out     truth: enum truth
 * returns whether there is one
 */
bool recall_find(const struct recalls *cell, const struct macros *m,
    uint64_t language, uint64_t facts, uint8_t *truth);

/*
 * recall_keep - keep a value; the oldest of the directive's may go for it.
 * out     held: grows by the bytes that are kept
 */
void recall_keep(struct recalls *cell, const struct recall_note *note,
    uint64_t language, uint64_t facts, uint8_t truth, size_t *held);

/* recall_drop - free all that a unit's directives have; lessens *held. */
void recall_drop(struct unit *u, size_t *held);

#endif
