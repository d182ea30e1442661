/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words - a command line of our own making. */
#ifndef CLIENT_WORDS_H
#define CLIENT_WORDS_H

#include <stddef.h>

struct words {
	char **argv;	/* owns, with its words; NULL-terminated; NULL: none */
	size_t n;
	size_t bytes;	/* of all words with their NULs */
};

void words_add(struct words *w, const char *word);
void words_add_len(struct words *w, const char *word, size_t len);
void words_free(struct words *w);

#endif
