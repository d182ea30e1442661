/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

/*
 * What distcc decides for a command, and where we decide otherwise.  A command
 * that stays local has NULL and a part of the reason that is logged.
 */
static const struct row {
	const char *command;
	const char *input, *output;	/* NULL: local */
	const char *reason;
} as_distcc[] = {
	{ "gcc -c hello.c", "hello.c", "hello.o", NULL },
	{ "gcc hello.c", NULL, NULL, "neither -c nor -S" },
	{ "gcc -o /x/hello.o -c ../src/hello.c",
	  "../src/hello.c", "/x/hello.o", NULL },
	{ "gcc -DMYNAME=quasibar.c bar.c -c -o bar.o", "bar.c", "bar.o", NULL },
	{ "gcc -ohello.o -c hello.c", "hello.c", "hello.o", NULL },
	{ "ccache gcc -c hello.c", "hello.c", "hello.o", NULL },
	{ "gcc hello.o", NULL, NULL, "no source file" },
	{ "gcc -o hello.o hello.c", NULL, NULL, "neither -c nor -S" },
	{ "gcc -o hello.o -c hello.s", NULL, NULL, "is no C, C++" },
	{ "gcc -o hello.o -c hello.S", NULL, NULL, "is no C, C++" },
	{ "gcc -fprofile-arcs -ftest-coverage -c hello.c",
	  NULL, NULL, "ties the object" },
	{ "gcc -S hello.c", "hello.c", "hello.s", NULL },
	{ "gcc -c -S hello.c", "hello.c", "hello.s", NULL },
	{ "gcc -S -c hello.c", "hello.c", "hello.s", NULL },
	{ "gcc -M hello.c", NULL, NULL, "does not make an object" },
	{ "gcc -ME hello.c", NULL, NULL, "is not known to be safe" },
	{ "gcc -MD -c hello.c", "hello.c", "hello.o", NULL },
	{ "gcc -MMD -c hello.c", "hello.c", "hello.o", NULL },
	{ "gcc -S foo.c -o -", NULL, NULL, "standard output" },
	{ "-S -o - foo.c", NULL, NULL, "standard output" },
	{ "-c -S -o - foo.c", NULL, NULL, "standard output" },
	{ "-S -c -o - foo.c", NULL, NULL, "standard output" },
	{ "-MD -MF - -c foo.c", NULL, NULL, "standard output" },
	{ "-MD -MF- -c foo.c", NULL, NULL, "standard output" },
	{ "-Wp,-MD,- -c foo.c", NULL, NULL, "standard output" },
	{ "-Wp,-MD,-MF,- -c foo.c", NULL, NULL, "standard output" },
	{ "-Wp,-MF,-,-MD -c foo.c", NULL, NULL, "standard output" },
	{ "gcc -ofoo.o foo.c -c", "foo.c", "foo.o", NULL },
	{ "gcc -ofoo foo.o", NULL, NULL, "no source file" },
	{ "foo.c -o foo.o", NULL, NULL, "neither -c nor -S" },
	{ "foo.c -o foo.o -c", "foo.c", "foo.o", NULL },
	{ "gcc -Wa,-alh,-a=foo.lst -c foo.c", NULL, NULL, "on the list" },
	{ "gcc -Wa,--MD -c foo.c", NULL, NULL, "on the list" },
	{ "gcc -Wa,-xarch=v8 -c foo.c", "foo.c", "foo.o", NULL },
	{ "g++ -frepo foo.C", NULL, NULL, "side files" },
	{ "gcc -xassembler-with-cpp -c foo.c", NULL, NULL, "not a language" },
	{ "gcc -x assembler-with-cpp -c foo.c", NULL, NULL, "not a language" },
	{ "gcc -dr -c foo.c", NULL, NULL, "side files" },
	{ "-c hello.c", "hello.c", "hello.o", NULL },
	{ "hello.c -c", "hello.c", "hello.o", NULL },
	{ "-o hello.o -c hello.c", "hello.c", "hello.o", NULL },
	{ "gcc -c hello.C", "hello.C", "hello.o", NULL },
	{ "gcc -c hello.cp", "hello.cp", "hello.o", NULL },
	{ "gcc -c hello.cc -o x", "hello.cc", "x", NULL },
	{ "gcc -c dir/a.cpp", "dir/a.cpp", "a.o", NULL },
	{ "gcc -c /abs/a.c", "/abs/a.c", "a.o", NULL },
	{ "gcc -c a.b.c", "a.b.c", "a.b.o", NULL },
	{ "gcc -c a.i", "a.i", "a.o", NULL },
	{ "gcc -c a.ii", "a.ii", "a.o", NULL },
	{ "gcc -c a.mi", "a.mi", "a.o", NULL },
	{ "gcc -c a.m", "a.m", "a.o", NULL },
	{ "gcc -c a.M", "a.M", "a.o", NULL },
	{ "gcc -c a.mm", "a.mm", "a.o", NULL },
	{ "gcc -c a.f", NULL, NULL, "is no C, C++" },
	{ "gcc -c a.ada", NULL, NULL, "is no C, C++" },
	{ "gcc -c a.CPP", NULL, NULL, "is no C, C++" },
	{ "nvcc -c a.cu", NULL, NULL, "is no C, C++" },
	{ "gcc -c .c", NULL, NULL, "name would be empty" },
	{ "gcc -c x.s", NULL, NULL, "is no C, C++" },
	{ "gcc -c x.S", NULL, NULL, "is no C, C++" },
	{ "gcc -S a.c -o out", "a.c", "out", NULL },
	{ "gcc -S dir/a.c", "dir/a.c", "a.s", NULL },
	{ "gcc -c a.c b.c", NULL, NULL, "more than one source" },
	{ "gcc -c a.c -o a.o b.o", NULL, NULL, "besides the output" },
	{ "gcc -c a.c a.o", "a.c", "a.o", NULL },
	{ "gcc -o x.o -o y.o -c a.c", NULL, NULL, "given twice" },
	{ "gcc -c a.c -o -", NULL, NULL, "standard output" },
	{ "gcc a.c", NULL, NULL, "neither -c nor -S" },
	{ "a.o -o a", NULL, NULL, "no source file" },
	{ "a.c -c", "a.c", "a.o", NULL },
	{ "gcc -c", NULL, NULL, "no source file" },
	{ "gcc -c -", NULL, NULL, "standard input" },
	{ "gcc -fsyntax-only a.c", NULL, NULL, "does not make an object" },
	{ "gcc -E hello.c", NULL, NULL, "does not make an object" },
	{ "gcc -c conftest.c", NULL, NULL, "configure test" },
	{ "gcc -c dir/conftest.c", NULL, NULL, "configure test" },
	{ "gcc -c tmp.conftest.c", NULL, NULL, "configure test" },
	{ "gcc -c conftest2.c", "conftest2.c", "conftest2.o", NULL },
	{ "gcc -c -march=native a.c", NULL, NULL, "needs this machine" },
	{ "gcc -c -mtune=native a.c", NULL, NULL, "needs this machine" },
	{ "gcc -c -march=x86-64 a.c", "a.c", "a.o", NULL },
	{ "gcc -c --coverage a.c", NULL, NULL, "side files" },
	{ "gcc -c -fprofile-generate a.c", NULL, NULL, "ties the object" },
	{ "gcc -c -fprofile-generate=/x a.c", NULL, NULL, "ties the object" },
	{ "gcc -c -fprofile-use a.c", NULL, NULL, "not sent" },
	{ "gcc -c -fprofile-use=/x a.c", NULL, NULL, "not sent" },
	{ "gcc -c -fprofile-dir=/x a.c", "a.c", "a.o", NULL },
	{ "gcc -c -fauto-profile=x a.c", NULL, NULL, "not sent" },
	{ "gcc -c -fprofile-correction a.c", NULL, NULL, "not sent" },
	{ "gcc -c -fprofile-instr-generate a.c", "a.c", "a.o", NULL },
	{ "gcc -frepo -c a.c", NULL, NULL, "side files" },
	{ "gcc -c -x c a.c", "a.c", "a.o", NULL },
	{ "gcc -x c++ -c a.c", "a.c", "a.o", NULL },
	{ "gcc -x c++-header -c a.h", NULL, NULL, "not a language" },
	{ "gcc -x objective-c -c a.c", "a.c", "a.o", NULL },
	{ "gcc -x cpp-output -c a.c", "a.c", "a.o", NULL },
	{ "gcc -x cuda -c a.cu", NULL, NULL, "not a language" },
	{ "gcc -x none -c a.c", NULL, NULL, "not a language" },
	{ "gcc -x assembler -c a.c", NULL, NULL, "not a language" },
	{ "gcc -x go -c a.c", "a.c", "a.o", NULL },
	{ "gcc -x ada -c a.c", NULL, NULL, "not a language" },
	{ "gcc -xassembler a.c -c", NULL, NULL, "not a language" },
	{ "gcc -c a.c -xc", "a.c", "a.o", NULL },
	{ "gcc -MF d -MD -c a.c", "a.c", "a.o", NULL },
	{ "gcc -MFd -MMD -c a.c", "a.c", "a.o", NULL },
	{ "gcc -MT x -MQ y -MP -MG -MD -c a.c", "a.c", "a.o", NULL },
	{ "gcc -MTx -MQy -MD -c a.c", "a.c", "a.o", NULL },
	{ "gcc -MM a.c -c", NULL, NULL, "does not make an object" },
	{ "gcc -M -MF d -c a.c", NULL, NULL, "does not make an object" },
	{ "gcc -MMD -MF x.c -c a.c", "a.c", "a.o", NULL },
	{ "gcc -MJ x -c a.c", NULL, NULL, "side files" },
	{ "gcc -Wa,-a -c a.c", NULL, NULL, "on the list" },
	{ "gcc -Wa,-ahl=x -c a.c", NULL, NULL, "on the list" },
	{ "gcc -Wa,-alh,-L -c a.c", NULL, NULL, "on the list" },
	{ "gcc -Wa,--noexecstack -c a.c", "a.c", "a.o", NULL },
	{ "gcc -Wa,-mtune=generic,-alh -c a.c", NULL, NULL, "on the list" },
	{ "gcc -Wa,--MD,x -c a.c", NULL, NULL, "on the list" },
	{ "gcc -drX -c a.c", NULL, NULL, "side files" },
	{ "gcc -dM -c a.c", "a.c", "a.o", NULL },
	{ "gcc -flto -c a.c", "a.c", "a.o", NULL },
	{ "gcc -pipe -include x.h -c a.c", "a.c", "a.o", NULL },
	{ "gcc -Wp,-MD,x -c a.c", "a.c", "a.o", NULL },
	{ "gcc -Wp,-D,FOO a.c -c", "a.c", "a.o", NULL },
	{ "gcc --analyze -c a.c", "a.c", "a.o", NULL },
	{ "gcc -v -c a.c", "a.c", "a.o", NULL },
	{ "clang -c --target=x a.c", "a.c", "a.o", NULL },
	{ "clang -MJ f.json -c a.c", NULL, NULL, "side files" },
	{ "gcc -c -c a.c", "a.c", "a.o", NULL },
	{ "gcc -c a.h", NULL, NULL, "is no C, C++" },
	{ "gcc -c -o a.gch a.h", NULL, NULL, "is no C, C++" },
	{ "gcc -c stdin.c -o dir/", "stdin.c", "dir/", NULL },
	{ "gcc -c ab", NULL, NULL, "is no C, C++" },
	{ "gcc -c a.c -lfoo", "a.c", "a.o", NULL },
	{ "gcc -c a.o", NULL, NULL, "no source file" },
};

