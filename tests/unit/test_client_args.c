/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/args.c client/find.c client/terminal.c */
#include "policy_test.h"

#include "client/args.h"

enum { TERMINAL = 1 << 0, CROSS = 1 << 1 };

static const struct row {
	const char *command;
	int flags;
	const char *made;
} preprocess_rows[] = {
	{ "gcc -c a.c", 0, "gcc -E a.c" },
	{ "gcc -O2 -c dir/a.c -o x/y.o -DX=1 -Ifoo", 0,
	  "gcc -E -O2 dir/a.c -DX=1 -Ifoo" },
	{ "gcc -S a.c -oy.s -g", 0, "gcc -E a.c -g" },
	/* dependency files: as the whole command names them */
	{ "gcc -c a.c -MD", 0, "gcc -E a.c -MD" },
	{ "gcc -c dir/a.c -MD -o x/y.o", 0,
	  "gcc -E dir/a.c -MD -MF x/y.d -MQ x/y.o" },
	{ "gcc -c a.c -MMD -ox/y.b.o", 0,
	  "gcc -E a.c -MMD -MF x/y.b.d -MQ x/y.b.o" },
	{ "gcc -c a.c -MD -o x.d/y", 0,
	  "gcc -E a.c -MD -MF x.d/y.d -MQ x.d/y" },
	{ "gcc -c a.c -MD -MF q.d -o y.o", 0,
	  "gcc -E a.c -MD -MF q.d -MQ y.o" },
	{ "gcc -c a.c -MD -MFq.d -MTt -o y.o", 0,
	  "gcc -E a.c -MD -MFq.d -MTt" },
	{ "gcc -c a.c -MD -MT t -o y.o", 0,
	  "gcc -E a.c -MD -MT t -MF y.d" },
	{ "gcc -c a.c -MP -o y.o", 0, "gcc -E a.c -MP" },
	{ "gcc -c a.c -Wp,-MD,q.d -o y.o", 0, "gcc -E a.c -Wp,-MD,q.d" },
	{ "clang -c a.c -Wp,-MD,q.d -o y.o", 0,
	  "clang -E a.c -Wp,-MD,q.d -MQ y.o" },
	{ "clang -c a.c -Wp,-MDX,q.d -o y.o", 0, "clang -E a.c -Wp,-MDX,q.d" },
	/* a terminal */
	{ "gcc -c a.c", TERMINAL, "gcc -E a.c -fdiagnostics-color=always" },
	{ "gcc -c a.c -fdiagnostics-color=never", TERMINAL,
	  "gcc -E a.c -fdiagnostics-color=never" },
	{ "gcc -c a.c -fdiagnostics-color=never -fdiagnostics-color=auto",
	  TERMINAL, "gcc -E a.c -fdiagnostics-color=never "
	  "-fdiagnostics-color=auto -fdiagnostics-color=always" },
	{ "clang -fno-color-diagnostics -c a.c", TERMINAL,
	  "clang -E -fno-color-diagnostics a.c -fmessage-length=70" },
	{ "clang -fmessage-length=0 -fcolor-diagnostics -c a.c", TERMINAL,
	  "clang -E -fmessage-length=0 -fcolor-diagnostics a.c" },
};

static const struct row remote_rows[] = {
	{ "gcc -c a.c", 0, "gcc -c a.c -o a.o" },
	{ "gcc -c dir/a.c -DX -I foo -o x.o", 0, "gcc -c dir/a.c -o x.o" },
	{ "gcc -S dir/a.c -MD -MF y", 0, "gcc -S dir/a.c -o a.s" },
	{ "gcc -c a.c", TERMINAL, "gcc -c a.c -o a.o -fdiagnostics-color=always" },
	/* a preprocessed source is not preprocessed again */
	{ "gcc -x c -c a.c -o a.o", 0, "gcc -x cpp-output -c a.c -o a.o" },
	{ "gcc -x c++ -c a.c -o a.o", 0, "gcc -x c++-cpp-output -c a.c -o a.o" },
	{ "gcc -x cpp-output -c a.c -o a.o", 0,
	  "gcc -x cpp-output -c a.c -o a.o" },
	/* another name only for a compiler that has it */
	{ "gcc -c a.c -o a.o", CROSS, "gcc -c a.c -o a.o" },
	{ "cc -c a.c -o a.o", CROSS, "cc -c a.c -o a.o" },
	{ "clang --target=x -c a.c -o a.o", CROSS,
	  "clang --target=x -c a.c -o a.o" },
};

