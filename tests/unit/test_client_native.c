/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/native_ask.c client/native_same.c client/words.c client/args.c client/find.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those before */
#include <cmocka.h>

#include "client/args.h"
#include "client/native.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static const char gcc_answer[] =
    "Using built-in specs.\n"
    "COLLECT_GCC=gcc\n"
    "COLLECT_GCC_OPTIONS='-march=native' '-S'\n"
    " /usr/lib/gcc/x/12/cc1 -quiet /dev/null \"-march=znver3\" -mavx -mno-sgx "
    "--param \"l1-cache-size=48\" \"--param=l2-cache-size=1024\" "
    "\"-mtune=znver3\" -dumpbase null -o \"a \\\"b\\\\\"\n"
    "COMPILER_PATH=/usr/lib/gcc/x/12/\n";

static const char clang_answer[] =
    "Debian clang version 14.0.6\n"
    " (in-process)\n"
    " \"/usr/lib/clang\" \"-cc1\" \"-target-cpu\" \"znver3\" "
    "\"-target-feature\" \"+avx2\" \"-tune-cpu\" \"generic\" "
    "\"-target-feature\" \"-sgx\"\n";

static void
check_pick(const char *answer,
    void (*pick)(const struct words *, struct words *), const char *expected)
{
	struct words cc1, picked;
	char *text;

	assert_int_equal(native_read_driver(answer, &cc1), 0);
	pick(&cc1, &picked);
	text = args_join(picked.argv);
	assert_string_equal(text, expected);
	free(text);
	words_free(&picked);
	words_free(&cc1);
}

static void
test_pick(void **state)
{
	(void)state;
	check_pick(gcc_answer, native_pick_gcc,
	    "-march=znver3 -mavx -mno-sgx -mtune=znver3 "
	    "--param=l1-cache-size=48 --param=l2-cache-size=1024");
	check_pick(clang_answer, native_pick_clang,
	    "-target-cpu znver3 -target-feature +avx2 -tune-cpu generic "
	    "-target-feature -sgx");
}

static void
test_words(void **state)
{
	struct words cc1;

	(void)state;
	assert_int_equal(native_read_driver(gcc_answer, &cc1), 0);
	assert_string_equal(cc1.argv[0], "/usr/lib/gcc/x/12/cc1");
	assert_string_equal(cc1.argv[cc1.n - 1], "a \"b\\");
	words_free(&cc1);
}

static void
test_no_command(void **state)
{
	static const char *const answers[] = {
		"", "\n", " ", "gcc: error: no\n", " (in-process)\n",
		" /usr/bin/as --64 -o x\n", " \"open",
	};

	(void)state;
	for (size_t i = 0; i < NELEM(answers); i++) {
		struct words cc1;

		assert_true(native_read_driver(answers[i], &cc1) < 0);
		words_free(&cc1);
	}
}

static struct words
words_of(const char *command)
{
	struct words w = { NULL, 0, 0 };
	const char *p = command;

	while (*(p += strspn(p, " ")) != '\0') {
		size_t len = strcspn(p, " ");

		words_add_len(&w, p, len);
		p += len;
	}
	return w;
}

static const struct same_row {
	enum compiler_family family;
	const char *a, *b;
	bool is_same;
} same_rows[] = {
	{ FAMILY_GCC, "-mavx -msse", "-msse -mavx", true },
	{ FAMILY_GCC, "-mavx -msse", "-msse", false },
	{ FAMILY_GCC, "-mavx -msse -mno-avx", "-msse -mno-avx", true },
	{ FAMILY_GCC, "-mavx -mno-avx", "-mno-avx -mavx", false },
	{ FAMILY_GCC, "-mtune=a -mtune=b", "-mtune=b", true },
	{ FAMILY_GCC, "-mtune=a", "-mtune=b", false },
	{ FAMILY_GCC, "--param=x=1 --param=y=2", "--param=y=2 --param=x=1",
	  true },
	{ FAMILY_GCC, "--param=x=1", "--param=x=2", false },
	{ FAMILY_CLANG, "-target-cpu a -target-feature +x",
	  "-target-feature +x -target-cpu a", true },
	{ FAMILY_CLANG, "-target-feature +x -target-feature -x",
	  "-target-feature -x", true },
	{ FAMILY_CLANG, "-target-feature +x -target-feature -x",
	  "-target-feature -x -target-feature +x", false },
	{ FAMILY_CLANG, "-target-cpu a", "-target-cpu b", false },
	{ FAMILY_CLANG, "-target-cpu a -target-cpu b", "-target-cpu b", true },
	{ FAMILY_CLANG, "-target-cpu a", "-target-cpu a -tune-cpu g", false },
};

static void
test_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(same_rows); i++) {
		const struct same_row *row = &same_rows[i];
		struct words a = words_of(row->a), b = words_of(row->b);

		if (native_is_same(row->family, &a, &b) != row->is_same)
			fail_msg("\"%s\" and \"%s\"", row->a, row->b);
		words_free(&a);
		words_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_command),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
