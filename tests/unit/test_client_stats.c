/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/stats.c client/dirs.c client/env.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/stats.h"

#define NOW	1700000000

static void
a_line_survives(void **unused)
{
	struct stats_line in = { .time_s = NOW, .kind = STATS_MISSED }, out;
	char text[STATS_LINE_BYTES];

	(void)unused;
	(void)snprintf(in.host, sizeof(in.host), "h:1,lzo");
	(void)snprintf(in.reason, sizeof(in.reason), "cannot connect: no");
	stats_format(&in, text);
	assert_int_equal(text[sizeof(text) - 1], '\n');
	assert_int_equal(stats_parse(text, sizeof(text) - 1, &out), 0);
	assert_int_equal(out.time_s, NOW);
	assert_int_equal(out.kind, STATS_MISSED);
	assert_string_equal(out.host, in.host);
	assert_string_equal(out.reason, in.reason);
}

static void
long_and_wild_texts_are_tamed(void **unused)
{
	struct stats_line in = { .time_s = NOW, .kind = STATS_LOCAL }, out;
	char text[STATS_LINE_BYTES];

	(void)unused;
	memset(in.host, 'h', sizeof(in.host) - 1);
	memset(in.reason, '\n', sizeof(in.reason) - 1);
	stats_format(&in, text);
	assert_ptr_equal(memchr(text, '\n', sizeof(text)),
	    text + sizeof(text) - 1);
	assert_int_equal(stats_parse(text, sizeof(text) - 1, &out), 0);
	assert_int_equal(strspn(out.host, "h"), strlen(out.host));
	assert_int_equal(strspn(out.reason, "?"), strlen(out.reason));
}

static void
broken_lines_are_refused(void **unused)
{
	struct stats_line in = { .time_s = NOW, .kind = STATS_LOCAL }, out;
	char text[STATS_LINE_BYTES];

	(void)unused;
	stats_format(&in, text);
	assert_int_equal(stats_parse(text, sizeof(text) - 2, &out), ERR_SYNTAX);
	text[0] = 'x';
	assert_int_equal(stats_parse(text, sizeof(text) - 1, &out), ERR_SYNTAX);
	stats_format(&in, text);
	text[12] = 'X';
	assert_int_equal(stats_parse(text, sizeof(text) - 1, &out), ERR_SYNTAX);
}

static void
times(void **unused)
{
	static const struct {
		const char *text;
		int64_t since;
	} good[] = {
		{ "90s", NOW - 90 }, { "15m", NOW - 900 },
		{ "2h", NOW - 7200 }, { "3d", NOW - 3 * 86400 },
		{ "1w", NOW - 7 * 86400 }, { "0s", NOW }, { "@12", 12 },
		{ "2023-11-14", 1699920000 },
		{ "2023-11-14 22:13", 1699999980 },
		{ "2023-11-14T22:13:20", NOW }, { "today", 1699920000 },
	};
	static const char *const bad[] = {
		"", "h", "2", "2x", "2hh", "-2h", " 2h", "@", "@x", "@1x",
		"2023-13-01", "2023-11-14 25:00", "yesterday",
		"99999999999999999999d",
	};
	int64_t since;

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(stats_parse_since(good[i].text, NOW, &since),
		    0);
		assert_int_equal(since, good[i].since);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(stats_parse_since(bad[i], NOW, &since),
		    ERR_SYNTAX);
}

static off_t
size_of(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* The mark is passed once, by the line that ends on it. */
static void
the_log_is_turned_over(void **unused)
{
	char dir[] = "/tmp/distcc-stats.XXXXXX", path[256];
	struct env env;

	(void)unused;
	assert_non_null(mkdtemp(dir));
	env_load(&env);
	env.dir = dir;
	stats_add(&env, STATS_LOCAL, NULL, "x");
	assert_int_equal(size_of(dir, "stats.log"), STATS_LINE_BYTES);
	(void)snprintf(path, sizeof(path), "%s/stats.log", dir);
	assert_int_equal(truncate(path, STATS_FILE_BYTES -
	    2 * STATS_LINE_BYTES), 0);
	stats_add(&env, STATS_LOCAL, NULL, "x");
	assert_int_equal(size_of(dir, "stats.old"), -1);
	stats_add(&env, STATS_LOCAL, NULL, "x");
	assert_int_equal(size_of(dir, "stats.old"), STATS_FILE_BYTES);
	assert_int_equal(size_of(dir, "stats.log"), -1);
	stats_add(&env, STATS_LOCAL, NULL, "x");
	assert_int_equal(size_of(dir, "stats.log"), STATS_LINE_BYTES);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/stats.old", dir);
	(void)unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_survives),
		cmocka_unit_test(long_and_wild_texts_are_tamed),
		cmocka_unit_test(broken_lines_are_refused),
		cmocka_unit_test(times),
		cmocka_unit_test(the_log_is_turned_over),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