/*
 * Rows in which distcc is wrong: it sends away what loses a side file, runs
 * code, or means this machine; it takes an option's value for the source; and
 * it keeps "-xc" in one word at home.
 */
static const struct row better[] = {
	{ "gcc -specs=foo.specs -c foo.c", NULL, NULL, "runs or loads code" },
	{ "gcc -c a.c -o", NULL, NULL, "lacks its value" },
	{ "gcc -c -mcpu=native a.c", NULL, NULL, "needs this machine" },
	{ "gcc -c -xc a.c", "a.c", "a.o", NULL },
	{ "gcc -xc++ -c a.c", "a.c", "a.o", NULL },
	{ "gcc -c a.c -x", NULL, NULL, "lacks its value" },
	{ "gcc -Xassembler -a -c a.c", NULL, NULL, "-a is not on the list" },
	{ "gcc -da -c a.c", NULL, NULL, "writes side files" },
	{ "gcc -save-temps -c a.c", NULL, NULL, "writes side files" },
	{ "gcc -gsplit-dwarf -c a.c", NULL, NULL, "writes side files" },
	{ "gcc -fdump-tree-all -c a.c", NULL, NULL, "writes side files" },
	{ "gcc -fplugin=x.so -c a.c", NULL, NULL, "runs or loads code" },
	{ "gcc -aux-info x -c a.c", NULL, NULL, "writes side files" },
	{ "gcc -c -specs=x a.c", NULL, NULL, "runs or loads code" },
	{ "gcc @resp -c a.c", NULL, NULL, "reads options from a file" },
	{ "gcc -include x.c -c a.c", "a.c", "a.o", NULL },
	{ "gcc -I d.c -c a.c", "a.c", "a.o", NULL },
	{ "gcc -### -c a.c", NULL, NULL, "does not make an object" },
	{ "gcc -xc++-header -c a.c", NULL, NULL, "not a language" },
	{ "gcc -c -march=native+crc a.c", NULL, NULL, "needs this machine" },
	{ "gcc -fstack-usage -c a.c", NULL, NULL, "side files" },
	{ "gcc -fmodules-ts -c a.cc", NULL, NULL, "module files" },
	{ "clang -ftime-trace -c a.c", NULL, NULL, "side files" },
	{ "gcc --plugin=x.so -c a.c", NULL, NULL, "runs or loads code" },
	{ "gcc -wrapper time -c a.c", NULL, NULL, "runs or loads code" },
	{ "gcc -B/opt/x -c a.c", NULL, NULL, "runs or loads code" },
	{ "gcc -includefoo.h -c a.c", "a.c", "a.o", NULL },
	{ "gcc -include/abs/foo.h -c a.c", NULL, NULL, "outside the job" },
	{ "gcc -include /abs/foo.h -c a.c", "a.c", "a.o", NULL },
	{ "gcc -Xlinker -s -c a.c", "a.c", "a.o", NULL },
	{ "gcc -c a.c b.o", "a.c", "a.o", NULL },
	{ "gcc -D a.c -c b.c", "b.c", "b.o", NULL },
	{ "clang -target x.c -c b.c", "b.c", "b.o", NULL },
};

