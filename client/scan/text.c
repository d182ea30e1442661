/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "client/scan/text.h"

#define RAW_DELIMITER_MAX	16	/* the language's own limit */
#define NUMBER_MAX	256	/* characters that a number may have */

#define W	TEXT_WORD
#define D	(TEXT_WORD | TEXT_DIGIT)
#define S	TEXT_STOP
#define B	TEXT_BLANK

const unsigned char text_class[256] = {
	[0] = S | B, ['\n'] = S, ['"'] = S, ['\''] = S, ['/'] = S, ['\\'] = S,
	[' '] = B, ['\t'] = B, ['\v'] = B, ['\f'] = B, ['\r'] = B,
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
#undef S
#undef B

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
	const char *q = p + 2;

	for (;;) {
		q = memchr(q, '*', (size_t)(t->end - q));
		if (q == NULL)
			return t->end;
		if (*++q == '/')
			return q + 1;
		if (q >= t->end)
			return t->end;
		if (text_splice(q, t->end) != 0 &&
		    q[text_splice(q, t->end)] == '/')
			return q + text_splice(q, t->end) + 1;
	}
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
comment_matters(const char *p, const char *end)
{
	for (p += 2; p < end; p++)
		if (*p == '"' || *p == '\'' || *p == '\\' ||
		    (*p == '/' && p[1] == '*') || *p == '\n')
			return true;
	return false;
}

/* At a slash: behind the comment, or behind the slash if it starts none. */
static const char *
slash(struct text *t, const char *p)
{
	size_t splice = text_splice(p + 1, t->end);
	const char *q;

	if (p[1] == '*')
		return block_comment(t, p);
	if (p[1] == '/') {
		q = line_comment(t, p);
		if (!comment_matters(p, q))
			return q;
		t->depends_on_mode = true;
		return t->mode->line_comments ? q : p + 1;
	}
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
	for (q = p + 1; *q != quote; ) {
		if (*q == '\n')
			return q;
		if (*q != '\\') {
			q++;
			continue;
		}
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

const char *
text_line(struct text *t, const char *p)
{
	size_t splice;

	for (;;) {
		while (!text_is(*p, TEXT_STOP))
			p++;
		if (p >= t->end)
			return t->end;
		switch (*p) {
		case '\n':
			return p;
		case '"':
			p = text_string(t, p);
			break;
		case '\'':
			p = separates_digits(t, p) ? digits(p) :
			    text_string(t, p);
			break;
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
			p++;
		}
	}
}

const char *
text_blanks(struct text *t, const char *p)
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
