/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opts - what a command line means to the preprocessor.
 */
#ifndef SCAN_OPTS_H
#define SCAN_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/scan/atom.h"
#include "client/scan/scan.h"
#include "lib/err.h"

struct words {
	const char **ptr;	/* owns the vector, borrows the words */
	size_t n, size;
};

enum opts_chain { CHAIN_QUOTE, CHAIN_BRACKET, CHAIN_SYSTEM, CHAIN_AFTER };
#define CHAINS	4

struct opts {
	struct arena arena;		/* owns what is no word of argv */
	const char *source;
	const char *language;		/* as behind -x */
	struct words chains[CHAINS];	/* directories, without the
					   compiler's own */
	struct words macros;		/* "DNAME=value" and "UNAME" in order */
	struct words includes, imacros, embed_dirs;
	struct words keep;		/* what changes the compiler's facts */
	const char *sysroot, *prefix;
	bool is_split;			/* -I- */
	bool is_clang, is_cxx_driver;
	bool is_preprocessed;
	bool is_frontend_value;		/* the next -Xclang is another's value */
	bool is_file_mapped;		/* __FILE__ is not the file's name */
	bool wants_missing_dirs;	/* -Wmissing-include-dirs */
	char why[SCAN_WHY_BYTES];	/* not empty: unsure */
};

/*
 * opts_parse - read a command line and its environment.
 * out     o: opts_free() later, whatever is returned; o->why is set where the
 *         command asks for something that the scanner does not do
 * returns 0, ERR_SYNTAX without a source
 */
int opts_parse(const struct scan_request *req, struct opts *o) MUST_CHECK;
void opts_free(struct opts *o);

/* opts_key - names all that a compiler's facts depend on; in o->arena. */
int opts_key(const struct scan_request *req, struct opts *o,
    const char **key) MUST_CHECK;

void opts_add_word(struct words *w, const char *word);

#endif
