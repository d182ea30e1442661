/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "client/scan/skip.h"
#include "client/scan/text.h"

#define RAW_DELIMITER_MAX	16	/* the language's own limit */
#define NUMBER_MAX	256	/* characters that a number may have */

#define W	TEXT_WORD
#define D	(TEXT_WORD | TEXT_DIGIT)
#define B	TEXT_BLANK
#define P	TEXT_PUNCT
#define QUOTED	(TEXT_STRING | TEXT_CHAR)
#define CODE	(TEXT_CODE | TEXT_LINE)

const uint16_t text_class[256] = {
	[0] = B, [' '] = B, ['\t'] = B, ['\v'] = B, ['\f'] = B, ['\r'] = B,
	['\n'] = TEXT_LINE | QUOTED, ['\\'] = CODE | QUOTED,
	['"'] = CODE | TEXT_STRING, ['\''] = CODE | TEXT_CHAR,
	['#'] = P | TEXT_CODE, ['%'] = P | TEXT_CODE, ['/'] = P | CODE,
	['.'] = P | TEXT_WATCH, ['('] = TEXT_WATCH,
	['<'] = P, P, P, ['!'] = P, ['&'] = P, ['|'] = P, [':'] = P,
	['+'] = P, ['-'] = P, ['*'] = P, ['^'] = P,
	['0'] = D, D, D, D, D, D, D, D, D, D,
	['A'] = W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W,
	['a'] = W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W,
	['_'] = W, ['$'] = W,
	[128] = W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
};

#undef W
#undef D
#undef B
#undef P
#undef QUOTED
#undef CODE

size_t
text_splice(const char *p, const char *end)
{
	const char *q = p + 1;

	if (p >= end || *p != '\\')
		return 0;
	while (q < end && text_is(*q, TEXT_BLANK))
		q++;
	return *q == '\n' ? (size_t)(q + 1 - p) : 0;
}

/* Whether the newline at p is hidden by a backslash before it. */
static bool
is_continued(const char *start, const char *p)
{
	while (p > start && text_is(p[-1], TEXT_BLANK))
		p--;
	return p > start && p[-1] == '\\';
}

static const char *
block_comment(struct text *t, const char *p)
{
	size_t splice;

	for (p += 2; (p = skip_comment(p, t->end)) < t->end;) {
		if (*++p == '/')
			return p + 1;
		splice = text_splice(p, t->end);
		if (splice != 0 && p[splice] == '/')
			return p + splice + 1;
	}
	return t->end;
}

static const char *
line_comment(struct text *t, const char *p)
{
	const char *q = p;

	for (;;) {
		q = memchr(q, '\n', (size_t)(t->end + 1 - q));
		if (q >= t->end)
			return t->end;
		if (!is_continued(p, q))
			return q;
		t->spliced = true;
		q++;
	}
}

/* Whether a line comment would be read differently if it were none. */
static bool
comment_matters(const struct text *t, const char *p, const char *end)
{
	for (p += 2; (p = skip_line(p, t->end)) < end; p++)
		if (*p != '/' || p[1] == '*')
			return true;
	return false;
}

/* At a slash: behind the comment, or behind the slash if it starts none. */
static const char *
slash(struct text *t, const char *p)
{
	size_t splice;
	const char *q;

	if (p[1] == '*')
		return block_comment(t, p);
	if (p[1] == '/') {
		q = line_comment(t, p);
		if (!comment_matters(t, p, q))
			return q;
		t->depends_on_mode = true;
		return t->mode->line_comments ? q : p + 1;
	}
	splice = text_splice(p + 1, t->end);
	if (splice != 0 && (p[1 + splice] == '*' || p[1 + splice] == '/')) {
		t->spliced = true;
		return p[1 + splice] == '*' ?
		    block_comment(t, p + splice) :
		    line_comment(t, p + splice);
	}
	return p + 1;
}

/* Whether the quote at p follows the prefix of a raw string. */
static bool
is_raw(const struct text *t, const char *p)
{
	const char *q = p - 1;

	if (q < t->start || *q != 'R')
		return false;
	if (q > t->start && q[-1] == '8' && q - 1 > t->start && q[-2] == 'u')
		q -= 2;
	else if (q > t->start && (q[-1] == 'u' || q[-1] == 'U' || q[-1] == 'L'))
		q--;
	return q == t->start || !text_is(q[-1], TEXT_WORD);
}

