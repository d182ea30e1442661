/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

static const struct row {
	const char *name;
	bool is_source, is_preprocessed;
} rows[] = {
	{ "hello.c", true, false },
	{ "hello.cc", true, false },
	{ "hello.cxx", true, false },
	{ "hello.cpp", true, false },
	{ "hello.c++", true, false },
	{ "hello.m", true, false },
	{ "hello.M", true, false },
	{ "hello.mm", true, false },
	{ "hello.mi", true, true },
	{ "hello.mii", true, true },
	{ "hello.2.4.4.i", true, true },
	{ ".foo", false, false },
	{ "gcc", false, false },
	{ "hello.ii", true, true },
	{ "boot.s", false, false },
	{ "boot.S", false, false },
	{ "hello.2.4.4.4.c", true, false },
	{ "a.cp", true, false },
	{ "a.C", true, false },
	{ "a.CPP", false, false },
	{ "a.I", false, false },
	{ "a.sx", false, false },
	{ "a.h", false, false },
	{ "a.hpp", false, false },
	{ "a.hh", false, false },
	{ "a.f", false, false },
	{ "a.f90", false, false },
	{ "a.go", false, false },
	{ "a.d", false, false },
	{ "a.cu", false, false },
	{ "a.o", false, false },
	{ "a.", false, false },
	{ "a", false, false },
	{ ".c", true, false },
	{ "a.c.", false, false },
	{ "dir.x/a", false, false },
	{ "dir/a.c", true, false },
	{ "", false, false },
	{ ".", false, false },
	{ "a.c/b", false, false },
};

static void
name_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		bool preprocessed;

		print_message("\"%s\"\n", rows[i].name);
		assert_int_equal(cmdline_is_source(rows[i].name, &preprocessed),
		    rows[i].is_source);
		assert_int_equal(preprocessed, rows[i].is_preprocessed);
		assert_int_equal(cmdline_preprocessed_ext(rows[i].name) != NULL,
		    rows[i].is_source);
	}
}

static void
preprocessed_names(void **state)
{
	(void)state;
	assert_string_equal(cmdline_preprocessed_ext("a.c"), ".i");
	assert_string_equal(cmdline_preprocessed_ext("a.i"), ".i");
	assert_string_equal(cmdline_preprocessed_ext("a.C"), ".ii");
	assert_string_equal(cmdline_preprocessed_ext("a.cc"), ".ii");
	assert_string_equal(cmdline_preprocessed_ext("a.c++"), ".ii");
	assert_string_equal(cmdline_preprocessed_ext("a.ii"), ".ii");
	assert_string_equal(cmdline_preprocessed_ext("a.m"), ".mi");
	assert_string_equal(cmdline_preprocessed_ext("a.mm"), ".mii");
	assert_string_equal(cmdline_preprocessed_ext("a.M"), ".mii");
	assert_null(cmdline_preprocessed_ext("a.s"));
}

static void
objects(void **state)
{
	(void)state;
	assert_true(cmdline_is_object("a.o"));
	assert_true(cmdline_is_object("d/a.b.o"));
	assert_false(cmdline_is_object("a.obj"));
	assert_false(cmdline_is_object("a."));
	assert_false(cmdline_is_object("o"));
}

static void
commands_without_compiler(void **state)
{
	(void)state;
	assert_true(cmdline_lacks_compiler("-c"));
	assert_true(cmdline_lacks_compiler("a.c"));
	assert_true(cmdline_lacks_compiler("a.o"));
	assert_false(cmdline_lacks_compiler("gcc"));
	assert_false(cmdline_lacks_compiler("arm-none-eabi-gcc-12.2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_rows),
		cmocka_unit_test(preprocessed_names),
		cmocka_unit_test(objects),
		cmocka_unit_test(commands_without_compiler),
	};

	return cmocka_run_group_tests_name("policy/cmdline_name", tests, NULL,
	    NULL);
}
