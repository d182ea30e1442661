/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/answer.c client/scan/atom.c client/scan/cond.c client/scan/engine.c client/scan/expand.c client/scan/facts.c client/scan/lex.c client/scan/macro.c client/scan/notice.c client/scan/number.c client/scan/opts.c client/scan/recall.c client/scan/scan.c client/scan/search.c client/scan/source.c client/scan/text.c client/scan/record.c client/scan/replay.c client/scan/trace.c client/scan/tree.c client/scan/unit.c client/scan/watch.c */
/* How many whole commands are kept, and which of them. */
#include "scan_test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/scan/job.h"

/* What a compiler said: its errors, a NUL, and its macros. */
static const char facts[] =
    "#include \"...\" search starts here:\n"
    "#include <...> search starts here:\n /usr/include\n"
    "End of search list.\n\0#define __ELF__ 1\n";

static char dir[] = "/tmp/source-XXXXXX";
static const char source[] = "#ifdef __ELF__\n#endif\n";

static int
set_up(void **state)
{
	char path[64];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/m.c", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(source, 1, sizeof(source) - 1, f),
	    sizeof(source) - 1);
	assert_int_equal(fclose(f), 0);
	(void)sleep(3);		/* then it is not what may be changing */
	return 0;
}

static int
tear_down(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/m.c", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

/* Scans with -DN=n; returns whether it was answered from memory. */
static bool
scan_one(struct scan *s, unsigned int n)
{
	static char cc[] = "cc", c[] = "-c", name[] = "m.c";
	char option[16];
	char *argv[] = { cc, option, c, name, NULL };
	char *env[] = { NULL };
	const struct scan_request req = { .argv = argv, .cwd = dir,
	    .compiler = "/bin/sh", .env = env };
	struct scan_answer a;
	bool is_whole;

	(void)snprintf(option, sizeof(option), "-DN=%04u", n);
	assert_int_equal(scan_command(s, &req, &a), 0);
	if (a.outcome == SCAN_NEEDS) {
		assert_int_equal(scan_learn(s, &req, buf_view(&a.queries),
		    view_of(facts, sizeof(facts) - 1)), 0);
		scan_answer_free(&a);
		assert_int_equal(scan_command(s, &req, &a), 0);
	}
	assert_int_equal(a.outcome, SCAN_ANSWERED);
	assert_true(a.n >= 1);
	is_whole = a.directives == 0;
	scan_answer_free(&a);
	return is_whole;
}

static void
test_the_oldest_goes(void **state)
{
	struct scan *s = scan_new(64);
	size_t bytes = 0;
	unsigned int i;

	(void)state;
	s->sources.min_steps = 0;
	for (i = 0; i < 3 * SOURCES_MAX; i++) {
		assert_false(scan_one(s, i));
		assert_true(scan_one(s, i));
		if (i == SOURCES_MAX - 1)
			bytes = s->sources.bytes;
	}
	/* each is as large as the others */
	assert_int_equal(s->sources.bytes, bytes);
	for (i = 2 * SOURCES_MAX; i < 3 * SOURCES_MAX; i++)
		assert_true(scan_one(s, i));
	assert_false(scan_one(s, 2 * SOURCES_MAX - 1));
	scan_free(s);
}

static void
test_what_is_quick_is_not_kept(void **state)
{
	struct scan *s = scan_new(64);

	(void)state;
	assert_false(scan_one(s, 1));
	assert_false(scan_one(s, 1));
	assert_int_equal(s->sources.bytes, 0);
	scan_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_oldest_goes),
		cmocka_unit_test(test_what_is_quick_is_not_kept),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
