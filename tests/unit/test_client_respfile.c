/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/respfile.c client/words.c client/args.c client/find.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs those before */
#include <cmocka.h>

#include "client/args.h"
#include "client/respfile.h"
#include "wire/limits.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/distcc-respfile-XXXXXX";

static void
write_bytes(const char *name, const void *text, size_t len)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static const struct row {
	const char *text;	/* of the file */
	const char *words;	/* joined by '|'; NULL: ERR_SYNTAX */
} rows[] = {
	{ "", "gcc|-c" },
	{ " \t\r\n", "gcc|-c" },
	{ "-O2 a.c", "gcc|-O2|a.c|-c" },
	{ "-O2\n\n a.c\n", "gcc|-O2|a.c|-c" },
	{ "'a b' \"c d\"", "gcc|a b|c d|-c" },
	{ "-DX=\"a b\"c'd'", "gcc|-DX=a bcd|-c" },
	{ "a\\ b \\\"q\\\\", "gcc|a b|\"q\\|-c" },
	{ "\"a\\\"b\\\\\"", "gcc|a\"b\\|-c" },
	{ "-DS=\\\"x\\\"", "gcc|-DS=\"x\"|-c" },
	/* a file that is not there stays a word */
	{ "@nowhere", "gcc|@nowhere|-c" },
	{ "-a @inner -b", "gcc|-a|-i|-b|-c" },
	/* what compilers and their versions do not read alike */
	{ "''", NULL },
	{ "a \"\" b", NULL },
	{ "'a\\b'", NULL },
	{ "\"a\\b\"", NULL },
	{ "a\\\nb", NULL },
	{ "a\vb", NULL },
	{ "'open", NULL },
	{ "\"open", NULL },
	{ "a\\", NULL },
	{ "@dir", NULL },
	{ "\xef\xbb\xbf-O2", NULL },
	{ "\xff\xfe-\x01", NULL },
};

static char *
join_bars(char *const *argv)
{
	char *text = args_join(argv);
	char *p = text;

	for (size_t i = 0; argv[i] != NULL && argv[i + 1] != NULL; i++) {
		p += strlen(argv[i]);
		*p++ = '|';
	}
	return text;
}

static int
expand(const char *word, struct words *w)
{
	char gcc[] = "gcc", c[] = "-c";
	char name[64];
	char *argv[] = { gcc, name, c, NULL };

	(void)snprintf(name, sizeof(name), "%s", word);
	return respfile_expand(argv, w);
}

static void
test_rows(void **state)
{
	(void)state;
	write_file("inner", "-i");
	assert_int_equal(mkdir("dir", 0700), 0);
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct words w;
		char *text;
		int r;

		write_file("f", rows[i].text);
		r = expand("@f", &w);
		if (rows[i].words == NULL) {
			if (r != ERR_SYNTAX)
				fail_msg("\"%s\" gave %d", rows[i].text, r);
		} else {
			assert_int_equal(r, 0);
			text = join_bars(w.argv);
			assert_string_equal(text, rows[i].words);
			free(text);
		}
		words_free(&w);
	}
}

static void
test_no_bytes_are_lost(void **state)
{
	struct words w;

	(void)state;
	write_bytes("f", "a\0b", 3);
	assert_int_equal(expand("@f", &w), ERR_SYNTAX);
	words_free(&w);
}

static void
test_circle(void **state)
{
	struct words w;

	(void)state;
	write_file("f", "-x @f");
	assert_int_equal(expand("@f", &w), ERR_LIMIT);
	words_free(&w);
}

static void
test_too_much(void **state)
{
	size_t len = WIRE_ARGV_MAX_BYTES + 10;
	char *text = malloc(len + 1);
	struct words w;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 2 == 0 ? 'a' : ' ';
	text[len] = '\0';
	write_file("f", text);
	assert_int_equal(expand("@f", &w), ERR_LIMIT);
	words_free(&w);
	/* just below the caps */
	text[(WIRE_ARGC_MAX - 4) * 2] = '\0';
	write_file("f", text);
	assert_int_equal(expand("@f", &w), 0);
	assert_int_equal(w.n, WIRE_ARGC_MAX - 2);
	words_free(&w);
	free(text);
}

static void
test_is_used(void **state)
{
	char at[] = "@x", gcc[] = "gcc", c[] = "-c";
	char *first[] = { at, c, NULL }, *later[] = { gcc, c, at, NULL };

	(void)state;
	assert_false(respfile_is_used(first));
	assert_true(respfile_is_used(later));
}

static int
enter(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || chdir(dir) < 0;
}

static int
leave(void **state)
{
	(void)state;
	(void)unlink("f");
	(void)unlink("inner");
	(void)rmdir("dir");
	return chdir("/") < 0 || rmdir(dir) < 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_bytes_are_lost),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_is_used),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
