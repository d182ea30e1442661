/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text - where lines, strings and comments of a C source end.
 */
#ifndef SCAN_TEXT_H
#define SCAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/lex.h"

struct text {
	const char *start;
	const char *end;	/* *end is a newline, end[1] a NUL: sentinels */
	const struct lex_mode *mode;
	bool depends_on_mode;	/* out: another mode would end elsewhere */
	bool spliced;		/* out: a backslash-newline was passed */
	/* literal - called for each string, if not NULL; [p, q) without quotes */
	void (*literal)(void *arg, const char *p, const char *q);
	void *arg;
};

extern const uint16_t text_class[256];

enum {
	TEXT_WORD	= 1,	/* may stand in an identifier */
	TEXT_DIGIT	= 2,
	TEXT_BLANK	= 4,	/* white space other than newline */
	/* what ends a run that means nothing, see skip.h: */
	TEXT_CODE	= 8,	/* outside of directives */
	TEXT_LINE	= 16,	/* in a directive */
	TEXT_STRING	= 32,	/* in a string */
	TEXT_CHAR	= 64,	/* in a character */
	TEXT_WATCH	= 128,	/* in a string that is watched */
	TEXT_PUNCT	= 256,	/* begins a punctuator of several characters */
};

static inline bool
text_is(char c, unsigned int class)
{
	return (text_class[(unsigned char)c] & class) != 0;
}

/*
 * text_directive - from p, where a line begins or ends, to the mark (# or %:)
 * of the next directive, or to t->end.
 */
const char *text_directive(struct text *t, const char *p);

/* text_line - from p to the newline that ends its logical line, or t->end. */
const char *text_line(struct text *t, const char *p);

/* text_splice - bytes of the backslash-newline at p; 0 if there is none. */
size_t text_splice(const char *p, const char *end);

/* text_gap - text_blanks() where something else than a blank was met. */
const char *text_gap(struct text *t, const char *p);

/* text_blanks - behind the blanks, comments and splices at p <= t->end. */
static inline const char *
text_blanks(struct text *t, const char *p)
{
	while (text_is(*p, TEXT_BLANK))
		p++;
	return *p == '/' || *p == '\\' ? text_gap(t, p) : p;
}

/*
 * text_string - behind the literal whose opening quote is at p; an
 * unterminated one ends at the end of its line.
 */
const char *text_string(struct text *t, const char *p);

#endif
