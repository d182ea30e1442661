/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * native - "-march=native" and its like, put into words that mean the same
 * elsewhere.
 *
 * The local compiler is asked once (-###) what it makes of the machine options
 * of a command; the answer is checked by asking again with the new words, and
 * kept in DISTCC_DIR/native.  It holds for that very compiler (path, device,
 * inode, size, time) and until the machine is started again.
 */
#ifndef CLIENT_NATIVE_H
#define CLIENT_NATIVE_H

#include <stdbool.h>

#include "client/env.h"
#include "client/words.h"
#include "lib/err.h"
#include "policy/compiler.h"

/* native_is_used - whether a command that compiles has such a word. */
bool native_is_used(char *const *argv);

/*
 * native_resolve - the command in other words.
 * in      file: the compiler to ask; argv[0] is its name
 * out     out: to be freed with words_free(), also after an error
 * returns 0; ERR_UNSUPPORTED: there are no such words; another error if the
 *         compiler cannot be asked
 */
int native_resolve(const struct env *env, const char *file,
    char *const *argv, struct words *out) MUST_CHECK;

/* ---- its parts ---- */

/*
 * native_read_driver - of the commands that "-###" prints, the words of the
 * compiler proper's.
 * in      text: untrusted, NUL-terminated
 * returns 0; ERR_NOENT: there is none; ERR_SYNTAX, ERR_LIMIT
 */
int native_read_driver(const char *text, struct words *out) MUST_CHECK;

/* native_pick_gcc, native_pick_clang - from the compiler proper's command, all
 * that says for which machine to compile. */
void native_pick_gcc(const struct words *cc1, struct words *out);
void native_pick_clang(const struct words *cc1, struct words *out);

/* native_is_same - whether two picks mean the same, in whatever order. */
bool native_is_same(enum compiler_family family, const struct words *a,
    const struct words *b);

#endif
