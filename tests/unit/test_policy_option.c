/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/option.h"

/* All rows, one after another: the longest name, then the right family. */
static const struct option *
search(const char *word, enum compiler_family family)
{
	const struct option *best = NULL, *t;
	size_t n;

	t = option_table(&n);
	for (size_t i = 0; i < n; i++) {
		bool is_prefix = t[i].arity == ARITY_JOIN ||
		    t[i].arity == ARITY_JOINSEP;

		if (strncmp(word, t[i].name, strlen(t[i].name)) != 0 ||
		    (!is_prefix && strcmp(word, t[i].name) != 0))
			continue;
		if (best == NULL || t[i].len > best->len ||
		    (t[i].len == best->len && option_is_of(&t[i], family) &&
		    !option_is_of(best, family)))
			best = &t[i];
	}
	return best;
}

static void
expect_row(const char *text)
{
	static const enum compiler_family families[] = { FAMILY_GCC,
	    FAMILY_CLANG, FAMILY_OTHER };
	char word[128], next[] = "next";
	char *argv[] = { word, next, NULL };

	(void)snprintf(word, sizeof(word), "%s", text);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct option_word w;

		option_next(argv, 0, families[i], &w);
		assert_ptr_equal(w.opt, search(word, families[i]));
	}
}

static void
every_name_finds_the_row_that_a_walk_finds(void **state)
{
	const struct option *t;
	char word[128];
	size_t n;

	(void)state;
	t = option_table(&n);
	assert_true(n > 100);
	for (size_t i = 0; i < n; i++) {
		assert_true(t[i].len < OPTION_NAME_BYTES);
		expect_row(t[i].name);
		(void)snprintf(word, sizeof(word), "%sx", t[i].name);
		expect_row(word);
		(void)snprintf(word, sizeof(word), "%s=1", t[i].name);
		expect_row(word);
		(void)snprintf(word, sizeof(word), "%.*s", (int)t[i].len - 1,
		    t[i].name);
		if (word[1] != '\0')
			expect_row(word);
	}
}

static void
any_two_characters_find_the_row_that_a_walk_finds(void **state)
{
	char word[] = "-ab";

	(void)state;
	for (int one = 1; one < 256; one++) {
		for (int two = 0; two < 256; two++) {
			word[1] = (char)one;
			word[2] = (char)two;
			expect_row(word);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_finds_the_row_that_a_walk_finds),
		cmocka_unit_test(
		    any_two_characters_find_the_row_that_a_walk_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
