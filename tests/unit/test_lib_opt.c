/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <getopt.h>
#include <string.h>

#include "lib/log.h"
#include "lib/opt.h"

struct seen {
	int verbose;
	int fails;
	const char *port;
	const char *maybe;
};

static int
set_verbose(void *target, const char *value)
{
	struct seen *s = target;

	assert_null(value);
	s->verbose++;
	return 0;
}

static int
set_port(void *target, const char *value)
{
	((struct seen *)target)->port = value;
	return 0;
}

static int
set_maybe(void *target, const char *value)
{
	((struct seen *)target)->maybe = value != NULL ? value : "(none)";
	return 0;
}

static int
set_fails(void *target, const char *value)
{
	(void)value;
	((struct seen *)target)->fails++;
	return ERR_ACCESS;
}

static const struct opt table[] = {
	{ "verbose", 'v', OPT_NONE, NULL, "say more", set_verbose },
	{ "port", 'p', OPT_REQUIRED, "PORT", "listen there", set_port },
	{ "maybe", 0, OPT_OPTIONAL, "X", NULL, set_maybe },
	{ NULL, 'F', OPT_NONE, NULL, NULL, set_fails },
};

/* words: blanks between them */
static int
parse(const char *line, struct seen *s, int *first)
{
	static char copy[256];
	static char *argv[16];
	int argc = 0;

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *p = copy; *p != '\0' && argc < 15;) {
		argv[argc++] = p;
		p += strcspn(p, " ");
		if (*p != '\0')
			*p++ = '\0';
	}
	argv[argc] = NULL;
	memset(s, 0, sizeof(*s));
	optind = 0;		/* getopt starts afresh */
	opterr = 0;
	return opt_parse(table, sizeof(table) / sizeof(table[0]), argc, argv,
	    s, first);
}

static void
test_forms(void **state)
{
	static const char *const lines[] = { "d --port=12 -v x", "d -p12 -v x",
	    "d -p 12 --verbose x", "d --po 12 --verb x", "d -vp12 x",
	    "d x -v --port 12" };
	struct seen s;
	int first;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], &s, &first), 0);
		assert_int_equal(s.verbose, 1);
		assert_string_equal(s.port, "12");
	}
	assert_int_equal(parse("d -v -- -v", &s, &first), 0);
	assert_int_equal(s.verbose, 1);
	assert_int_equal(first, 3);
	assert_int_equal(parse("d --maybe 3", &s, &first), 0);
	assert_string_equal(s.maybe, "(none)");
	assert_int_equal(first, 2);
	assert_int_equal(parse("d --maybe=3", &s, &first), 0);
	assert_string_equal(s.maybe, "3");
}

static void
test_refused(void **state)
{
	struct seen s;
	int first;

	(void)state;
	assert_int_equal(parse("d --nonsense", &s, &first), ERR_SYNTAX);
	assert_int_equal(parse("d -z", &s, &first), ERR_SYNTAX);
	assert_int_equal(parse("d --port", &s, &first), ERR_SYNTAX);
	assert_int_equal(parse("d -p", &s, &first), ERR_SYNTAX);
	assert_int_equal(parse("d --verbose=1", &s, &first), ERR_SYNTAX);
	/* what a row returns, and no row behind it is run */
	assert_int_equal(parse("d -F -v", &s, &first), ERR_ACCESS);
	assert_int_equal(s.fails, 1);
	assert_int_equal(s.verbose, 0);
}

static void
drop(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)snprintf(arg, 256, "%s", line);
}

static void
test_number(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x",
	    "0x10", "11", "99999999999999999999", "x" };
	char logged[256] = "";
	long n = 0;

	(void)state;
	log_to_sink(drop, logged);
	assert_int_equal(opt_number("--jobs", "1", 1, 10, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(opt_number("--jobs", "010", 1, 10, &n), 0);
	assert_int_equal(n, 10);
	assert_string_equal(logged, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		logged[0] = '\0';
		assert_int_equal(opt_number("--jobs", bad[i], 1, 10, &n),
		    ERR_SYNTAX);
		assert_non_null(strstr(logged, "--jobs"));
	}
	assert_int_equal(n, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_number),
	};

	log_init("test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
