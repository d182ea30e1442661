/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number - numbers for the compiler's own files.
 *
 * A job reads some hundred of them, the same ones as the job before, and a client
 * wants to know of each whether its host has the same.  So each file, as it is,
 * gets a number once, and answers have the numbers only.  What was given a
 * number stays so: a file that changes gets another.
 */
#ifndef SCAN_NUMBER_H
#define SCAN_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/scan.h"
#include "lib/err.h"

/* Beyond, nothing gets one and answers are whole. */
#define NUMBERS_MAX	((size_t)1024 * 1024)

struct numbers {
	uint64_t epoch;			/* no other scanner's */
	struct scan_entry *entries;	/* owns; [number], the first unused */
	size_t n, size;
	struct arena text;		/* of the entries */
	uint32_t *marks;		/* owns: the latest answer that has it */
	size_t nmarks;
	uint32_t answer;		/* the one in hand, > 0 */
};

void numbers_init(struct numbers *ns);
void numbers_free(struct numbers *ns);
size_t numbers_memory(const struct numbers *ns);

/* numbers_add - a number for what e says; 0: there are too many. */
uint32_t numbers_add(struct numbers *ns, const struct scan_entry *e);

/* numbers_begin - a new answer: none is marked. */
void numbers_begin(struct numbers *ns);

void numbers_grow_marks(struct numbers *ns, uint32_t number);

/* numbers_mark - in  number: given by numbers_add(); returns whether it is
 * marked for the first time. */
static inline bool
numbers_mark(struct numbers *ns, uint32_t number)
{
	bool is_first;

	if (number >= ns->nmarks)
		numbers_grow_marks(ns, number);
	is_first = ns->marks[number] != ns->answer;
	ns->marks[number] = ns->answer;
	return is_first;
}

/* numbers_get - what got the number; NULL if none did.  Lent. */
const struct scan_entry *numbers_get(const struct numbers *ns, uint32_t number);

#endif
