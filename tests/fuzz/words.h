/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words - an argv out of fuzzer input: the words end with NULs.  Each word has
 * memory of exactly its size, so that reading past one is seen.
 */
#ifndef TESTS_FUZZ_WORDS_H
#define TESTS_FUZZ_WORDS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/trace.h"

#define WORDS_MAX	200U

/* Returns a NULL-terminated vector with at least one word; words_free(). */
static inline char **
words_new(const uint8_t *data, size_t size, size_t *argc)
{
	char **argv = calloc(WORDS_MAX + 1, sizeof(*argv));
	size_t n = 0;

	MUST(argv != NULL);
	do {
		size_t len = strnlen((const char *)data, size);

		argv[n] = malloc(len + 1);
		MUST(argv[n] != NULL);
		if (len != 0)
			memcpy(argv[n], data, len);
		argv[n++][len] = '\0';
		len += len < size;	/* its NUL */
		data += len;
		size -= len;
	} while (size != 0 && n < WORDS_MAX);
	*argc = n;
	return argv;
}

static inline void
words_free(char **argv)
{
	for (size_t i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

#endif
