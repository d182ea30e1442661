/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <limits.h>
#include <time.h>

#include "lib/clock.h"

static void
test_advances(void **state)
{
	const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t ms = clock_ms(), us = clock_us();

	(void)state;
	assert_true(ms > 0 && us / 1000 >= ms);
	assert_int_equal(nanosleep(&nap, NULL), 0);
	assert_in_range(clock_ms() - ms, 19, 5000);
	assert_in_range(clock_us() - us, 20000, 5000000);
}

static void
test_poll_timeout(void **state)
{
	int64_t now = clock_ms();

	(void)state;
	assert_int_equal(clock_poll_timeout(-1), -1);
	assert_int_equal(clock_poll_timeout(now - 1), 0);
	assert_int_equal(clock_poll_timeout(0), 0);
	assert_in_range(clock_poll_timeout(now + 60000), 50000, 60000);
	/* longer than an int can say */
	assert_int_equal(clock_poll_timeout(now + (int64_t)INT_MAX + 1000000),
	    INT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advances),
		cmocka_unit_test(test_poll_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