static void
scan_row(const struct row *row)
{
	struct cmdline_scan s;
	struct words w;
	char *const *v = split(&w, row->command);

	assert_int_equal(cmdline_scan(v, &s), 0);
	if (s.distribute != (row->input != NULL))
		fail_msg("%s: distribute is %d (%s)", row->command,
		    s.distribute, s.reason);
	if (s.distribute) {
		assert_string_equal(v[s.input], row->input);
		assert_string_equal(s.output_name, row->output);
		assert_string_equal(s.reason, "");
	} else if (strstr(s.reason, row->reason) == NULL) {
		fail_msg("%s: reason \"%s\" lacks \"%s\"", row->command,
		    s.reason, row->reason);
	}
	cmdline_scan_free(&s);
}

static void
scan_as_distcc(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(as_distcc); i++)
		scan_row(&as_distcc[i]);
}

static void
scan_better(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(better); i++)
		scan_row(&better[i]);
}

static const struct fields {
	const char *command;
	size_t output;
	bool output_joined, is_assembly, is_preprocessed, has_language;
} fields[] = {
	{ "gcc -c a.c", 0, false, false, false, false },
	{ "gcc -c a.c -o b.o", 4, false, false, false, false },
	{ "gcc -ob.o -c a.c", 1, true, false, false, false },
	{ "gcc -S a.c", 0, false, true, false, false },
	{ "gcc -c -S a.c", 0, false, true, false, false },
	{ "gcc -c a.ii", 0, false, false, true, false },
	{ "gcc -x c -c a.i", 0, false, false, false, true },
	{ "gcc -x cpp-output -c a.c", 0, false, false, true, true },
	{ "gcc -c a.i -xc", 0, false, false, true, true },
};

