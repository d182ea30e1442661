/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * atom - memory that is freed all at once (arena), and names that are kept
 * once (sym), so that two names are equal when their pointers are.
 */
#ifndef SCAN_ATOM_H
#define SCAN_ATOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;	/* owns; the newest first */
	unsigned char *next;
	size_t left;
	size_t total;			/* bytes asked of malloc */
};

/* arena_grow - makes room for size more bytes. */
void arena_grow(struct arena *a, size_t size);

/* arena_alloc - size bytes, aligned to 8, not cleared; never NULL. */
static inline void *
arena_alloc(struct arena *a, size_t size)
{
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (size > a->left)
		arena_grow(a, size);
	p = a->next;
	a->next += size;
	a->left -= size;
	return p;
}

/* arena_copy - a copy of n bytes and a NUL behind them. */
char *arena_copy(struct arena *a, const void *ptr, size_t n);
/* arena_free - all of it; a zeroed struct is an empty arena. */
void arena_free(struct arena *a);
/* arena_reset - forget the contents, keep one chunk for the next use. */
void arena_reset(struct arena *a);

struct macro;

/* What a name is bound to as a macro. */
enum binding {
	BOUND_NOT,	/* it is no macro */
	BOUND_MACRO,	/* sym.macro */
	BOUND_SOME,	/* it is a macro, one of several: contents unknown */
	BOUND_MAYBE,	/* it may be a macro, contents unknown */
};

/* Names with a meaning of their own in a directive or in #if. */
enum word {
	WORD_NONE,
	WORD_IF, WORD_IFDEF, WORD_IFNDEF, WORD_ELIF, WORD_ELIFDEF,
	WORD_ELIFNDEF, WORD_ELSE, WORD_ENDIF,
	WORD_INCLUDE, WORD_INCLUDE_NEXT, WORD_IMPORT, WORD_EMBED,
	WORD_DEFINE, WORD_UNDEF, WORD_PRAGMA, WORD_LINE,
	WORD_DEFINED, WORD_VA_ARGS, WORD_VA_OPT, WORD_TRUE, WORD_FALSE,
	WORD_AND, WORD_OR, WORD_NOT, WORD_XOR, WORD_BITAND, WORD_BITOR,
	WORD_COMPL, WORD_NOT_EQ,
	WORD_HAS_INCLUDE, WORD_HAS_INCLUDE_NEXT, WORD_HAS_EMBED,
	WORD_ASK,		/* __has_builtin …: the compiler knows */
	WORD_FILE,		/* __FILE__ */
	WORD_BASE_FILE,
	WORD_LEVEL,		/* __INCLUDE_LEVEL__ */
	WORD_VARIES,		/* __LINE__, __COUNTER__, __DATE__ … */
};

#define ATOM_READ	16	/* bytes of a name that are looked at together */

/* A multiple of a cache line, what a scan looks at most being together. */
struct sym {
	uint64_t identity;	/* the binding's, as in macro_identity() */
	const struct macro *macro;	/* the binding, if epoch is the scan's */
	uint32_t epoch;
	uint8_t bound;		/* enum binding */
	uint8_t word;		/* enum word */
	bool busy;		/* being expanded */
	bool tainted : 1;	/* for this epoch: never trust a binding */
	bool is_asked : 1;	/* somebody wanted to know the binding, once */
	bool is_left_out : 1;	/* replay.c may leave it unbound till then */
	uint32_t len;
	uint32_t hash;
	struct sym *next;	/* in the table's bucket */
	const char *name;	/* NUL-terminated, ATOM_READ bytes at least */
	const struct sym_parts *parts;	/* of a name with slashes, or NULL */
	uint32_t outcome;	/* where in a join's; to be compared there */
	uint32_t traced;	/* … in a trace's uses; likewise */
};

/* A relative path's components, none of them "", "." or "..". */
struct sym_parts {
	size_t n;		/* 0: it is not of that kind */
	struct sym *ptr[];
};

struct atoms {
	struct arena arena;
	struct sym **buckets;	/* owns */
	size_t nbuckets;	/* a power of two */
	size_t count;
	struct sym *free;	/* aligned, not yet used */
	size_t nfree;
	uint64_t definitions;	/* macros read from files so far */
};

void atoms_init(struct atoms *t);
void atoms_free(struct atoms *t);
struct sym *atoms_get(struct atoms *t, const char *name, size_t len);

/*
 * atoms_get_readable - the same where ATOM_READ bytes can be read, whatever
 * len is: it then need not copy a short name.
 */
struct sym *atoms_get_readable(struct atoms *t, const char *name, size_t len);

#endif
