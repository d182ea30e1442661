/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan_test - what the scanner's unit tests share. */
#ifndef SCAN_TEST_H
#define SCAN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/scan/expand.h"
#include "client/scan/lex.h"
#include "client/scan/macro.h"

static const struct lex_mode test_mode = { true, true, false, true };

/* A unit from a C string; the copy that the lexer needs is *copy. */
static inline void
test_lex(struct atoms *atoms, const char *text, size_t n,
    const struct lex_mode *mode, struct unit *u, char **copy)
{
	*copy = malloc(n + 2);
	assert_non_null(*copy);
	memcpy(*copy, text, n);
	(*copy)[n] = '\n';
	(*copy)[n + 1] = '\0';
	memset(u, 0, sizeof(*u));
	lex_unit(atoms, *copy, n, mode, u, NULL);
}

/* Obeys a unit's #define and #undef; returns the first other directive. */
static inline const struct directive *
test_define(struct macros *m, const struct unit *u)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->dirs[i].kind == DIR_DEFINE)
			macro_set(m, u->dirs[i].sym, BOUND_MACRO,
			    u->dirs[i].macro);
		else if (u->dirs[i].kind == DIR_UNDEF)
			macro_set(m, u->dirs[i].sym, BOUND_NOT, NULL);
		else
			return &u->dirs[i];
	return NULL;
}

#endif
