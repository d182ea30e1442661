/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

/*
 * The dependency file that gcc 12 and clang 14 leave behind, tried by hand.
 * distcc differs for a directory in the source's name, for "-oFILE", -MP and
 * -Wp,-MD: the compilers are right.
 */
static const struct row {
	const char *environment;
	const char *command;
	const char *name;
	bool is_needed, has_target;
	const char *target;
} rows[] = {
	{ NULL, "gcc foo.c -o hello.o -MD -c", "hello.d", true, false, NULL },
	{ NULL, "gcc foo.c -o hello.. -MD -c", "hello..d", true, false, NULL },
	{ NULL, "gcc foo.c -o hello.bar.foo -MD -c", "hello.bar.d", true,
	  false, NULL },
	{ NULL, "gcc foo.c -o hello.o -c", "hello.d", false, false, NULL },
	{ NULL, "gcc foo.c -MD -c", "foo.d", true, false, NULL },
	{ NULL, "gcc foo.c -o hello. -MD -c", "hello.d", true, false, NULL },
	{ NULL, "gcc foo.c -o hello. -MD -MT tootoo -c", "hello.d", true, true,
	  NULL },
	{ NULL, "gcc foo.c -o hello.o -MD -MT tootoo -c", "hello.d", true,
	  true, NULL },
	{ NULL, "gcc foo.c -o hello.o -MD -MF foobar -c", "foobar", true,
	  false, NULL },
	{ NULL, "gcc foo.cpp -o hello.o -c", "hello.d", false, false, NULL },
	{ NULL, "gcc foo.cpp -o hello -c", "hello.d", false, false, NULL },
	{ "xxx.d yyy", "gcc foo.c -c", "xxx.d", true, false, "yyy" },
	{ "zzz.d", "gcc foo.c -c", "zzz.d", true, false, NULL },
	{ NULL, "gcc foo.cpp -o hello -MD -c", "hello.d", true, false, NULL },
	{ NULL, "gcc foo.c -o hello.D -MD -c", "hello.d", true, false, NULL },
	{ NULL, "gcc dir/foo.c -o out/x.o -MMD -c", "out/x.d", true, false,
	  NULL },
	{ NULL, "gcc foo.c -MFx -MD -c", "x", true, false, NULL },
	{ NULL, "gcc foo.c -MTx -MD -c", "foo.d", true, true, NULL },
	{ NULL, "gcc foo.c -MQ x -c", "foo.d", false, true, NULL },
	{ NULL, "gcc foo.c -MMD -MQ a -c", "foo.d", true, true, NULL },
	{ "xxx.d yyy", "gcc foo.c -MD -MF m.d -c", "m.d", true, false, NULL },
	/* not as distcc */
	{ NULL, "gcc dir/foo.c -MD -c", "foo.d", true, false, NULL },
	{ NULL, "gcc foo.c -MP -c", "foo.d", false, false, NULL },
	{ NULL, "gcc foo.c -oh.o -MD -c", "h.d", true, false, NULL },
	{ NULL, "gcc foo.c -Wp,-MD,x -c", "x", true, false, NULL },
	{ "xxx.d yyy", "gcc foo.c -MD -MT z -c", "foo.d", true, true, NULL },
	{ "xxx.d yyy", "gcc foo.c -Wp,-MD,x -c", "x", true, false, NULL },
	/* more of what the compilers do */
	{ NULL, "gcc foo.c -Wp,-MMD,d/x,-MT,y -c", "d/x", true, true, NULL },
	{ NULL, "gcc foo.c -Wp,-MD,x -MD -MF y -c", "x", true, false, NULL },
	{ NULL, "clang foo.c -Wp,-MD,x -MD -MF y -c", "y", true, false, NULL },
	{ NULL, "gcc foo.c -MD -MF x -MF y -c", "y", true, false, NULL },
	{ NULL, "gcc foo.c -MD -MF - -c", "-", true, false, NULL },
	{ NULL, "gcc foo.c -o out.d/x -MD -c", "out.d/x.d", true, false, NULL },
	{ NULL, "gcc foo.c -o .hello -MD -c", ".d", true, false, NULL },
	{ NULL, "gcc foo.c -o out/.o -MD -c", "out/.d", true, false, NULL },
	{ NULL, "gcc -S foo.c -MMD", "foo.d", true, false, NULL },
	{ NULL, "gcc -c", NULL, false, false, NULL },
	{ "", "gcc foo.c -c", "foo.d", false, false, NULL },
	{ "xxx.d yyy", "clang foo.c -c", "foo.d", false, false, NULL },
};

static void
assert_text(const char *got, const char *want)
{
	assert_int_equal(got != NULL, want != NULL);
	if (want != NULL)
		assert_string_equal(got, want);
}

static void
deps_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		const struct row *r = &rows[i];
		struct cmdline_deps d;
		struct words w;

		print_message("%s\n", r->command);
		char *const *v = split(&w, r->command);

		assert_int_equal(cmdline_deps_name(v,
		    compiler_family(compiler_base(v[0])), r->environment, &d),
		    0);
		assert_text(d.name, r->name);
		assert_text(d.target, r->target);
		assert_int_equal(d.is_needed, r->is_needed);
		assert_int_equal(d.has_target, r->has_target);
		cmdline_deps_free(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(deps_rows) };

	return cmocka_run_group_tests_name("policy/cmdline_deps", tests, NULL,
	    NULL);
}
