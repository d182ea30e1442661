/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch - strings that can make a compiler open a file or change a macro. */
#include <string.h>

#include "client/scan/asmword.h"
#include "client/scan/lexer.h"
#include "client/scan/skip.h"

static bool
ends_with(const char *start, const char *p, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(p - start) >= n && memcmp(p - n, word, n) == 0;
}

/* What stands behind a string and is, or may be, one with it. */
enum behind {
	BEHIND_NOTHING,
	BEHIND_STRING,
	BEHIND_OTHER,		/* a macro; a comment */
	BEHIND_END,		/* of a macro that the string ends */
};

/* in      q: the string's quote
 * out     more: the next string's contents */
static enum behind
look_behind(const struct lexer *lx, const char *q, const char **more)
{
	const char *p = q + 1;

	while (p < lx->text.end && (text_is(*p, TEXT_BLANK) ||
	    (*p == '\n' && !lx->in_directive)))
		p++;
	*more = p + 1;
	if (*p == '\n')
		return lx->in_directive ? BEHIND_END : BEHIND_NOTHING;
	if (*p == '"')
		return BEHIND_STRING;
	return text_is(*p, TEXT_WORD) || *p == '/' || *p == '\\' ?
	    BEHIND_OTHER : BEHIND_NOTHING;
}

/* The operand of .incbin or .include at p, within a string's contents. */
static void
asm_operand(struct lexer *lx, enum directive_kind kind, const char *p,
    const char *q)
{
	const char *close;
	size_t quote;

	while (p < q && text_is(*p, TEXT_BLANK))
		p++;
	if (p < q ? strchr("\"\\/%{", *p) == NULL :
	    look_behind(lx, q, &close) == BEHIND_NOTHING)
		return;		/* no assembler would take it */
	quote = p < q && *p == '"' ? 1 : q - p > 1 && p[0] == '\\' &&
	    p[1] == '"' ? 2 : 0;
	close = quote == 0 ? NULL :
	    memmem(p + quote, (size_t)(q - p) - quote, p, quote);
	if (close == NULL ||
	    memchr(p + quote, '\\', (size_t)(close - p) - quote) != NULL) {
		unit_add_unsure(lx, "computed operand of .incbin or .include");
		return;
	}
	unit_add(lx, kind)->name = lex_name(lx, p + quote, close);
}

/* Whether the string ends in what the next one, or a macro behind it, may go on
 * with: [p, q) begins a directive's name, and q is its quote. */
static bool
is_cut(const struct lexer *lx, const char *p, const char *q)
{
	const char *more;

	if (!asmword_is_cut(p, (size_t)(q - p), "", 0))
		return false;
	switch (look_behind(lx, q, &more)) {
	case BEHIND_STRING:
		return asmword_is_cut(p, (size_t)(q - p), more,
		    strcspn(more, "\"\n"));
	case BEHIND_OTHER:
		return q - p > 1;
	case BEHIND_END:
		return q - p > 3;
	default:
		return false;
	}
}

static void
watch_asm(struct lexer *lx, const char *p, const char *q)
{
	size_t n;

	for (; (p = memchr(p, '.', (size_t)(q - p))) != NULL; p++) {
		n = asmword(p, q);
		if (n != 0 && (p + n == q || !text_is(p[n], TEXT_WORD)))
			asm_operand(lx, n == strlen(ASMWORD_INCBIN) ?
			    DIR_INCBIN : DIR_ASM_INCLUDE, p + n, q);
		else if (is_cut(lx, p, q))
			unit_add_unsure(lx, "a cut .incbin or .include");
	}
}

/* push_macro("X") where it is no #pragma: X cannot be trusted any more. */
static bool
watch_macro(struct lexer *lx, const char *p, const char *q)
{
	if (!ends_with(lx->text.start, p, "_macro(\""))
		return false;
	unit_add(lx, DIR_TAINT)->sym = lex_name(lx, p, q);
	return true;
}

/* The same within a string. */
static void
watch_escaped(struct lexer *lx, const char *p, const char *q)
{
	const char *name;

	while ((p = memmem(p, (size_t)(q - p), "_macro(\\\"", 9)) != NULL) {
		name = p + 9;
		p = skip_word(name, lx->text.end);
		if (p > q)
			return;
		unit_add(lx, DIR_TAINT)->sym = lex_name(lx, name, p);
	}
}

/* _Pragma("once"), or a macro that holds it. */
static void
watch_once(struct lexer *lx, const char *p, const char *q)
{
	const char *start = lx->text.start;

	if (q - p != 4 || memcmp(p, "once", 4) != 0)
		return;
	p--;
	while (p > start && text_is(p[-1], TEXT_BLANK))
		p--;
	if (p == start || *--p != '(')
		return;
	while (p > start && text_is(p[-1], TEXT_BLANK))
		p--;
	if (!ends_with(start, p, "_Pragma"))
		return;
	if (lx->in_directive)
		unit_add_unsure(lx, "a macro with _Pragma(\"once\")");
	else
		unit_add(lx, DIR_MAYBE_ONCE);
}

/* Whether there is the beginning of what the functions below look for. */
static bool
is_suspect(const struct lexer *lx, const char *p, const char *q)
{
	for (; (p = skip_watch(p, q, lx->text.end)) < q; p++)
		if (*p == '.' ? (p[1] | 0x20) == 'i' || p + 1 == q :
		    p[1] == '\\')
			return true;
	return false;
}

void
watch_literal(void *arg, const char *p, const char *q)
{
	struct lexer *lx = arg;

	bool suspect = is_suspect(lx, p, q);

	if (suspect)
		watch_asm(lx, p, q);
	if (!watch_macro(lx, p, q) && suspect)
		watch_escaped(lx, p, q);
	watch_once(lx, p, q);
}
