/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * args - the command lines that are made of the user's: the local
 * preprocessor's, the one that is sent with a preprocessed source, and the one
 * that is sent with the source and its headers.
 *
 * Vectors are malloc'ed and NULL-terminated; words that were made here belong
 * to the struct args, the others are borrowed from the user's argv.
 */
#ifndef CLIENT_ARGS_H
#define CLIENT_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/terminal.h"
#include "policy/cmdline.h"

#define ARGS_MADE_MAX	64

struct args {
	char **argv;			/* owns */
	size_t n;
	char *made[ARGS_MADE_MAX];	/* owns */
	size_t nmade;
};

/* What the two have in common. */
struct args_source {
	char *const *argv;		/* the user's; argv[0] the compiler */
	const struct cmdline_scan *scan;
	const char *file;		/* what argv[0] was found to be */
	const struct terminal *terminal;	/* NULL: it asks for nothing */
	bool rewrite_cross;		/* name the target to the server */
};

/*
 * args_preprocess - the command whose standard output is the preprocessed
 * source.  With -MD and the like it writes the dependency file that the whole
 * command would have written: same name, same target.
 */
int args_preprocess(const struct args_source *src, struct args *out)
    MUST_CHECK;

/*
 * args_remote - the command for the server: without what only the
 * preprocessor reads, with an explicit -o, and with a language (-x) that says
 * that preprocessing is over.
 */
int args_remote(const struct args_source *src, struct args *out) MUST_CHECK;

/*
 * args_pump - the command for a server that preprocesses: all of the user's
 * words, and what the environment adds to them.
 * returns 0; ERR_LIMIT: the environment names too many directories
 */
int args_pump(const struct args_source *src, struct args *out) MUST_CHECK;

/* args_can_pump - whether args_pump() knows how the command asks for
 * dependencies: with -Wp, only in its simple form. */
bool args_can_pump(char *const *argv);

/* args_targets - how many -MT and -MQ there are. */
size_t args_targets(char *const *argv);

/* args_may_be_refused - whether stock's server would hang up on the command,
 * without a word, because of an option. */
bool args_may_be_refused(char *const *argv);

void args_free(struct args *a);

/* args_join - the words with blanks between, for messages; malloc'ed. */
char *args_join(char *const *argv);

#endif
