/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/text.c */
/* Runs that are skipped in blocks end where they end byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/scan/skip.h"

#define LEN_MAX	50	/* three blocks and some more */

static const char *
skip_string(const char *p, const char *end)
{
	return skip_quoted(p, end, '"');
}

static const char *
skip_char(const char *p, const char *end)
{
	return skip_quoted(p, end, '\'');
}

static const char *
skip_watched(const char *p, const char *end)
{
	return skip_watch(p, end, end);
}

static bool
ends_word(const char *p, const char *end)
{
	(void)end;
	return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_$", *p) == NULL ? (unsigned char)*p < 128 : *p == '\0';
}

static bool
ends_comment(const char *p, const char *end)
{
	return *p == '*' && p + 1 < end && (p[1] == '/' || p[1] == '\\');
}

static const struct row {
	const char *(*run)(const char *p, const char *end);
	const char *stops;	/* the bytes that end the run */
	bool (*is_stop)(const char *p, const char *end);	/* or NULL */
} rows[] = {
	{ skip_code, "\"'/\\#%", NULL },
	{ skip_line, "\"'/\\\n", NULL },
	{ skip_string, "\"\\\n", NULL },
	{ skip_char, "'\\\n", NULL },
	{ skip_watched, ".(", NULL },
	{ skip_word, "", ends_word },
	{ skip_comment, "", ends_comment },
};

static const char *
slowly(const struct row *r, const char *p, const char *end)
{
	for (; p < end; p++)
		if (r->is_stop != NULL ? r->is_stop(p, end) :
		    *p != '\0' && strchr(r->stops, *p) != NULL)
			break;
	return p;
}

/* In memory of about this size, so that a sanitizer sees what is behind. */
static void
compare(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	size_t i, at;

	assert_non_null(copy);
	memcpy(copy, text, len);
	copy[len] = '/';	/* would end a comment */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (at = 0; at <= len; at++)
			assert_ptr_equal(rows[i].run(copy + at, copy + len),
			    slowly(&rows[i], copy + at, copy + len));
	free(copy);
}

/* Each byte, and what follows a star, at each place of some blocks. */
static void
test_each_byte(void **state)
{
	char text[LEN_MAX];
	size_t at;
	int c;

	(void)state;
	for (c = 0; c < 256; c++)
		for (at = 0; at < LEN_MAX; at++) {
			memset(text, 'a', LEN_MAX);
			text[at] = (char)c;
			if (at != 0 && c < 128)
				text[at - 1] = '*';
			compare(text, LEN_MAX);
		}
}

static void
test_each_length(void **state)
{
	static const char pieces[] = "aZ_$09\x80\xff@[`{ \t\n\"'/\\#%*.(&$";
	char text[LEN_MAX];
	uint32_t seed = 1;
	size_t len, i, round;

	(void)state;
	for (len = 0; len <= LEN_MAX; len++)
		for (round = 0; round < 50; round++) {
			for (i = 0; i < len; i++) {
				seed = seed * 1664525 + 1013904223;
				text[i] = (seed >> 8) % 8 < round % 8 ? 'a' :
				    pieces[(seed >> 20) %
				    (sizeof(pieces) - 1)];
			}
			compare(text, len);
		}
}

/* Of a string in a text, no more is looked at than what is asked for. */
static void
test_watch_reads_on(void **state)
{
	static const char text[] = "0123456789(bcdefghijklmnopqrstuvwxyz.";
	const char *end = text + sizeof(text) - 1, *p, *to;

	(void)state;
	for (to = text; to <= end; to++) {
		p = skip_watch(text, to, end);
		assert_true(p <= text + 10);
		assert_true(to <= text + 10 ? p >= to : p == text + 10);
		p = skip_watch(text + 11, to < text + 11 ? text + 11 : to,
		    end);
		assert_true(p >= to || p == end - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_byte),
		cmocka_unit_test(test_each_length),
		cmocka_unit_test(test_watch_reads_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
