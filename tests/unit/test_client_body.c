/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/body.c client/store.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/body.h"

#define LEN_MAX		900

/* In memory that ends with the text: who reads on is caught. */
static bool
has_date(const char *text, size_t len)
{
	char *exact = malloc(len != 0 ? len : 1);
	bool has;

	assert_non_null(exact);
	memcpy(exact, text, len);
	has = body_has_date(view_of(exact, len));
	free(exact);
	return has;
}

static void
a_word_is_found_wherever_it_stands(void **state)
{
	static const char *const words[] = { "__DATE__", "__TIME__",
	    "__TIMESTAMP__" };
	char text[LEN_MAX];

	(void)state;
	for (size_t w = 0; w < 3; w++) {
		size_t n = strlen(words[w]);

		for (size_t at = 0; at + n <= LEN_MAX; at++) {
			memset(text, '_', sizeof(text));
			memcpy(text + at, words[w], n);
			assert_true(has_date(text, sizeof(text)));
			assert_true(has_date(text, at + n));
			assert_false(has_date(text, at + n - 1));
			assert_false(has_date(text + at + 1,
			    sizeof(text) - at - 1));
		}
	}
}

static void
what_only_looks_like_one_is_none(void **state)
{
	static const char like[] = "__DATE_ __TIME___ _DATE__ __TIMES__ "
	    "__date__ __Time__ _TIME__ __TIMESTAMP_ __D __T __ __DATA__";
	char text[LEN_MAX];

	(void)state;
	for (size_t len = 0; len <= LEN_MAX; len++) {
		for (size_t i = 0; i < len; i++)
			text[i] = like[(i + len) % (sizeof(like) - 1)];
		/* __TIME___ begins with __TIME__ */
		for (size_t i = 0; i + 8 <= len; i++)
			if (memcmp(text + i, "__TIME__", 8) == 0)
				text[i + 2] = 'D';
		assert_false(has_date(text, len));
	}
	assert_false(has_date("", 0));
	assert_true(has_date("__TIME___", 9));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_found_wherever_it_stands),
		cmocka_unit_test(what_only_looks_like_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
