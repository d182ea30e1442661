/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

/* The words that distcc keeps when it sends a preprocessed source. */
static const struct row {
	const char *command, *kept;
} rows[] = {
	{ "gcc -c hello.c",
	  "gcc -c hello.c" },
	{ "cc -Dhello hello.c -c",
	  "cc hello.c -c" },
	{ "gcc -g -O2 -W -Wall -Wshadow -Wpointer-arith -Wcast-align "
	    "-c -o h_strip.o h_strip.c",
	  "gcc -g -O2 -W -Wall -Wshadow -Wpointer-arith -Wcast-align "
	    "-c -o h_strip.o h_strip.c" },
	{ "cc -c hello.c -D",
	  "cc -c hello.c" },
	{ "cc -c hello.c -D -D",
	  "cc -c hello.c" },
	{ "cc -c hello.c -I ../include",
	  "cc -c hello.c" },
	{ "cc -c -I ../include hello.c",
	  "cc -c hello.c" },
	{ "cc -c -I. -I.. -I../include -I/home/mbp/garnome/include -c "
	    "-o foo.o foo.c",
	  "cc -c -c -o foo.o foo.c" },
	{ "cc -c -DDEBUG -DFOO=23 -D BAR -c -o foo.o foo.c",
	  "cc -c -c -o foo.o foo.c" },
	{ "cc -o nsinstall.o -c -DOSTYPE=\"Linux2.4\" -DOSARCH=\"Linux\" "
	    "-DOJI -D_BSD_SOURCE -I../dist/include -I../dist/include "
	    "-I/home/mbp/work/mozilla/mozilla-1.1/dist/include/nspr "
	    "-I/usr/X11R6/include -fPIC -I/usr/X11R6/include -Wall -W "
	    "-Wno-unused -Wpointer-arith -Wcast-align -pedantic "
	    "-Wno-long-long -pthread -pipe -DDEBUG -D_DEBUG -DDEBUG_mbp "
	    "-DTRACING -g -I/usr/X11R6/include -include ../config-defs.h "
	    "-DMOZILLA_CLIENT -Wp,-MD,.deps/nsinstall.pp nsinstall.c",
	  "cc -o nsinstall.o -c -fPIC -Wall -W -Wno-unused "
	    "-Wpointer-arith -Wcast-align -pedantic -Wno-long-long "
	    "-pthread -pipe -g nsinstall.c" },
	{ "cc -UX -U Y -c a.c",
	  "cc -c a.c" },
	{ "cc -L/x -L y -lfoo -l foo -c a.c",
	  "cc -c a.c" },
	{ "cc -MD -MMD -MG -MP -MF d -MT t -MQ q -c a.c",
	  "cc -c a.c" },
	{ "cc -MFd -MTt -MQq -c a.c",
	  "cc -c a.c" },
	{ "cc -include h -imacros m -iprefix p -iwithprefix w -isystem "
	    "s -iwithprefixbefore b -idirafter d -c a.c",
	  "cc -c a.c" },
	{ "cc -isystem/x -c a.c",
	  "cc -c a.c" },
	{ "cc -iquote q -c a.c",
	  "cc -iquote q -c a.c" },
	{ "cc -iquoteq -c a.c",
	  "cc -iquoteq -c a.c" },
	{ "cc -idirafter/x -c a.c",
	  "cc -idirafter/x -c a.c" },
	{ "cc -includefoo.h -c a.c",
	  "cc -includefoo.h -c a.c" },
	{ "cc -isysroot /x --sysroot=/y -c a.c",
	  "cc -isysroot /x --sysroot=/y -c a.c" },
	{ "cc -Xpreprocessor -DX -c a.c",
	  "cc -c a.c" },
	{ "cc -Xassembler x -c a.c",
	  "cc -Xassembler x -c a.c" },
	{ "cc -Xclang x -c a.c",
	  "cc -Xclang x -c a.c" },
	{ "cc -Wp,-MD,x -Wl,-s -Wa,-x -c a.c",
	  "cc -Wa,-x -c a.c" },
	{ "cc -WpX -Wno-unused -c a.c",
	  "cc -WpX -Wno-unused -c a.c" },
	{ "cc -stdlib=libc++ -c a.c",
	  "cc -c a.c" },
	{ "cc -undef -nostdinc -nostdinc++ -c a.c",
	  "cc -c a.c" },
	{ "cc -M a.c",
	  "cc -M a.c" },
	{ "cc -MM a.c",
	  "cc -MM a.c" },
	{ "cc -MJ f -c a.c",
	  "cc -MJ f -c a.c" },
	{ "cc -E a.c",
	  "cc -E a.c" },
	{ "cc -P -C -c a.c",
	  "cc -P -C -c a.c" },
	{ "cc -std=c99 -g -O2 -fPIC -c a.c -o a.o",
	  "cc -std=c99 -g -O2 -fPIC -c a.c -o a.o" },
	{ "cc -c a.c -I",
	  "cc -c a.c" },
	{ "cc -F fw -c a.c",
	  "cc -F fw -c a.c" },
	{ "cc -D",
	  "cc" },
	/* ours: unused without a linker, and a server may refuse them */
	{ "gcc -Xlinker -s -c a.c", "gcc -c a.c" },
	{ "clang -fcrash-diagnostics-dir=x -c a.c", "clang -c a.c" },
	{ "gcc -c a.c a.o", "gcc -c a.c" },
	{ "gcc -c a.c -o a.o", "gcc -c a.c -o a.o" },
};

