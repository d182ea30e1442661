/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/asmtext.h"
#include "client/scan/asmword.h"
#include "client/scan/text.h"
#include "lib/mem.h"

#define WORD	"asm"		/* with or without underlines around it */

/* What the strings of one asm come to. */
struct spoken {
	char *ptr;		/* owns */
	size_t n, size;
};

static void
put(struct spoken *s, char c)
{
	if (s->n == s->size) {
		s->size = s->size != 0 ? s->size * 2 : 512;
		s->ptr = mem_realloc(s->ptr, s->size, 1);
	}
	s->ptr[s->n++] = c;
}

static bool
is_word(char c)
{
	return text_is(c, TEXT_WORD);
}

/* Behind blanks, line markers and comments that were kept. */
static const char *
skip_space(const char *p, const char *end)
{
	const char *close;

	for (;; p = close) {
		while (p < end && (text_is(*p, TEXT_BLANK) || *p == '\n'))
			p++;
		if (end - p < 2)
			return p;
		if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
			close = memchr(p, '\n', (size_t)(end - p));
		else if (p[0] == '/' && p[1] == '*')
			close = memmem(p + 2, (size_t)(end - p) - 2, "*/", 2);
		else
			return p;
		if (close == NULL)
			return end;
		if (*close == '*')
			close += 2;
	}
}

/* A number in a string: the digits at p, at most so many. */
static const char *
number(const char *p, const char *end, size_t most, int base, char *value)
{
	char digits[8] = { 0 };
	size_t n = 0;

	while (n < most && p + n < end && (base == 8 ?
	    p[n] >= '0' && p[n] <= '7' : isxdigit((unsigned char)p[n])))
		n++;
	memcpy(digits, p, n);
	*value = (char)strtoul(digits, NULL, base);
	return p + n;
}

/* Behind the backslash at p.  Of what means nothing here the letter is taken. */
static const char *
escape(const char *p, const char *end, char *value)
{
	if (p + 1 == end) {
		*value = '\\';
		return end;
	}
	p++;
	if (*p >= '0' && *p <= '7')
		return number(p, end, 3, 8, value);
	if (*p == 'x')
		return number(p + 1, end, 2, 16, value);
	*value = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
	return p + 1;
}

/* The string whose quote is at p. */
static const char *
take_string(struct spoken *s, const char *p, const char *end)
{
	char c;

	for (p++; p < end && *p != '"' && *p != '\n'; ) {
		if (*p == '\\') {
			p = escape(p, end, &c);
			put(s, c);
		} else {
			put(s, *p++);
		}
	}
	return p < end ? p + 1 : end;
}

/* The raw string whose quote is at p. */
static const char *
take_raw(struct spoken *s, const char *p, const char *end)
{
	const char *open = memchr(p, '(', (size_t)(end - p)), *close;
	size_t n;

	if (open == NULL)
		return end;
	n = (size_t)(open - p) - 1;
	for (close = open + 1; (close = memchr(close, ')',
	    (size_t)(end - close))) != NULL; close++)
		if ((size_t)(end - close) > n + 1 && close[n + 1] == '"' &&
		    memcmp(close + 1, p + 1, n) == 0)
			break;
	if (close == NULL)
		return end;
	while (++open < close)
		put(s, *open);
	return close + n + 2;
}

/* Strings from p on, with their prefixes. */
static void
take_strings(struct spoken *s, const char *p, const char *end)
{
	const char *q;

	for (;; p = skip_space(p, end)) {
		for (q = p; q < end && is_word(*q); q++)
			;
		if (q == end || *q != '"')
			return;
		p = q > p && q[-1] == 'R' ? take_raw(s, q, end) :
		    take_string(s, q, end);
	}
}

/* Whether something follows that could be a file's name. */
static bool
has_operand(const char *p, const char *end)
{
	if (p < end && (is_word(*p) || *p == '.'))
		return false;
	while (p < end && text_is(*p, TEXT_BLANK))
		p++;
	return p < end && *p != '\n' && *p != ';';
}

/* Where a directive's name is put together by the assembler (\arg) or the
 * compiler (%0, {one|other}), it may be that of any. */
static bool
is_open(const char *p, const char *end)
{
	return end - p > 4 && strncasecmp(p, ASMWORD_INCBIN, 4) == 0 &&
	    strchr("\\%{", p[4]) != NULL && p[4] != '\0';
}

static bool
reads_file(const struct spoken *s)
{
	const char *p = s->ptr, *end = p + s->n;
	size_t n;

	for (; s->n != 0 && (p = memchr(p, '.', (size_t)(end - p))) != NULL;
	    p++) {
		n = asmword(p, end);
		if (is_open(p, end) || (n != 0 && has_operand(p + n, end)))
			return true;
	}
	return false;
}

/* Behind asm and the words that may follow it (volatile, goto, inline). */
static const char *
skip_words(const char *p, const char *end)
{
	for (p = skip_space(p, end); p < end && is_word(*p);
	    p = skip_space(p, end))
		while (p < end && is_word(*p))
			p++;
	return p;
}

bool
asmtext_reads_file(const char *text, size_t len)
{
	struct spoken s = { NULL, 0, 0 };
	const char *end = text + len, *p = text, *q;
	bool found = false;

	while (!found && (p = memmem(p, (size_t)(end - p), WORD,
	    strlen(WORD))) != NULL) {
		for (q = p; q > text && q[-1] == '_'; q--)
			;
		p += strlen(WORD);
		if (q > text && is_word(q[-1]))
			continue;
		while (p < end && *p == '_')
			p++;
		if (p < end && is_word(*p))
			continue;
		q = skip_words(p, end);
		if (q == end || *q != '(')
			continue;
		q = skip_space(q + 1, end);
		s.n = 0;
		take_strings(&s, q, end);
		found = (q < end && *q == '(') || reads_file(&s);
	}
	free(s.ptr);
	return found;
}
