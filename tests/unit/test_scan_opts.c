/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/opts.c */
#include <stdio.h>

#include "scan_test.h"

#include "client/scan/opts.h"

/*
 * A command and what it means: source:language, then Q I S A chains, D and U,
 * h includes, m imacros, K kept; or "? reason" where it is not understood.
 */
static const struct row {
	const char *command, *want;
} rows[] = {
	{ "gcc -c a.c", "a.c:c" },
	{ "g++ -c a.c", "a.c:c++" },
	{ "x86_64-linux-gnu-g++-12 -c a.c", "a.c:c++" },
	{ "clang++-14 -c a.cc -o b.o", "a.cc:c++" },
	{ "g++ -x c -c a.cc", "a.cc:c" },
	{ "gcc -xc++ -c foo", "foo:c++" },
	{ "gcc -c a.mm", "a.mm:objective-c++" },
	{ "gcc -c a.i", "a.i:cpp-output" },
	{ "gcc -c a.S", "? language assembler-with-cpp" },
	{ "gcc -Ia -I b -c a.c -I=c --sysroot=/r", "a.c:c Ia Ib I/rc K--sysroot=/r" },
	{ "gcc -I=c -c a.c", "? no --sysroot for =c" },
	{ "gcc -iquote q -isystem s -isystemt -idirafter a -c a.c",
	  "a.c:c Qq Ss St Aa" },
	{ "gcc -Ia -I- -Ib -c a.c", "a.c:c Qa Ib" },
	{ "gcc -iprefix /p/ -iwithprefix s -iwithprefixbefore b -c a.c",
	  "a.c:c I/p/b S/p/s" },
	{ "gcc -iwithprefix s -c a.c",
	  "? no -iprefix before -iwithprefix s" },
	{ "gcc -DA -D B=1 -UA -include x.h -imacros y.h -c a.c",
	  "a.c:c DA DB=1 UA hx.h my.h" },
	{ "gcc -Wp,-DA,-I,b,-MD,x.d -Xpreprocessor -DC -c a.c",
	  "a.c:c Ib DA DC" },
	{ "gcc -Wall -Wextra -g3 -MD -MF x.d -MT y -MQz -pipe -lm -Lx -c a.c",
	  "a.c:c" },
	{ "gcc -O2 -std=c99 -m32 -fPIC -pthread -nostdinc -undef -c a.c",
	  "a.c:c K-O2 K-std=c99 K-m32 K-fPIC K-pthread K-nostdinc K-undef" },
	{ "clang -target arm -isysroot /s -mllvm -x -c a.c",
	  "a.c:c K-target Karm K-isysroot/s" },
	{ "clang -gcc-toolchain /t -c a.c", "a.c:c K-gcc-toolchain K/t" },
	{ "gcc -frandom-seed=1 -fdebug-prefix-map=a=b -fdiagnostics-color "
	  "-c a.c", "a.c:c" },
	{ "gcc -c a.c x.o libz.a", "a.c:c" },
	{ "gcc -c a.c b.c", "? a second source b.c" },
	{ "gcc @x -c a.c", "? response file @x" },
	{ "gcc -c -", "!" },
	{ "gcc -c", "!" },
	{ "gcc", "!" },
	{ "gcc -fmodules-ts -c a.c", "? option -fmodules-ts" },
	{ "clang -Xclang -load -c a.c", "? option -Xclang -load" },
	{ "clang -Xclang -target-cpu -Xclang zn -Xclang -target-feature "
	  "-Xclang +avx -c a.c", "a.c:c K-Xclang K-target-cpu K-Xclang Kzn "
	  "K-Xclang K-target-feature K-Xclang K+avx" },
	{ "clang -Xclang -target-cpu -Xclang zn -Xclang zn -c a.c",
	  "? option -Xclang zn" },
	{ "clang -frecord-gcc-switches -c a.c",
	  "? option -frecord-gcc-switches" },
	{ "clang -g -grecord-command-line -c a.c",
	  "? option -grecord-command-line" },
	{ "gcc -g -grecord-gcc-switches -frecord-gcc-switches -c a.c",
	  "a.c:c" },
	{ "clang -include-pch x -c a.c", "? option -include-pch" },
	{ "gcc -specs=x -c a.c", "? option -specs=x" },
	{ "gcc -c a.c -I", "a.c:c" },
	{ "gcc -c a.c -D", "a.c:c" },
};