static void
scan_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(fields); i++) {
		const struct fields *f = &fields[i];
		struct cmdline_scan s;
		struct words w;

		print_message("%s\n", f->command);
		assert_int_equal(cmdline_scan(split(&w, f->command), &s), 0);
		assert_true(s.distribute);
		assert_int_equal(s.output, f->output);
		assert_int_equal(s.output_joined, f->output_joined);
		assert_int_equal(s.is_assembly, f->is_assembly);
		assert_int_equal(s.is_preprocessed, f->is_preprocessed);
		assert_int_equal(s.has_language, f->has_language);
		cmdline_scan_free(&s);
	}
}

static void
scan_native(void **state)
{
	(void)state;
	assert_true(cmdline_is_native("-march=native"));
	assert_true(cmdline_is_native("-mcpu=native+nofp"));
	assert_true(cmdline_is_native("-mtune=native"));
	assert_false(cmdline_is_native("-march=nativex"));
	assert_false(cmdline_is_native("-march=x86-64"));
	assert_false(cmdline_is_native("native"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_as_distcc),
		cmocka_unit_test(scan_better),
		cmocka_unit_test(scan_fields),
		cmocka_unit_test(scan_native),
	};

	return cmocka_run_group_tests_name("policy/cmdline_scan", tests, NULL,
	    NULL);
}
