/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay - what an #include came to, done again without a look at its
 * directives.
 *
 * What a header does, with all that it includes, follows from its text and
 * theirs, from where the search path leads, from what the macros that it asks
 * for are bound to, and from which files are to be read once.  When a file has
 * been included before, all this is kept with what came of it: names bound
 * and files found.  The next time it is compared, and where it is the same,
 * the outcome is.  Where not everything about an inclusion is known to be of that
 * kind it is not kept: __FILE__ and the like, #import, .incbin, a push_macro
 * without its pop_macro, names in directories that are just changing.
 */
#ifndef SCAN_REPLAY_H
#define SCAN_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/lex.h"

#define REPLAY_CONTEXTS_MAX	64
/* In one scan: inclusions that leave names out, and names that are compared to
 * find those which are wanted after all. */
#define REPLAY_LEFT_MAX		4096
#define REPLAY_COMPARED_MAX	((size_t)1024 * 1024)

struct frame;
struct inclusion;
struct job;
struct scan;

/* A search path, with all else that is the same for a whole job. */
struct replay_context {
	uint64_t number;		/* no other has it */
	uint64_t facts;
	size_t n, bracket;
	bool is_split, is_clang;
	struct dir **dirs;		/* owns the vector */
};

/* What a scan keeps for it. */
struct replay {
	struct replay_context contexts[REPLAY_CONTEXTS_MAX];
	size_t ncontexts;
	uint64_t contexts_made;
	uint32_t trust, deaths;		/* the tree's, when they were made */
	/* what this scan has done again without binding all its names, while
	 * nothing that is kept was freed since; owns the vector */
	const struct inclusion **left;
	size_t nleft, left_size;
	uint32_t frees;			/* the tree's when it began */
	size_t compared;
};

/*
 * replay_find - do what including the file in this state came to.
 * in      f: the inclusion, its flags set; u: the file's text
 * out     done: whether that was known
 * returns 0, ERR_UNSUPPORTED as job_step()
 */
int replay_find(struct job *j, struct frame *f, const struct unit *u,
    bool *done) MUST_CHECK;

/* replay_begin_scan - nothing has been done again yet. */
void replay_begin_scan(struct scan *s);

/* replay_bind_left_out - for struct trace: arg is the scan. */
bool replay_bind_left_out(void *arg, struct sym *s);

/* replay_is_possible - whether what is kept may be done again now, or what is
 * done now kept.  in  f: an inclusion; NULL: the whole command */
bool replay_is_possible(const struct job *j, const struct frame *f);
/* replay_context_of - a number for what the whole job searches and asks; what
 * was kept with another one is not to be looked at. */
uint64_t replay_context_of(struct job *j);

/* replay_is_met - whether what it asked for is as it was. */
bool replay_is_met(struct job *j, struct inclusion *in);
/* replay_find_again - put what it found into the answer. */
int replay_find_again(struct job *j, struct inclusion *in) MUST_CHECK;

void replay_free(struct replay *p);

#endif
