/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace - what a scan looks at and what it does, in order, so that record.c can
 * tell what an inclusion depended on and what came of it.
 */
#ifndef SCAN_TRACE_H
#define SCAN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/atom.h"

/* Beyond, nothing more of this scan is traced. */
#define TRACE_MAX	((size_t)1024 * 1024)

enum op_kind {
	/* what something depended on */
	OP_DIR,		/* dir: names were looked up in it; number: its gen */
	OP_READ,	/* ent: its file's text; number: the file's drops */
	OP_STAMP,	/* ent: its file's times; number: the file's change */
	OP_FLAGS,	/* file: whether it is to be read again; flags */
	/* what was put into the answer */
	OP_FILE, OP_LINK, OP_ABSENT, OP_PRIVATE, OP_ROOTED,	/* ent */
	OP_DIRECTORY, OP_SYSTEM,	/* dir */
	OP_PLACE,	/* number: index into the search path */
	OP_NUMBER,	/* number: of the compiler's own files */
	OP_AGAIN,	/* in: it was done again while nothing was recorded */
};

struct op {
	uint8_t kind;
	uint8_t flags;		/* OP_FLAGS: enum op_flags */
	uint32_t number;
	union {
		void *ptr;
		struct dir *dir;
		struct ent *ent;
		struct file *file;
		struct inclusion *in;
	};
};

enum op_flags {
	OP_ONCE		= 1,
	OP_MAYBE_ONCE	= 2,
	OP_AFTER	= 2,	/* bits: behind them, those at the end */
};

/* A name's first use since the floor. */
struct use {
	struct sym *sym;
	uint64_t was;		/* macro_identity() before */
	bool is_set_first;	/* bound before anybody asked what it is */
	bool is_set;		/* bound at some time */
};

struct trace {
	struct use *uses;	/* owns */
	size_t nuses, uses_size;
	size_t floor;		/* uses[] below are not looked at for a name */
	struct op *ops;		/* owns */
	size_t nops, ops_size;
	unsigned int recording;	/* inclusions being traced; else no uses */
	unsigned int deepest;	/* level of inclusion since it was set */
	size_t largest;		/* ops of one that is kept, likewise */
	uint32_t breaks;	/* counts what cannot be done again … */
	uint32_t doubts;	/* … nor is so in the same command */
	uint32_t lowest_pop;	/* of macro_pop()'s since it was set */
	bool is_off;		/* for the rest of the scan */
	/* names that nobody has asked for yet need not be bound by what is
	 * done again; find_left_out() binds one after all, false: it cannot */
	bool (*find_left_out)(void *arg, struct sym *s);
	void *arg;
	bool has_left_out;	/* such names: in this scan */
	bool has_replayed;	/* anything: in this scan */
	bool must_restart;	/* the scan, since one cannot be bound */
	bool is_refused;	/* nothing is to be done again, for this command */
	uint32_t first_asks;	/* counts the first asks for such names */
};

void trace_begin(struct trace *t);
void trace_free(struct trace *t);
size_t trace_memory(const struct trace *t);
void trace_add_op(struct trace *t, struct op op);
void trace_add_use(struct trace *t, struct use use);
/* trace_repeat - the ops of [from, to) once more, as a search's from memory. */
void trace_repeat(struct trace *t, size_t from, size_t to);

/* trace_break - no inclusion in hand can be done again. */
static inline void
trace_break(struct trace *t)
{
	t->breaks++;
}

/* trace_doubt - nor can a command as a whole: the next scan may see another. */
static inline void
trace_doubt(struct trace *t)
{
	t->breaks++;
	t->doubts++;
}

/* trace_stop - nor any later one of this scan. */
static inline void
trace_stop(struct trace *t)
{
	t->breaks++;
	t->is_off = true;
}

/* trace_enter - a file at that level of inclusion. */
static inline void
trace_enter(struct trace *t, unsigned int level)
{
	if (level > t->deepest)
		t->deepest = level;
}

/* trace_kept - an inclusion of so many ops is kept. */
static inline void
trace_kept(struct trace *t, size_t nops)
{
	if (nops > t->largest)
		t->largest = nops;
}

/* trace_pop - what the nth push_macro kept was taken; 0: there was none. */
static inline void
trace_pop(struct trace *t, uint32_t n)
{
	if (t != NULL && n < t->lowest_pop)
		t->lowest_pop = n;
}

static inline struct use *
trace_find(struct trace *t, const struct sym *s)
{
	struct use *u = t->uses + s->traced;

	return s->traced >= t->floor && s->traced < t->nuses &&
	    u->sym == s ? u : NULL;
}

/* trace_ask_first - of a name that nobody has asked for yet.  It may be bound
 * to something else then. */
void trace_ask_first(struct trace *t, struct sym *s);
/* trace_refuse - what this command does cannot be done again. */
void trace_refuse(struct trace *t);

/* trace_ask - somebody wants to know what the name, which has been asked for
 * before, is bound to, which is is. */
static inline void
trace_ask(struct trace *t, struct sym *s, uint64_t is)
{
	if (t != NULL && t->recording != 0 && trace_find(t, s) == NULL)
		trace_add_use(t, (struct use){ s, is, false, false });
}

/* trace_set - the name, so far bound to was, will be bound. */
static inline void
trace_set(struct trace *t, struct sym *s, uint64_t was)
{
	struct use *u;

	if (t == NULL || t->recording == 0)
		return;
	u = trace_find(t, s);
	if (u != NULL)
		u->is_set = true;
	else
		trace_add_use(t, (struct use){ s, was, true, true });
}

static inline void
trace_op(struct trace *t, enum op_kind kind, void *ptr, uint32_t number)
{
	if (!t->is_off)
		trace_add_op(t, (struct op){ .kind = (uint8_t)kind,
		    .number = number, .ptr = ptr });
}

#endif
