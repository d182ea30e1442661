/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lexer - a file on its way to becoming a unit.  For lex.c (tokens and
 * macros), unit.c (directives) and watch.c (strings) only.
 */
#ifndef SCAN_LEXER_H
#define SCAN_LEXER_H

#include "client/scan/lex.h"
#include "client/scan/text.h"

/* Comparisons in one file, where their number is a product of two lengths. */
#define LEXER_WORK_MAX	((size_t)100 * 1000 * 1000)

struct lexer {
	struct atoms *atoms;
	struct arena *arena;
	struct text text;
	struct unit *unit;
	struct lex_source *source;	/* the unit's; NULL: not needed yet */
	size_t *held;
	/* tokens of the line in hand; owns */
	struct tok *toks;
	size_t ntoks, toks_size;
	size_t dirs_size;
	/* a line without its splices; owns */
	char *line;
	size_t line_size;
	/* the open conditions: index of each one's latest branch; owns */
	uint32_t *open;
	size_t nopen, open_size;
	/* the latest names of #line: generated sources have two by turns */
	struct sym *line_names[2];
	size_t work;
	bool in_directive;
	bool has_ucn;	/* a name may go on with \u: it is not the one we see */
};

/* ---- lex.c ---- */

/* lex_line - the tokens of [p, end), which has no splices, into lx->toks. */
void lex_line(struct lexer *lx, const char *p, const char *end);
/* lex_keep - those from the given one on, in the arena. */
struct toks lex_keep(struct lexer *lx, size_t from);
/* lex_define - a macro from the line's tokens, the first being its name. */
int lex_define(struct lexer *lx, struct macro **out) MUST_CHECK;
/*
 * lex_put_off - a macro that [p, end) defines, to be read when it is wanted.
 * in      p: behind the directive's name
 * out     name
 * returns NULL if it has to be read at once
 */
struct macro *lex_put_off(struct lexer *lx, const char *p, const char *end,
    struct sym **name);
struct sym *lex_name(struct lexer *lx, const char *p, const char *q);

static inline bool
lex_is_punct(const struct tok *t, unsigned int code)
{
	return t->kind == TOK_PUNCT && t->code == code;
}

/* ---- unit.c ---- */

struct directive *unit_add(struct lexer *lx, enum directive_kind kind);
void unit_add_unsure(struct lexer *lx, const char *why);

/* ---- watch.c ---- */

/* watch_literal - for struct text: looks at a string's contents, [p, q). */
void watch_literal(void *arg, const char *p, const char *q);

#endif
