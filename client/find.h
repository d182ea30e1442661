/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * find - the real compiler behind a name: a search of PATH that passes over
 * what leads back to distcc.
 */
#ifndef CLIENT_FIND_H
#define CLIENT_FIND_H

#include <stdbool.h>

#include "client/env.h"
#include "lib/err.h"

struct find {
	char *file;	/* owns: what to execute */
	char *path;	/* owns: PATH for the compiler, without the
			   directories passed over; NULL: as it is */
};

/*
 * find_program - in   word: as typed; one with a "/" is taken as it is
 * returns 0; ERR_NOENT: nowhere on PATH
 */
int find_program(const struct env *env, const char *word, struct find *out)
    MUST_CHECK;
void find_free(struct find *f);

/* find_sibling - whether name is an executable beside file. */
bool find_sibling(const char *file, const char *name);

#endif
