/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expand - macro expansion of one directive's tokens, by the standard's rules
 * and, where it leaves a choice, as gcc does.
 */
#ifndef SCAN_EXPAND_H
#define SCAN_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#include "client/scan/lex.h"
#include "client/scan/macro.h"
#include "client/scan/recall.h"

struct context {
	const struct tok *p, *end;
	struct sym *macro;	/* whose body this is; NULL: none */
	bool first;		/* the next token is the first: */
	uint8_t first_flags;	/* … it takes this white space */
	bool barrier;		/* nothing below may be read */
};

#define EXPAND_NO_LEVEL	(~0U)	/* it is not known */

struct expand {
	struct macros *macros;		/* borrows */
	struct atoms *atoms;		/* borrows */
	struct arena arena;		/* reset by expand_begin() */
	struct context *stack;		/* owns */
	size_t depth, size;
	struct tok *args;		/* owns: tokens of arguments in hand */
	size_t nargs, args_size;
	unsigned int level;		/* of __INCLUDE_LEVEL__, or: */
	const char *file, *base_file;	/* __FILE__, __BASE_FILE__; or NULL */
	unsigned int literal;		/* > 0: expand nothing */
	bool unknown;	/* met a macro whose contents are not known */
	bool broken;	/* the compiler would refuse it, or too long */
	struct recall_note note;
	size_t work;	/* what was made since expand_begin() */
	unsigned int nested;	/* arguments being expanded, one in another */
};

void expand_init(struct expand *e, struct atoms *atoms,
    struct macros *macros);
void expand_free(struct expand *e);

/* expand_bound - what a name is bound to, and note that it was asked. */
static inline enum binding
expand_bound(struct expand *e, struct sym *s)
{
	enum binding bound = macro_ask(e->macros, s);

	if (e->note.is_on)
		recall_note_name(&e->note, e->macros, s);
	return bound;
}

/* expand_begin - start on the tokens of one directive. */
void expand_begin(struct expand *e, struct toks toks);

/*
 * expand_next - the next token after expansion; TOK_EOF at the end.
 * __has_include and its like come out as themselves.
 */
struct tok expand_next(struct expand *e);

#endif
