/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminal - what the user's terminal asks of a compiler that cannot see it. */
#ifndef CLIENT_TERMINAL_H
#define CLIENT_TERMINAL_H

#include "client/env.h"
#include "policy/compiler.h"

#define TERMINAL_WORDS		2
#define TERMINAL_WORD_BYTES	32

struct terminal {
	char word[TERMINAL_WORDS][TERMINAL_WORD_BYTES];	/* "": none */
};

/*
 * terminal_ask - the words that make a compiler print what it would print if
 * its messages went where ours go; none, unless that is a terminal.
 * in      argv: the command; what it says for itself counts
 *         is_terminal: whether stderr is one
 */
void terminal_ask(const struct env *env, enum compiler_family family,
    char *const *argv, bool is_terminal, struct terminal *t);

#endif
