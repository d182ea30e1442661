/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * job - one scan in hand: where it searches, what it has found, and why it
 * cannot go on.  For the scanner's own files only.
 */
#ifndef SCAN_JOB_H
#define SCAN_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/expand.h"
#include "client/scan/facts.h"
#include "client/scan/macro.h"
#include "client/scan/number.h"
#include "client/scan/opts.h"
#include "client/scan/record.h"
#include "client/scan/replay.h"
#include "client/scan/scan.h"
#include "client/scan/source.h"
#include "client/scan/tree.h"

/* A directory of the search path. */
struct place {
	const char *text;
	struct dir *dir;
	const struct walk *walk;	/* how it was reached; in job->arena */
	bool is_named;			/* its links are in the answer, or
					   are the compiler's own */
};

enum {
	PLACE_BESIDE	= -1,	/* in the including file's directory */
	PLACE_ABSOLUTE	= -2,
	AFTER_NONE	= -1,
};

struct found {
	struct ent *ent;	/* NULL: there is none */
	struct dir *open_dir;	/* where its own #include "" looks first */
	int place;		/* index, or PLACE_… */
};

struct memo {
	struct sym *name;
	const void *from;
	uint32_t scan;
	size_t ops, ops_end;		/* in the trace: what the search did */
	bool breaks;			/* it cannot be done again */
	struct found found;
};

/* What is kept from scan to scan. */
struct scan {
	struct atoms atoms;
	struct tree tree;
	struct macros macros;
	struct expand expand;
	struct trace trace;
	struct replay replay;
	struct merge merge;
	struct sources sources;
	struct numbers numbers;
	struct facts *facts;		/* owns: a list */
	struct arena arena;		/* reset by each scan */
	struct memo *memos;		/* owns: names looked up in this scan */
	size_t nmemos, memos_size;	/* size: a power of two */
	struct walk walk;		/* the latest: too large for a stack */
	uint64_t facts_made;
	bool forgets;			/* conditions are always evaluated */
};

struct frame {
	struct frame *includer;		/* NULL: the main file or an option */
	struct ent *ent;
	struct file *file;
	struct dir *open_dir;
	const struct sym *name;		/* as it was included */
	int place;
	int after;			/* where its #include_next begins; or
					   AFTER_NONE: it is an #include */
	unsigned int level;
	bool is_main;
	bool is_renamed;		/* by #line, here or further out */
};

struct job {
	struct scan *scan;
	const struct scan_request *req;
	struct opts *opts;
	struct facts *facts;		/* NULL: source is preprocessed */
	struct lex_mode mode;
	struct dir *cwd;
	struct place *places;		/* in scan->arena */
	size_t nplaces, bracket;	/* <> starts at places[bracket] */
	struct scan_answer *answer;
	struct sym **pending;		/* owns: queries for the compiler */
	size_t npending, pending_size;
	size_t steps, next_check;	/* see job_step() */
	uint64_t context;		/* replay.c's; 0: not known yet */
	uint32_t deaths;		/* the tree's when the scan began */
	size_t ops;			/* the trace's, once it knew where to search */
	uint32_t doubts;		/* likewise */
	int64_t deadline_ms;
	bool is_overtaken;		/* by a change: see job_lost() */
};

#define LEVEL_MAX	200		/* gcc's own -fmax-include-depth */

/* What a scan may take; beyond, the answer is "not sure". */
#define JOB_MS_MAX		5000
#define JOB_STEPS_MAX		((size_t)50 * 1000 * 1000)
#define JOB_MEMORY_MAX_BYTES	((size_t)1536 * 1024 * 1024)

/* job_unsure - note why (the first reason stands); returns ERR_UNSUPPORTED. */
int job_unsure(struct job *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * job_lost - a file that was found could not be read (r).  Where it is gone, or
 * another one by now, the tree has changed under the scan, which is then made
 * anew.  returns as job_unsure()
 */
int job_lost(struct job *j, int r, const char *name);

/*
 * job_step - n steps more were made: directives, tokens, directories searched.
 * returns 0; ERR_UNSUPPORTED once the scan has taken too much of anything
 */
int job_step(struct job *j, size_t n) MUST_CHECK;

/* ---- search.c ---- */

/* search_begin - resolve the working directory and the search path. */
int search_begin(struct job *j) MUST_CHECK;

enum search_kind {
	SEARCH_INCLUDE, SEARCH_NEXT, SEARCH_OPTION, SEARCH_EMBED, SEARCH_ASM
};

/*
 * search_find - where a header is; f->ent is NULL if it is nowhere.
 * What it passes on its way is put into the answer.
 */
int search_find(struct job *j, const struct frame *from,
    enum search_kind kind, struct sym *name, bool is_angle,
    struct found *f) MUST_CHECK;

/* search_after - a frame's `after`: what f found for an #include in from. */
int search_after(const struct job *j, const struct frame *from,
    const struct found *f);

/* answer_place - name how places[i] was reached, once it matters. */
void answer_place(struct job *j, size_t i);

/* search_spelled - a file's name as the compiler would print it; lent. */
const char *search_spelled(struct job *j, const struct frame *f);

/* ---- answer.c ---- */

void answer_walk(struct job *j, const struct walk *w);
int answer_file(struct job *j, struct ent *e) MUST_CHECK;
void answer_dir(struct job *j, struct dir *d);
void answer_link(struct job *j, struct ent *e);
void answer_no_ent(struct job *j, struct ent *e);
/* answer_number - what numbers_add() gave the number to. */
void answer_number(struct job *j, uint32_t number);
void answer_system_dir(struct job *j, struct dir *s);
/* answer_is_system - whether d is the compiler's own, in this job. */
bool answer_is_system(struct job *j, struct dir *d);
/*
 * What is not there must not be there on a host either, lest it compile something
 * else.  What is not the compiler's own is the job's alone: a host must have nothing
 * in that directory; where each has something, none of that name.
 */
/* answer_absent - of a name that was looked for in d, by way of w. */
void answer_absent(struct job *j, struct dir *d, struct sym *name,
    const struct walk *w);
/* answer_absent_dir - of one of the compiler's own directories. */
void answer_absent_dir(struct job *j, const char *path);
/*
 * answer_option_dir - of one that is here, at the end of w, and
 * answer_no_option_dir - one that w did not come to.
 * in      text: the option's
 */
void answer_option_dir(struct job *j, const char *text, const struct walk *w);
void answer_no_option_dir(struct job *j, const char *text,
    const struct walk *w);
/* answer_mark_private - of one on the search path: nothing below it has to be
 * said any more.  All are marked before anything is looked for. */
void answer_mark_private(struct job *j, struct dir *d);
/* answer_private - of a name, or with a slash behind it a directory. */
void answer_private(struct job *j, struct ent *e);
/* answer_rooted - of what is named in full, or in effect so, by more ".." than
 * there are directories; here or not. */
void answer_rooted(struct job *j, struct ent *e);
void answer_mark_system(struct job *j, struct dir *d);

/* ---- engine.c ---- */

/* engine_run - all that the command makes the preprocessor read. */
int engine_run(struct job *j) MUST_CHECK;

#endif