/* The raw string whose quote is at p; NULL if it is none after all. */
static const char *
raw_string(struct text *t, const char *p)
{
	char close[RAW_DELIMITER_MAX + 2];
	size_t n = 0;
	const char *q;

	close[0] = ')';
	for (q = p + 1; *q != '('; q++) {
		if (n == RAW_DELIMITER_MAX || *q == ')' || *q == '\\' ||
		    *q == '"' || *q == '\n' || text_is(*q, TEXT_BLANK))
			return NULL;
		close[++n] = *q;
	}
	close[++n] = '"';
	p = q + 1;
	q = memmem(p, (size_t)(t->end - p), close, n + 1);
	if (q == NULL)
		return t->end;
	if (t->literal != NULL)
		t->literal(t->arg, p, q);
	return q + n + 1;
}

const char *
text_string(struct text *t, const char *p)
{
	char quote = *p;
	const char *q;
	size_t splice;

	if (quote == '"' && is_raw(t, p)) {
		t->depends_on_mode = true;
		if (t->mode->raw_strings && (q = raw_string(t, p)) != NULL)
			return q;
	}
	for (q = p + 1; *(q = skip_quoted(q, t->end, quote)) != quote; ) {
		if (*q == '\n')
			return q;
		splice = text_splice(q, t->end);
		if (splice != 0)
			t->spliced = true;
		q += splice != 0 ? splice : q[1] == '\n' ? 1 : 2;
		if (q > t->end)
			return t->end;
	}
	if (t->literal != NULL && quote == '"')
		t->literal(t->arg, p + 1, q);
	return q + 1;
}

/* Whether the apostrophe at p separates the digits of a number. */
static bool
separates_digits(const struct text *t, const char *p)
{
	const char *q = p, *start = t->start;

	if (!text_is(p[1], TEXT_WORD))
		return false;
	if (p - start > NUMBER_MAX)
		start = p - NUMBER_MAX;
	while (q > start && (text_is(q[-1], TEXT_WORD) || q[-1] == '.' ||
	    q[-1] == '\''))
		q--;
	if (q < p && *q == '.')
		q++;
	return q < p && text_is(*q, TEXT_DIGIT);
}

/* Behind the rest of a number, from a separator in it on. */
static const char *
digits(const char *p)
{
	while (text_is(*p, TEXT_WORD) || (*p == '\'' &&
	    text_is(p[1], TEXT_WORD)))
		p++;
	return p;
}

/* At a quote or an apostrophe: behind the literal or the number's rest. */
static const char *
quoted(struct text *t, const char *p)
{
	return *p == '\'' && separates_digits(t, p) ? digits(p) :
	    text_string(t, p);
}

/*
 * Whether p is the first on its logical line.  Between `from` and p there is
 * no comment and no splice; is_first says whether `from` is the first.
 */
static bool
is_first_too(struct text *t, const char *from, bool is_first, const char *p)
{
	while (p > from && text_is(p[-1], TEXT_BLANK))
		p--;
	if (p == from)
		return is_first;
	if (p[-1] != '\n')
		return false;
	t->spliced = false;
	return true;
}

/*
 * Lines need not be told apart: whether a mark is the first on its line is
 * seen from what stands before it.  Only comments and splices hide that, as
 * blanks that may hold a newline which ends no line.
 */
const char *
text_directive(struct text *t, const char *p)
{
	const char *from = p, *q;
	bool is_first = true, first;

	t->spliced = false;
	while ((p = skip_code(p, t->end)) < t->end) {
		if (*p == '"' || *p == '\'') {
			p = quoted(t, p);
			continue;
		}
		first = is_first_too(t, from, is_first, p);
		if (first && (*p == '#' || (*p == '%' && p[1] == ':')))
			return p;
		q = text_gap(t, p);
		if (q != p) {
			from = q;
			is_first = first;
		}
		p = q != p ? q : p + 1;
	}
	return t->end;
}

const char *
text_line(struct text *t, const char *p)
{
	size_t splice;

	while ((p = skip_line(p, t->end)) < t->end) {
		switch (*p) {
		case '\n':
			return p;
		case '/':
			p = slash(t, p);
			break;
		case '\\':
			splice = text_splice(p, t->end);
			if (splice != 0)
				t->spliced = true;
			p += splice != 0 ? splice : 1;
			break;
		default:
			p = quoted(t, p);
		}
	}
	return t->end;
}

const char *
text_gap(struct text *t, const char *p)
{
	const char *q;

	for (;;) {
		while (p < t->end && text_is(*p, TEXT_BLANK))
			p++;
		if (p >= t->end)
			return t->end;
		if (*p == '/') {
			q = slash(t, p);
			if (q == p + 1)
				return p;
			p = q;
		} else if (text_splice(p, t->end) != 0) {
			t->spliced = true;
			p += text_splice(p, t->end);
		} else {
			return p;
		}
	}
}
