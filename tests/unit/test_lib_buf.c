/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <string.h>

#include "lib/buf.h"

static void
test_view_take(void **state)
{
	struct view v = view_str("abcdef"), got;

	(void)state;
	assert_int_equal(view_take(&v, 2, &got), 0);
	assert_view(got, "ab");
	assert_view(v, "cdef");
	assert_int_equal(view_take(&v, 5, &got), ERR_TRUNCATED);
	assert_view(v, "cdef");
	assert_int_equal(view_take(&v, SIZE_MAX, &got), ERR_TRUNCATED);
	assert_int_equal(view_take(&v, 4, &got), 0);
	assert_view(got, "cdef");
	assert_int_equal(view_take(&v, 0, &got), 0);
	assert_int_equal(got.len, 0);
	v = view_of(NULL, 0);
	assert_int_equal(view_take(&v, 0, &got), 0);
	assert_int_equal(view_take(&v, 1, &got), ERR_TRUNCATED);
}

static void
test_view_compare(void **state)
{
	(void)state;
	assert_true(view_equal(view_of("ab\0", 2), "ab"));
	assert_false(view_equal(view_of("ab\0", 3), "ab"));
	assert_false(view_equal(view_str("a"), "ab"));
	assert_true(view_equal(view_of(NULL, 0), ""));
	assert_true(view_has_nul(view_of("a\0b", 3)));
	assert_false(view_has_nul(view_of("a\0b", 1)));
	assert_false(view_has_nul(view_of(NULL, 0)));
}

static void
test_buf_cap(void **state)
{
	struct buf b = BUF_INIT(300);
	char big[301];

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(buf_append(&b, big, 301), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_append(&b, big, 299), 0);
	assert_int_equal(buf_append_str(&b, "yz"), ERR_LIMIT);
	assert_int_equal(buf_append_str(&b, "y"), 0);
	assert_int_equal(b.len, 300);
	assert_true(b.size <= 300);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
	assert_null(buf_str(&b));	/* its NUL has no room */
	buf_reset(&b);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
	assert_null(b.ptr);
	buf_free(&b);
}

static void
test_buf_grows(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_printf(&b, "%04d.", i), 0);
	assert_int_equal(b.len, 50000);
	assert_memory_equal(b.ptr + 5 * 1234, "1234.1235.", 10);
	assert_int_equal(strlen(buf_str(&b)), 50000);
	buf_free(&b);
}

static void
test_buf_printf_cap(void **state)
{
	struct buf b = BUF_INIT(8);

	(void)state;
	assert_int_equal(buf_printf(&b, "%s", "12345678"), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_printf(&b, "%s", "1234567"), 0);
	assert_view(buf_view(&b), "1234567");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_view_take),
		cmocka_unit_test(test_view_compare),
		cmocka_unit_test(test_buf_cap),
		cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_buf_printf_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
