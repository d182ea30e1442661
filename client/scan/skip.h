/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * skip - runs of bytes that mean nothing, sixteen at a time where the machine
 * can.  Each function goes from p to the first byte of its class, or to end;
 * no byte from end on is read.
 */
#ifndef SCAN_SKIP_H
#define SCAN_SKIP_H

#include <stddef.h>

#include "client/scan/text.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define SKIP_INLINE static inline __attribute__((always_inline))

SKIP_INLINE __m128i
skip_load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

SKIP_INLINE __m128i
skip_is(__m128i x, char c)
{
	return _mm_cmpeq_epi8(x, _mm_set1_epi8(c));
}

/* Both of two characters that differ in this bit, which the second has. */
SKIP_INLINE __m128i
skip_is_pair(__m128i x, char bit, char second)
{
	return skip_is(_mm_or_si128(x, _mm_set1_epi8(bit)), second);
}

SKIP_INLINE __m128i
skip_is_range(__m128i x, char first, char last)
{
	return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(first - 1)),
	    _mm_cmpgt_epi8(_mm_set1_epi8(last + 1), x));
}

/* TEXT_CODE */
SKIP_INLINE __m128i
skip_code_stops(const char *p)
{
	__m128i x = skip_load(p);

	return _mm_or_si128(
	    _mm_or_si128(skip_is_pair(x, 1, '#'), skip_is_pair(x, 2, '\'')),
	    _mm_or_si128(skip_is(x, '/'), skip_is(x, '\\')));
}

/* TEXT_LINE */
SKIP_INLINE __m128i
skip_line_stops(const char *p)
{
	__m128i x = skip_load(p);

	return _mm_or_si128(_mm_or_si128(
	    _mm_or_si128(skip_is(x, '"'), skip_is(x, '\'')),
	    _mm_or_si128(skip_is(x, '/'), skip_is(x, '\\'))),
	    skip_is(x, '\n'));
}

SKIP_INLINE __m128i
skip_quoted_stops(const char *p, char quote)
{
	__m128i x = skip_load(p);

	return _mm_or_si128(skip_is(x, quote),
	    _mm_or_si128(skip_is(x, '\\'), skip_is(x, '\n')));
}

/* TEXT_STRING */
SKIP_INLINE __m128i
skip_string_stops(const char *p)
{
	return skip_quoted_stops(p, '"');
}

/* TEXT_CHAR */
SKIP_INLINE __m128i
skip_char_stops(const char *p)
{
	return skip_quoted_stops(p, '\'');
}

/* TEXT_WATCH */
SKIP_INLINE __m128i
skip_watch_stops(const char *p)
{
	__m128i x = skip_load(p);

	return _mm_or_si128(skip_is(x, '.'), skip_is(x, '('));
}

/* All but TEXT_WORD; bytes of 128 and more are negative. */
SKIP_INLINE __m128i
skip_word_stops(const char *p)
{
	__m128i x = skip_load(p), word;

	word = _mm_or_si128(_mm_or_si128(
	    skip_is_range(_mm_or_si128(x, _mm_set1_epi8(32)), 'a', 'z'),
	    skip_is_range(x, '0', '9')),
	    _mm_or_si128(skip_is(x, '_'), skip_is(x, '$')));
	return _mm_cmpgt_epi8(_mm_or_si128(x, word), _mm_set1_epi8(-1));
}

/* A star before what may end the comment. */
SKIP_INLINE __m128i
skip_comment_stops(const char *p)
{
	__m128i next = skip_load(p + 1);

	return _mm_and_si128(skip_is(skip_load(p), '*'),
	    _mm_or_si128(skip_is(next, '/'), skip_is(next, '\\')));
}

/* To a stop, or to less than what one step reads. */
SKIP_INLINE const char *
skip_blocks(const char *p, const char *end, __m128i (*stops)(const char *))
{
	unsigned int found;

	for (; end - p >= 16; p += 16) {
		found = (unsigned int)_mm_movemask_epi8(stops(p));
		if (found != 0)
			return p + __builtin_ctz(found);
	}
	return p;
}
#else
#define skip_blocks(p, end, stops) ((void)(end), (p))
#endif

static inline const char *
skip_bytes(const char *p, const char *end, unsigned int class)
{
	while (p < end && !text_is(*p, class))
		p++;
	return p;
}

/* skip_code - to what may start a directive, a comment or a literal. */
static inline const char *
skip_code(const char *p, const char *end)
{
	return skip_bytes(skip_blocks(p, end, skip_code_stops), end,
	    TEXT_CODE);
}

/* skip_line - the same within a directive: to a newline, but not to a mark. */
static inline const char *
skip_line(const char *p, const char *end)
{
	return skip_bytes(skip_blocks(p, end, skip_line_stops), end,
	    TEXT_LINE);
}

/* skip_quoted - to this quote, a backslash or a newline. */
static inline const char *
skip_quoted(const char *p, const char *end, char quote)
{
	if (quote == '"')
		return skip_bytes(skip_blocks(p, end, skip_string_stops), end,
		    TEXT_STRING);
	return skip_bytes(skip_blocks(p, end, skip_char_stops), end,
	    TEXT_CHAR);
}

/*
 * skip_watch - to what all strings have that are to be watched, or to `to` or
 * a little further; bytes up to end may be read.
 */
static inline const char *
skip_watch(const char *p, const char *to, const char *end)
{
	/* a block may begin before `to` */
	const char *last = end - to > 15 ? to + 15 : end;

	return skip_bytes(skip_blocks(p, last, skip_watch_stops), to,
	    TEXT_WATCH);
}

/* skip_word - behind an identifier or a keyword. */
static inline const char *
skip_word(const char *p, const char *end)
{
	const char *q = skip_blocks(p, end, skip_word_stops);

	while (q < end && text_is(*q, TEXT_WORD))
		q++;
	return q;
}

/* skip_comment - to a star before a slash or a backslash. */
static inline const char *
skip_comment(const char *p, const char *end)
{
	const char *q = skip_blocks(p, end - 1, skip_comment_stops);

	while (q < end && !(*q == '*' && q + 1 < end &&
	    (q[1] == '/' || q[1] == '\\')))
		q++;
	return q;
}

#endif
