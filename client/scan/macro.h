/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * macro - which names are macros at this point of a scan.
 *
 * A binding lives in its name and carries the number of the scan that made it,
 * so a new scan begins with none.  While a condition that cannot be decided
 * is open, each change is logged: the branches are run one after the other
 * from the same state, and then their outcomes are joined.
 */
#ifndef SCAN_MACRO_H
#define SCAN_MACRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/atom.h"
#include "client/scan/lex.h"
#include "client/scan/trace.h"

struct change {
	struct sym *sym;	/* NULL: */
	bool *flag;		/* … this was set */
	const struct macro *macro;
	uint8_t bound;
};

/* What the branches so far made of a name. */
struct outcome {
	struct sym *sym;
	const struct macro *macro;
	uint8_t bound;
	uint32_t count;		/* how many of them changed it */
	uint32_t last;		/* the latest of those */
};

struct join {
	struct outcome *ptr;	/* owns */
	size_t n, size;
	uint32_t branches;
	size_t log;		/* the log's length when it began */
};

/* #pragma push_macro */
struct pushed {
	struct pushed *below;
	struct sym *sym;
	const struct macro *macro;
	uint32_t number;	/* counts pushes, from 1 */
	uint8_t bound;
};

/* A name whose base binding a scan has hidden. */
struct hidden {
	struct sym *sym;
	const struct macro *macro;
	uint64_t identity;
};

struct macros {
	uint32_t epoch;		/* number of the scan */
	uint32_t base;		/* … of the base that it has; its own: none */
	/* What many scans begin with is bound once; each scan puts back what
	 * the one before it bound otherwise. */
	struct {
		uint32_t epoch;		/* 0: there is none */
		uint64_t number;	/* whose it is */
		size_t n;		/* how many macros */
		struct hidden *hidden;	/* owns */
		size_t nhidden, hidden_size;
	} kept;
	struct change *log;	/* owns */
	size_t nlog, log_size;
	unsigned int undecided;	/* open joins */
	size_t work;		/* names and pushes passed; the caller's to reset */
	size_t compared;	/* bytes of macros read for that, in this scan */
	struct pushed *pushed;
	uint32_t pushes;
	struct arena *arena;	/* the scan's; borrows */
	struct trace *trace;	/* likewise; or NULL */
};

static inline bool
macro_is_live(const struct macros *m, const struct sym *s)
{
	return s->epoch == m->epoch || s->epoch == m->base;
}

static inline enum binding
macro_bound(const struct macros *m, const struct sym *s)
{
	return macro_is_live(m, s) ? (enum binding)s->bound : BOUND_NOT;
}

/* macro_identity - a number that tells what the name is bound to. */
static inline uint64_t
macro_identity(const struct macros *m, const struct sym *s)
{
	return macro_is_live(m, s) ? s->identity : BOUND_NOT;
}

/* macro_ask - what a name is bound to, which somebody wants to know. */
static inline enum binding
macro_ask(struct macros *m, struct sym *s)
{
	if (!s->is_asked)
		trace_ask_first(m->trace, s);
	trace_ask(m->trace, s, macro_identity(m, s));
	return macro_bound(m, s);
}

/* macro_is_set - whether this scan has bound the name itself, so far. */
static inline bool
macro_is_set(const struct macros *m, const struct sym *s)
{
	return s->epoch == m->epoch;
}

/*
 * macro_bind_late - bind a name, which this scan has not bound itself, to what
 * it has been bound to since before anything that is going on.
 */
void macro_bind_late(struct macros *m, struct sym *s,
    const struct macro *macro, uint64_t identity);

/* macro_restore - bind a name to what it was bound to when it had that identity. */
void macro_restore(struct macros *m, struct sym *s,
    const struct macro *macro, uint64_t identity);

/* macro_begin - a scan in which no name is a macro. */
void macro_begin(struct macros *m, struct arena *arena);

/*
 * macro_begin_base - … right behind it: in which those of a base are, n macros
 * that the number stands for, which live as long as scans say that number.
 * returns whether they are bound; if not, the caller has to, one by one
 */
bool macro_begin_base(struct macros *m, uint64_t number, size_t n);
void macro_bind_base(struct macros *m, struct sym *s,
    const struct macro *macro);
void macro_free(struct macros *m);

void macro_set(struct macros *m, struct sym *s, enum binding bound,
    const struct macro *macro);
/* macro_define - the same where the number is at hand and the macro is not. */
void macro_define(struct macros *m, struct sym *s, const struct macro *macro,
    uint64_t number);
/* macro_set_flag - set *flag; unset again if an open branch is left. */
void macro_set_flag(struct macros *m, bool *flag);
/* macro_taint - from here on the scan knows nothing about the name. */
void macro_taint(struct macros *m, struct sym *s);
void macro_push(struct macros *m, struct sym *s);
void macro_pop(struct macros *m, struct sym *s);

/*
 * A join: macro_join_begin(), then for each branch its directives and
 * macro_join_branch(), then macro_join_end().  The last takes whether the
 * branches were exhaustive (there was an #else).
 */
void macro_join_begin(struct macros *m, struct join *j);
void macro_join_branch(struct macros *m, struct join *j);
void macro_join_end(struct macros *m, struct join *j, bool exhaustive);

#endif
