/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lex - a source file as the list of its directives.
 *
 * Everything between directives is thrown away, but for what can make the
 * compiler open another file (.incbin in a string) or change a macro (_Pragma).
 * The text is not trusted to be C: any bytes give some list.
 */
#ifndef SCAN_LEX_H
#define SCAN_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/atom.h"
#include "lib/err.h"

enum tok_kind {
	TOK_EOF,
	TOK_IDENT,	/* sym */
	TOK_NUMBER,	/* text */
	TOK_STRING,	/* text, with prefix and quotes */
	TOK_CHAR,	/* text, with prefix and quotes */
	TOK_HEADER,	/* text: <name> with its brackets */
	TOK_PUNCT,	/* code */
	TOK_OTHER,	/* text: one byte that is nothing else */
	TOK_PARAM,	/* code: the parameter's number, in a macro's body */
	TOK_VA_OPT,	/* code: how many tokens its contents have */
	TOK_PLACE,	/* nothing, so that ## has something to join */
};

enum {
	TOK_WHITE	= 1,	/* white space before it */
	TOK_PAINTED	= 2,	/* never to be expanded again */
	TOK_PASTE	= 4,	/* ## follows */
	TOK_STRINGIFY	= 8,	/* # precedes (TOK_PARAM) */
};

/* One-character punctuators have their character as code. */
enum punct {
	PUNCT_EQ = 256, PUNCT_NE, PUNCT_LE, PUNCT_GE, PUNCT_AND, PUNCT_OR,
	PUNCT_SHL, PUNCT_SHR, PUNCT_HASHHASH, PUNCT_ELLIPSIS, PUNCT_SCOPE,
	PUNCT_ARROW, PUNCT_INC, PUNCT_DEC, PUNCT_ASSIGN, PUNCT_SPACESHIP,
};

struct tok {
	uint8_t kind;
	uint8_t flags;
	uint16_t code;
	uint32_t len;			/* of text */
	union {
		struct sym *sym;
		const char *text;
	};
};

struct toks {
	const struct tok *ptr;
	size_t n;
};

/* What a file is read as; it depends on the language. */
struct lex_mode {
	bool raw_strings;
	bool line_comments;	/* // starts one */
	bool trigraphs;
	bool elifdef;		/* the compiler knows #elifdef */
};

/*
 * A definition's number.  Those in files are counted; those that options and
 * the compiler make go by their text, which is kept as an atom, so that they
 * have one number in every scan.
 */
#define MACRO_NUMBER_FIRST	16	/* lower ones are an enum binding's */
#define MACRO_OF_TEXT		(UINT64_C(1) << 63)
#define MACRO_OF_COMPILER	(UINT64_C(1) << 62 | MACRO_OF_TEXT)

/* What a definition's text is read with, when somebody wants to know it. */
struct lex_source {
	struct atoms *atoms;		/* borrows */
	struct arena *arena;		/* likewise: its unit's */
	size_t *held;			/* likewise: grows with the arena */
	struct lex_mode mode;
};

/* Most of a header's macros are never expanded: then all that is kept of them
 * is what stands behind the name. */
struct macro {
	union {
		struct toks body;
		struct {
			const char *ptr;	/* then a newline and a NUL */
			size_t len;
		} text;
	};
	uint64_t number;		/* no other definition has it */
	struct lex_source *source;	/* NULL: body is set, as is what follows */
	uint16_t nparams;		/* the variadic one counts */
	bool is_variadic;		/* the last parameter takes the rest */
	bool is_function;		/* this is always set */
	bool is_builtin;		/* and this: the name's word says which */
};

enum directive_kind {
	DIR_IF,			/* recalls, toks */
	DIR_IFDEF, DIR_IFNDEF,	/* sym */
	DIR_ELIF,		/* recalls, toks */
	DIR_ELIFDEF, DIR_ELIFNDEF,	/* sym */
	DIR_ELSE, DIR_ENDIF,
	DIR_INCLUDE, DIR_INCLUDE_NEXT, DIR_IMPORT,	/* name, or toks */
	DIR_EMBED,		/* name, or toks */
	DIR_DEFINE,		/* sym, macro, number */
	DIR_UNDEF,		/* sym */
	DIR_ONCE,
	DIR_MAYBE_ONCE,		/* _Pragma("once"): compilers differ */
	DIR_PUSH, DIR_POP,	/* sym */
	DIR_TAINT,		/* sym: a macro's body pushes or pops it */
	DIR_DEPENDENCY,		/* name */
	DIR_LINE,		/* name: its lines are shown in messages */
	DIR_INCBIN,		/* name: read by the assembler */
	DIR_ASM_INCLUDE,	/* name: likewise */
	DIR_UNSURE,		/* text: why nothing can be said for sure */
};

struct recall;
struct way;

/* What including a file came to before; filled by record.c. */
struct replays {
	struct way *ways;	/* owns, the latest used first; NULL: none yet */
	uint32_t nways;
	uint32_t runs;		/* times that its directives were run */
	uint32_t kept, used;
};

/* What a condition came to before; filled by recall.c. */
struct recalls {
	struct recall *first;	/* owns */
};

struct directive {
	uint8_t kind;
	bool is_angle;		/* name was in <> */
	uint32_t next;		/* of a condition: its next branch or #endif */
	union {
		struct sym *sym;
		struct sym *name;	/* NULL: computed, from toks */
		const char *text;
		struct recalls *recalls;	/* never NULL */
	};
	union {
		struct {
			const struct macro *macro;
			uint64_t number;	/* the macro's */
		};
		struct toks toks;
	};
};

struct unit {
	struct arena arena;	/* owns everything below */
	struct directive *dirs;
	size_t n;
	struct sym *guard;	/* while it is a macro nothing here is read; or
				   NULL */
	bool renames_file;	/* has #line: __FILE__ is not its name */
	bool depends_on_mode;	/* another mode would read it differently */
	struct replays *replays;	/* owns; whoever keeps the unit made it */
};

/*
 * lex_unit - read a file's text.
 * in      text: untrusted, size bytes, followed by a newline and a NUL that
 *         the caller put there
 * out     unit: zeroed by the caller; unit_free() later
 *         held: grows with the unit's arena afterwards, as macros are wanted;
 *         or NULL
 */
void lex_unit(struct atoms *atoms, const char *text, size_t size,
    const struct lex_mode *mode, struct unit *unit, size_t *held);
void unit_free(struct unit *unit);

/*
 * lex_macro - "NAME", "NAME body" or "NAME(params) body", as behind #define.
 * in      text: untrusted, followed by a newline and a NUL
 * out     name; macro in arena
 * returns 0, ERR_SYNTAX
 */
int lex_macro(struct atoms *atoms, struct arena *arena, const char *text,
    struct sym **name, const struct macro **macro) MUST_CHECK;

/* lex_read_macro - the body and parameters of one of which the text is there. */
void lex_read_macro(const struct macro *m);

/* lex_want_macro - m, all of it. */
static inline const struct macro *
lex_want_macro(const struct macro *m)
{
	if (m->source != NULL)
		lex_read_macro(m);
	return m;
}

/*
 * lex_paste - one token from the spelling of two.
 * returns 0; ERR_SYNTAX if it is not exactly one
 */
int lex_paste(struct atoms *atoms, struct arena *arena, const char *text,
    size_t len, struct tok *out) MUST_CHECK;

/* lex_spelling - a token's characters; never NULL. */
const char *lex_spelling(const struct tok *t, size_t *len);

#endif
