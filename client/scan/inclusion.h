/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inclusion - what including a file in some state came to: made by record.c out
 * of the trace, done again by replay.c.  For these two only.
 */
#ifndef SCAN_INCLUSION_H
#define SCAN_INCLUSION_H

#include "client/scan/job.h"

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
	int place, after;
	unsigned int depth;		/* levels of inclusion below */
	uint32_t first_asks;		/* the trace's when bound was sorted */
	uint32_t mark;			/* of the merge that has had it */
	uint32_t found_scan;		/* scan whose answer has what it found */
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

/*
 * inclusion_sort_bound - put the names that somebody has asked for, ever, before
 * those that nobody has: the second sort makes up most of a header.
 * in      first_asks: the trace's
 */
void inclusion_sort_bound(struct inclusion *in, uint32_t first_asks);

#endif
