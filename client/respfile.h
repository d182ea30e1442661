/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * respfile - words like "@FILE" stand for the words in FILE; compilers replace
 * them before they look at anything else.  A server has no such file.
 */
#ifndef CLIENT_RESPFILE_H
#define CLIENT_RESPFILE_H

#include <stdbool.h>

#include "client/words.h"
#include "lib/err.h"

#define RESPFILE_FILES_MAX	64	/* in one command, nested or not */
#define RESPFILE_FILE_BYTES	(256 * 1024)

/* respfile_is_used - whether any word but the first begins with "@". */
bool respfile_is_used(char *const *argv);

/*
 * respfile_expand - the whole command with all files' words in their place.
 * A file that cannot be read leaves its word as it is, as in the compilers.
 * out     out: to be freed with words_free(), also after an error
 * returns 0; ERR_LIMIT: more than what is sent anyway; ERR_SYNTAX: what the
 *         compilers, or their versions, do not read alike
 */
int respfile_expand(char *const *argv, struct words *out) MUST_CHECK;

#endif
