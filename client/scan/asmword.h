/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asmword - the directives with which an assembler reads a file, in upper or lower
 * case (GNU as, "Pseudo Ops"; clang's assembler takes them so as well).
 */
#ifndef SCAN_ASMWORD_H
#define SCAN_ASMWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define ASMWORD_INCBIN	".incbin"
#define ASMWORD_INCLUDE	".include"

/* asmword - bytes of the one that is at p; 0: there is none. */
static inline size_t
asmword(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);

	if (n >= strlen(ASMWORD_INCBIN) && strncasecmp(p, ASMWORD_INCBIN,
	    strlen(ASMWORD_INCBIN)) == 0)
		return strlen(ASMWORD_INCBIN);
	if (n >= strlen(ASMWORD_INCLUDE) && strncasecmp(p, ASMWORD_INCLUDE,
	    strlen(ASMWORD_INCLUDE)) == 0)
		return strlen(ASMWORD_INCLUDE);
	return 0;
}

static inline bool
asmword_may_be(const char *word, const char *p, size_t n, const char *more,
    size_t nmore)
{
	size_t left = strlen(word) - n;

	return n < strlen(word) && strncasecmp(p, word, n) == 0 &&
	    strncasecmp(more, word + n, nmore < left ? nmore : left) == 0;
}

/* asmword_is_cut - whether the n bytes at p begin one that the nmore bytes
 * elsewhere go on with. */
static inline bool
asmword_is_cut(const char *p, size_t n, const char *more, size_t nmore)
{
	return asmword_may_be(ASMWORD_INCBIN, p, n, more, nmore) ||
	    asmword_may_be(ASMWORD_INCLUDE, p, n, more, nmore);
}

#endif
