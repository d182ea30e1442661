/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <string.h>

#include "lib/log.h"

static const char *
escape(const char *s, size_t len, size_t size)
{
	static char dst[128];

	memset(dst, '#', sizeof(dst));
	return log_escape(view_of(s, len), dst, size);
}

static void
test_plain(void **state)
{
	(void)state;
	assert_string_equal(escape("a b/c~.c", 8, 128), "a b/c~.c");
	assert_string_equal(escape("", 0, 128), "");
	assert_string_equal(escape(NULL, 0, 1), "");
}

/* A peer can neither begin a line nor drive a terminal. */
static void
test_control(void **state)
{
	(void)state;
	assert_string_equal(escape("x\ndistccd[1]", 12, 128),
	    "x\\x0adistccd[1]");
	assert_string_equal(escape("\r\t\0\x7f", 4, 128),
	    "\\x0d\\x09\\x00\\x7f");
	assert_string_equal(escape("\033[2J\x9b", 5, 128), "\\x1b[2J\\x9b");
	assert_string_equal(escape("\xc3\xa9", 2, 128), "\\xc3\\xa9");
	/* so that an escape cannot be written by the peer */
	assert_string_equal(escape("\\x0a", 4, 128), "\\x5cx0a");
}

/* Cut to the room, never within an escape. */
static void
test_cut(void **state)
{
	const char *dst;

	(void)state;
	assert_string_equal(escape("abcdef", 6, 4), "abc");
	assert_string_equal(escape("abcdef", 6, 1), "");
	assert_string_equal(escape("a\n", 2, 5), "a");
	assert_string_equal(escape("a\n", 2, 6), "a\\x0a");
	for (size_t size = 1; size < 32; size++) {
		dst = escape("\n\n\n\n\n\n\n\n", 8, size);
		assert_true(strlen(dst) < size && strlen(dst) % 4 == 0);
		assert_int_equal(dst[size], '#');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
