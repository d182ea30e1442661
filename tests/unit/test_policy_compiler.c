/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

static const struct row {
	const char *base;
	bool is_known;
	enum compiler_family family;
} rows[] = {
	{ "gcc", true, FAMILY_GCC },
	{ "g++", true, FAMILY_GCC },
	{ "cc", true, FAMILY_GCC },
	{ "c++", true, FAMILY_GCC },
	{ "clang", true, FAMILY_CLANG },
	{ "clang++", true, FAMILY_CLANG },
	{ "gcc-12", true, FAMILY_GCC },
	{ "g++-4.8.5", true, FAMILY_GCC },
	{ "clang-14", true, FAMILY_CLANG },
	{ "clang++-14", true, FAMILY_CLANG },
	{ "x86_64-linux-gnu-gcc", true, FAMILY_GCC },
	{ "x86_64-linux-gnu-gcc-12", true, FAMILY_GCC },
	{ "x86_64-pc-linux-gnu-g++", true, FAMILY_GCC },
	{ "arm-none-eabi-gcc-12.2.1", true, FAMILY_GCC },
	{ "i686-w64-mingw32-c++", true, FAMILY_GCC },
	{ "aarch64-linux-gnu-clang++", true, FAMILY_CLANG },
	{ "x86_64-w64-mingw32.static-gcc", true, FAMILY_GCC },
	{ "avr-gcc", false, FAMILY_OTHER },	/* not a triple */
	{ "c89-gcc", false, FAMILY_OTHER },
	{ "-gcc", false, FAMILY_OTHER },
	{ "a--gcc", false, FAMILY_OTHER },
	{ "a-b--gcc", false, FAMILY_OTHER },
	{ "..-b-gcc", false, FAMILY_OTHER },
	{ "a-..-gcc", false, FAMILY_OTHER },
	{ "a/b-c-gcc", false, FAMILY_OTHER },
	{ "gcc-", false, FAMILY_OTHER },
	{ "gcc-ar", false, FAMILY_OTHER },
	{ "gcc-ar-12", false, FAMILY_OTHER },
	{ "gcc-.1", false, FAMILY_OTHER },
	{ "gcc-12x", false, FAMILY_OTHER },
	{ "gcc 12", false, FAMILY_OTHER },
	{ "gcc\n", false, FAMILY_OTHER },
	{ "clang-format", false, FAMILY_OTHER },
	{ "clang-cl", false, FAMILY_OTHER },
	{ "clang-cpp-14", false, FAMILY_OTHER },
	{ "gccgo", false, FAMILY_OTHER },
	{ "cpp", false, FAMILY_OTHER },
	{ "sh", false, FAMILY_OTHER },
	{ "12", false, FAMILY_OTHER },
	{ "-12", false, FAMILY_OTHER },
	{ "", false, FAMILY_OTHER },
};

static void
compiler_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		print_message("\"%s\"\n", rows[i].base);
		assert_int_equal(compiler_name_is_known(rows[i].base),
		    rows[i].is_known);
		assert_int_equal(compiler_family(rows[i].base),
		    rows[i].family);
	}
}

static void
compiler_bases(void **state)
{
	(void)state;
	assert_string_equal(compiler_base("/usr/bin/gcc"), "gcc");
	assert_string_equal(compiler_base("gcc"), "gcc");
	assert_string_equal(compiler_base("/usr/bin/"), "");
	assert_string_equal(compiler_base(""), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiler_rows),
		cmocka_unit_test(compiler_bases),
	};

	return cmocka_run_group_tests_name("policy/compiler", tests, NULL,
	    NULL);
}
