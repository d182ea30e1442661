/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c */
/* A name is kept once, however long it is and whatever stands behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/scan/atom.h"

#define LEN_MAX	70	/* some blocks of ATOM_READ and some more */
#define MANY	200000	/* the table grows twice */

static void
test_lengths(void **state)
{
	struct sym *syms[LEN_MAX], *s;
	struct atoms atoms;
	char text[LEN_MAX + ATOM_READ], exact[LEN_MAX];
	size_t n;

	(void)state;
	atoms_init(&atoms);
	memset(text, 'x', sizeof(text));
	for (n = 0; n < LEN_MAX; n++) {
		syms[n] = atoms_get_readable(&atoms, text, n);
		assert_int_equal(syms[n]->len, n);
		assert_int_equal(strlen(syms[n]->name), n);
		assert_memory_equal(syms[n]->name, text, n);
		assert_true(n == 0 || syms[n] != syms[n - 1]);
	}
	memset(text, 'y', sizeof(text));
	for (n = 0; n < LEN_MAX; n++) {
		memset(text, 'x', n);	/* something else behind it */
		memcpy(exact, text, n);
		assert_ptr_equal(atoms_get_readable(&atoms, text, n),
		    syms[n]);
		assert_ptr_equal(atoms_get(&atoms, exact, n), syms[n]);
	}
	for (n = 1; n < LEN_MAX; n++) {	/* the last byte matters */
		memset(exact, 'x', n);
		exact[n - 1] = '\0';
		s = atoms_get(&atoms, exact, n);
		assert_ptr_not_equal(s, syms[n]);
		assert_ptr_not_equal(s, syms[n - 1]);
	}
	atoms_free(&atoms);
}

static void
test_many(void **state)
{
	struct sym **syms = calloc(MANY, sizeof(*syms));
	struct atoms atoms;
	char name[40];
	int i, n;

	(void)state;
	assert_non_null(syms);
	atoms_init(&atoms);
	for (i = 0; i < MANY; i++) {
		n = snprintf(name, sizeof(name), "%s_%d", i % 2 != 0 ? "" :
		    "a_rather_long_name", i);
		syms[i] = atoms_get(&atoms, name, (size_t)n);
	}
	for (i = 0; i < MANY; i++) {
		n = snprintf(name, sizeof(name), "%s_%d", i % 2 != 0 ? "" :
		    "a_rather_long_name", i);
		assert_string_equal(syms[i]->name, name);
		assert_ptr_equal(atoms_get(&atoms, name, (size_t)n), syms[i]);
	}
	assert_int_equal(atoms_get(&atoms, "ifdef", 5)->word, WORD_IFDEF);
	assert_int_equal(atoms_get(&atoms, "ifdeg", 5)->word, WORD_NONE);
	atoms_free(&atoms);
	free(syms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
