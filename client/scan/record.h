/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record - what including a file, or a whole command, came to: kept so that
 * replay.c can do it again.
 */
#ifndef SCAN_RECORD_H
#define SCAN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/lex.h"
#include "client/scan/number.h"

#define RECORD_WAYS		8	/* states kept for one file */
#define RECORD_MIN_USES		8	/* less is done as fast */
#define RECORD_MAX_USES		((size_t)32 * 1024)	/* in one */
#define RECORD_MAX_OPS		((size_t)32 * 1024)	/* likewise */
#define RECORD_GROWTH		2	/* of one over those that it includes */
#define RECORD_TRIES		16	/* kept before it is asked what of use */
#define RECORD_MAX_BYTES	((size_t)128 * 1024 * 1024)	/* in all */
#define RECORD_DROPPED_MAX_BYTES ((size_t)32 * 1024 * 1024)

struct frame;
struct inclusion;
struct job;
struct pushed;

/* An inclusion being traced. */
struct segment {
	bool is_on;
	size_t use, op, floor;
	unsigned int deepest;
	size_t largest;
	uint32_t breaks;
	uint32_t pushes, lowest_pop;
	const struct pushed *pushed;
};

/* record_begin, record_end - around running the file; in r: how it ended. */
void record_begin(struct job *j, const struct frame *f, const struct unit *u,
    struct segment *g);
void record_end(struct job *j, const struct frame *f, const struct unit *u,
    const struct segment *g, int r);

/*
 * record_scan - all that this scan has asked for and found.
 * returns NULL: it cannot be done again; free()
 */
struct inclusion *record_scan(struct job *j);
size_t record_size(const struct inclusion *in);		/* bytes */

/* What is kept in all. */
struct records {
	size_t bytes;
	uint32_t frees;			/* counts what was dropped */
	struct inclusion *dropped;	/* owns: until the next scan begins, for
					   the trace may have them */
	size_t dropped_bytes;
	bool has_lost;			/* some were too many for that */
};

/* The ops of what is being kept, each once. */
struct merge {
	uint32_t marks;			/* for finding what stands twice */
	struct numbers numbers;		/* marks only: likewise */
	uint32_t places;		/* likewise: a bit each */
	struct op *ops;			/* owns */
	size_t n, size;
};

/* record_drop - forget what a unit has. */
void record_drop(struct unit *u, struct records *held);
void record_free_dropped(struct records *held);
void record_free(struct merge *m);

#endif
