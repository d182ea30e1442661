/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts - what one compiler, with one set of options, says of itself: its
 * macros, its search path, how it reads a file, and its answers to
 * __has_builtin() and the like.
 *
 * The question is a small program on the compiler's standard input, run with
 * -E -dM -v; the answer is its standard error, a NUL and its output.  Where the
 * command leaves out some of the compiler's directories (-nostdinc), FACTS_ALL and
 * what it says on standard error without that come before the NUL.
 */
#ifndef SCAN_FACTS_H
#define SCAN_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/cond.h"
#include "client/scan/lex.h"
#include "client/scan/macro.h"
#include "lib/buf.h"
#include "lib/err.h"

#define FACTS_ANSWER_BYTES	((size_t)4 * 1024 * 1024)
#define FACTS_ALL		"\n# with all directories\n"

struct fact_macro {
	struct sym *sym;
	const struct macro *macro;
};

struct fact_answer {
	struct sym *query;
	uint64_t value;
};

struct facts {
	struct facts *next;
	const char *key;
	uint64_t number;	/* no other has it */
	uint64_t id;		/* the key's hash */
	struct arena arena;
	struct fact_macro *macros;	/* owns */
	size_t nmacros, macros_size;
	const char **dirs;		/* the search path; owns the vector */
	size_t ndirs, dirs_size;
	const char **missing;		/* parts of it that do not exist */
	size_t nmissing, missing_size;
	const char *path;		/* dirs in one, each with a newline */
	const char **all;		/* … with those that the command leaves out,
					   if it does; owns the vector */
	size_t nall, all_size;
	struct fact_answer *answers;	/* owns; by query's address */
	size_t nanswers, answers_size;
	struct lex_mode mode;
	struct cond_language lang;
	bool has_predef;		/* reads <stdc-predef.h> first */
	bool has_frameworks;
	char why[64];			/* why it cannot be used; or "" */
	unsigned int probes;		/* how often it was asked */
};

/*
 * facts_program - the program to feed the compiler.
 * in      queries: untrusted, one a line
 * returns 0; ERR_SYNTAX for a query that is not of the form NAME(words)
 */
int facts_program(struct view queries, struct buf *program) MUST_CHECK;

/* facts_usual - queries that are worth asking along with the first question. */
int facts_usual(struct buf *queries) MUST_CHECK;

/*
 * facts_learn - take an answer in.
 * in      f: zeroed but for key at the first time; later answers only add
 * returns 0, ERR_SYNTAX
 */
int facts_learn(struct facts *f, struct atoms *atoms, struct view queries,
    struct view answer) MUST_CHECK;

/* facts_answer - the value of a query; ERR_NOENT if it was never asked. */
int facts_answer(const struct facts *f, const struct sym *query,
    uint64_t *value) MUST_CHECK;

/* A search path in what a compiler says with -v. */
struct facts_path {
	struct view text;	/* what is left of it; untrusted */
	bool inside;
	bool ended;		/* as it should */
};

/* facts_next_dir - the path's next directory; false: there is none. */
bool facts_next_dir(struct facts_path *p, struct view *dir);

void facts_free(struct facts *f);

#endif