static void
strip_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct words w;
		char text[TEXT_MAX_BYTES];
		char **kept;

		assert_int_equal(
		    cmdline_strip(split(&w, rows[i].command), &kept), 0);
		assert_string_equal(join(kept, text, sizeof(text)),
		    rows[i].kept);
		free(kept);
	}
}

static const struct placed {
	const char *command, *placed;	/* NULL: ERR_SYNTAX */
} places[] = {
	{ "gcc -c a.c", "gcc -c IN -o OUT" },
	{ "gcc -o a.o -c a.c", "gcc -o OUT -c IN" },
	{ "gcc -oa.o -c a.c", "gcc -o OUT -c IN" },
	{ "gcc -c /abs/a.c -o /abs/a.o -g", "gcc -c IN -o OUT -g" },
	{ "gcc -xc -c a.c", "gcc -xc -c IN -o OUT" },
	{ "gcc -MF x.c -D y.c -c a.c", "gcc -MF x.c -D y.c -c IN -o OUT" },
	{ "gcc -S a.c -O2", "gcc -S IN -O2 -o OUT" },
	{ "gcc -MF -o -c a.c", "gcc -MF -o -c IN -o OUT" },
	{ "gcc -c a.c -o", NULL },
	{ "gcc -c a.c -o x -o y", NULL },
	{ "gcc -c a.c -ox -o", NULL },
	{ "gcc -c a.c b.c", NULL },
	{ "gcc -c", NULL },
	{ "gcc", NULL },
};

static void
place_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(places); i++) {
		struct words w;
		char text[TEXT_MAX_BYTES];
		char *const *v = split(&w, places[i].command);
		char **placed;
		int r = cmdline_place(v,
		    compiler_family(compiler_base(v[0])), "IN", "OUT", &placed);

		assert_int_equal(r, places[i].placed != NULL ? 0 : ERR_SYNTAX);
		if (r < 0)
			continue;
		assert_string_equal(join(placed, text, sizeof(text)),
		    places[i].placed);
		free(placed);
	}
}

static void
input_rows(void **state)
{
	struct words w;
	size_t at;

	(void)state;
	assert_int_equal(cmdline_input(split(&w, "gcc -I d.c -c a.c"),
	    FAMILY_GCC, &at), 0);
	assert_int_equal(at, 4);
	assert_int_equal(cmdline_input(split(&w, "gcc -c a.c b.c"),
	    FAMILY_GCC, &at), ERR_SYNTAX);
	assert_int_equal(cmdline_input(split(&w, "gcc -c"), FAMILY_GCC, &at),
	    ERR_SYNTAX);
	/* the compiler's family decides, not its name's */
	assert_int_equal(cmdline_input(split(&w, "cc -meabi a.c -c b.c"),
	    FAMILY_CLANG, &at), 0);
	assert_int_equal(at, 4);
	assert_int_equal(cmdline_input(split(&w, "cc -meabi a.c -c b.c"),
	    FAMILY_GCC, &at), ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strip_rows),
		cmocka_unit_test(place_rows),
		cmocka_unit_test(input_rows),
	};

	return cmocka_run_group_tests_name("policy/cmdline_strip", tests, NULL,
	    NULL);
}
