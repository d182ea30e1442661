/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native_keep - a compiler's answers, kept in DISTCC_DIR/native. */
#ifndef CLIENT_NATIVE_KEEP_H
#define CLIENT_NATIVE_KEEP_H

#include "client/dirs.h"
#include "client/env.h"
#include "client/words.h"
#include "lib/buf.h"
#include "lib/err.h"

struct native_keep {
	const struct env *env;
	struct buf key;		/* what the answer depends on: the file's head */
	char path[DIRS_PATH_BYTES];	/* "": nothing can be kept */
};

/* native_keep_open - native_keep_free() also after an error: no compiler. */
int native_keep_open(struct native_keep *k, const struct env *env,
    const char *file, const struct words *asked) MUST_CHECK;
void native_keep_free(struct native_keep *k);

/* native_keep_read - returns 0; ERR_NOENT: never asked; ERR_UNSUPPORTED: asked,
 * and there are no such words. */
int native_keep_read(const struct native_keep *k, struct words *made)
    MUST_CHECK;

/* native_keep_write - in   made: empty: there are no such words */
void native_keep_write(const struct native_keep *k, const struct words *made);

#endif
