/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cond - the value of a condition: true, false, or not to be decided here.
 */
#ifndef SCAN_COND_H
#define SCAN_COND_H

#include <stdbool.h>
#include <stdint.h>

#include "client/scan/expand.h"
#include "lib/err.h"

enum truth { COND_FALSE, COND_TRUE, COND_UNKNOWN };

/* What the scan must be asked while a condition is evaluated. */
struct cond_asks {
	void *arg;
	/* has_include - whether a header is found; word: which operator */
	int (*has_include)(void *arg, enum word word, struct sym *name,
	    bool is_angle, bool *found);
	/* compiler - a query like __has_builtin(x); ERR_NOENT: not known */
	int (*compiler)(void *arg, const char *query, uint64_t *value);
};

struct cond_language {
	bool has_true;		/* true and false are words of #if */
	bool has_named_ops;	/* and, or, not … */
};

/*
 * cond_eval - evaluate #if's tokens.
 * out     truth
 * returns 0, or what an ask returned
 */
int cond_eval(struct expand *e, struct toks toks,
    const struct cond_language *lang, const struct cond_asks *asks,
    enum truth *truth) MUST_CHECK;

/*
 * cond_header - a header's name from e's tokens: a string, <name>, or
 * tokens between angle brackets.  *t is the first of them and becomes the one
 * behind.  Needed by computed #include, too.
 * returns 0, ERR_SYNTAX
 */
int cond_header(struct expand *e, struct tok *t, struct sym **name,
    bool *is_angle) MUST_CHECK;

#endif