#define WORDS_MAX	32

static char **
cut(char *text, char **argv)
{
	char *save = NULL;
	size_t n = 0;

	for (text = strtok_r(text, " ", &save); text != NULL;
	    text = strtok_r(NULL, " ", &save)) {
		assert_true(n + 1 < WORDS_MAX);
		argv[n++] = text;
	}
	argv[n] = NULL;
	return argv;
}

static void
show_words(char *out, size_t size, const char *letter, const struct words *w)
{
	size_t i, n = strlen(out);

	for (i = 0; i < w->n; i++)
		n += (size_t)snprintf(out + n, size - n, " %s%s", letter,
		    w->ptr[i]);
}

static void
show(const struct opts *o, char *out, size_t size)
{
	static const char *const letters[] = { "Q", "I", "S", "A" };
	size_t i;

	if (o->why[0] != '\0') {
		(void)snprintf(out, size, "? %s", o->why);
		return;
	}
	(void)snprintf(out, size, "%s:%s", o->source, o->language);
	for (i = 0; i < CHAINS; i++)
		show_words(out, size, letters[i], &o->chains[i]);
	show_words(out, size, "", &o->macros);
	show_words(out, size, "h", &o->includes);
	show_words(out, size, "m", &o->imacros);
	show_words(out, size, "K", &o->keep);
}

static void
test_rows(void **state)
{
	char text[512], got[1024], *argv[WORDS_MAX];
	struct scan_request req = { .argv = argv, .cwd = "/" };
	struct opts o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", rows[i].command);
		cut(text, argv);
		req.compiler = argv[0];
		if (opts_parse(&req, &o) < 0)
			(void)snprintf(got, sizeof(got), "!");
		else
			show(&o, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
		opts_free(&o);
	}
}

static void
test_environment(void **state)
{
	char text[] = "gcc -Ia -isystem b -c x.c", *argv[WORDS_MAX];
	char cpath[] = "CPATH=c::d", own[] = "C_INCLUDE_PATH=e";
	char other[] = "CPLUS_INCLUDE_PATH=f", got[256];
	char *env[] = { cpath, own, other, NULL };
	struct scan_request req = { cut(text, argv), "gcc", "/", env, false };
	struct opts o;

	(void)state;
	assert_int_equal(opts_parse(&req, &o), 0);
	show(&o, got, sizeof(got));
	assert_string_equal(got, "x.c:c Ia Ic I. Id Sb Se");
	opts_free(&o);
}

/* The compiler's facts are shared by jobs that cannot differ in them. */
static bool
same_key(const char *a, const char *b, const char *cwd_b)
{
	char text[2][256], *argv[2][WORDS_MAX];
	struct scan_request req[2];
	struct opts o[2];
	const char *key[2];
	bool same;
	int i;

	(void)snprintf(text[0], sizeof(text[0]), "%s", a);
	(void)snprintf(text[1], sizeof(text[1]), "%s", b);
	for (i = 0; i < 2; i++) {
		req[i] = (struct scan_request){ cut(text[i], argv[i]),
		    "/bin/sh", i == 0 ? "/" : cwd_b, NULL, false };
		assert_int_equal(opts_parse(&req[i], &o[i]), 0);
		assert_int_equal(opts_key(&req[i], &o[i], &key[i]), 0);
	}
	same = strcmp(key[0], key[1]) == 0;
	opts_free(&o[0]);
	opts_free(&o[1]);
	return same;
}

static void
test_key(void **state)
{
	(void)state;
	assert_true(same_key("gcc -DA -Ix -c a.c", "gcc -Wall -c b.c", "/x"));
	assert_false(same_key("gcc -O2 -c a.c", "gcc -c a.c", "/"));
	assert_false(same_key("gcc -c a.c", "gcc -c a.cc", "/"));
	assert_false(same_key("gcc -Bx/y -c a.c", "gcc -Bx/y -c a.c", "/x"));
	assert_true(same_key("gcc -B/y -c a.c", "gcc -B/y -c a.c", "/x"));
	assert_true(same_key("gcc -B /y -c a.c", "gcc -B /y -c a.c", "/usr"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