static void
check(const struct row *row,
    int (*make)(const struct args_source *, struct args *))
{
	struct words w;
	struct cmdline_scan scan;
	struct args a;
	const struct env env = { .term = "xterm", .columns = "70" };
	struct terminal terminal;
	struct args_source src = {
		.argv = split(&w, row->command), .scan = &scan,
		.file = "/nonexistent/cc",
		.terminal = &terminal,
		.rewrite_cross = (row->flags & CROSS) != 0,
	};
	char *text;

	terminal_ask(&env, compiler_family(src.argv[0]), src.argv,
	    (row->flags & TERMINAL) != 0, &terminal);
	assert_int_equal(cmdline_scan(src.argv, &scan), 0);
	if (!scan.distribute)
		fail_msg("\"%s\" is local: %s", row->command, scan.reason);
	assert_int_equal(make(&src, &a), 0);
	text = args_join(a.argv);
	if (strcmp(text, row->made) != 0)
		fail_msg("\"%s\" gave \"%s\", not \"%s\"", row->command, text,
		    row->made);
	free(text);
	args_free(&a);
	cmdline_scan_free(&scan);
}

static const struct row pump_rows[] = {
	{ "gcc -c a.c", 0, "gcc -c a.c -o a.o" },
	{ "gcc -c dir/a.c -DX -Ifoo -include x.h -o x/y.o", 0,
	  "gcc -c dir/a.c -DX -Ifoo -include x.h -o x/y.o" },
	{ "gcc -MD -c dir/a.c", 0, "gcc -MD -c dir/a.c -o a.o -MQ a.o" },
	{ "gcc -MMD -MF q.d -c a.c -o x/y.o", 0,
	  "gcc -MMD -MF deps.d -c a.c -o x/y.o -MQ x/y.o" },
	{ "gcc -MMD -MF../q.d -MT t -c a.c -o y.o", 0,
	  "gcc -MMD -MF deps.d -MT t -c a.c -o y.o" },
	{ "gcc -MD -MT t -c a.c -o y.o", 0, "gcc -MD -MT t -c a.c -o y.o" },
	{ "gcc -xc++ -c a.c -o y.o", 0, "gcc -x c++ -c a.c -o y.o" },
	{ "gcc -Wp,-MMD,s/.y.d -c dir/a.c -o y.o", 0,
	  "gcc -MMD -MF deps.d -c dir/a.c -o y.o -MQ a.o" },
	{ "clang -Wp,-MD,q.d -c dir/a.c -o y.o", 0,
	  "clang -MD -MF deps.d -c dir/a.c -o y.o -MQ y.o" },
	{ "gcc -Wp,-DX -c a.c -o y.o", 0, "gcc -Wp,-DX -c a.c -o y.o" },
	{ "gcc -c a.c -o y.o", TERMINAL,
	  "gcc -c a.c -o y.o -fdiagnostics-color=always" },
};

static const struct row environment_rows[] = {
	{ "gcc -c a.c -o y.o", 0,
	  "gcc -c a.c -o y.o -I /x -I . -I y -isystem c" },
	{ "gcc -c a.cc -o y.o", 0,
	  "gcc -c a.cc -o y.o -I /x -I . -I y -isystem cxx" },
	{ "gcc -c a.m -o y.o", 0, "gcc -c a.m -o y.o -I /x -I . -I y" },
};

static void
test_pump(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(pump_rows); i++)
		check(&pump_rows[i], args_pump);
}

static void
test_pump_environment(void **state)
{
	(void)state;
	assert_int_equal(setenv("CPATH", "/x::y", 1), 0);
	assert_int_equal(setenv("C_INCLUDE_PATH", "c", 1), 0);
	assert_int_equal(setenv("CPLUS_INCLUDE_PATH", "cxx", 1), 0);
	for (size_t i = 0; i < NELEM(environment_rows); i++)
		check(&environment_rows[i], args_pump);
	assert_int_equal(unsetenv("CPATH"), 0);
	assert_int_equal(unsetenv("C_INCLUDE_PATH"), 0);
	assert_int_equal(unsetenv("CPLUS_INCLUDE_PATH"), 0);
}

static void
test_preprocess(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(preprocess_rows); i++)
		check(&preprocess_rows[i], args_preprocess);
}

static void
test_remote(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(remote_rows); i++)
		check(&remote_rows[i], args_remote);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preprocess),
		cmocka_unit_test(test_remote),
		cmocka_unit_test(test_pump),
		cmocka_unit_test(test_pump_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
