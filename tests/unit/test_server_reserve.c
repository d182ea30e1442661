/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/listener/reserve.c */
#include "tests/unit/wire_test.h"

#include "server/listener/reserve.h"

static void
test_waits_until_it_fits(void **state)
{
	struct reserve r;
	uint32_t job;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 16), 0);
	assert_int_equal(reserve_ask(&r, 1, 1, 700), 0);
	assert_int_equal(reserve_ask(&r, 1, 1, 1), ERR_BUSY);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 1);
	assert_int_equal(reserve_ask(&r, 2, 2, 400), 0);
	assert_false(reserve_next(&r, &job));
	reserve_leave(&r, 1);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 2);
	reserve_leave(&r, 2);
	assert_int_equal(r.used, 0);
	reserve_free(&r);
}

/* One source asks for everything in small pieces. */
static void
test_one_source_cannot_hold_all(void **state)
{
	struct reserve r;
	uint32_t job;
	int n = 0;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 64), 0);
	for (uint32_t i = 1; i <= 20; i++)
		assert_int_equal(reserve_ask(&r, i, 1, 100), 0);
	while (reserve_next(&r, &job))
		n++;
	assert_int_equal(n, 5);		/* half of the budget */
	assert_int_equal(reserve_ask(&r, 30, 2, 100), 0);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 30);
	reserve_free(&r);
}

/* Several sources together leave a quarter to those that hold nothing. */
static void
test_newcomers_find_room(void **state)
{
	struct reserve r;
	uint32_t job, id = 1;
	int n = 0;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 64), 0);
	for (uint32_t source = 1; source <= 3; source++)
		for (int i = 0; i < 4; i++)
			assert_int_equal(reserve_ask(&r, id++, source, 100),
			    0);
	while (reserve_next(&r, &job))
		n++;
	assert_int_equal(n, 7);
	assert_int_equal(reserve_ask(&r, 50, 9, 300), 0);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 50);
	reserve_free(&r);
}

static void
test_least_holder_first(void **state)
{
	struct reserve r;
	uint32_t job;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 64), 0);
	assert_int_equal(reserve_ask(&r, 1, 1, 300), 0);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(reserve_ask(&r, 2, 1, 100), 0);
	assert_int_equal(reserve_ask(&r, 3, 2, 100), 0);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 3);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 2);
	reserve_free(&r);
}

/* All hold something and want more: one at a time goes over the budget. */
static void
test_growing_makes_progress(void **state)
{
	struct reserve r;
	uint32_t job, other;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 64), 0);
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(reserve_ask(&r, i, i, 250), 0);
	for (int i = 0; i < 4; i++)
		assert_true(reserve_next(&r, &job));
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(reserve_ask(&r, i, i, 200), 0);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 1);
	assert_int_equal(r.used, 1200);
	assert_false(reserve_next(&r, &other));
	reserve_leave(&r, job);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(job, 2);
	reserve_free(&r);
}

static void
test_larger_than_the_budget(void **state)
{
	struct reserve r;
	uint32_t job;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 8), 0);
	assert_int_equal(reserve_ask(&r, 1, 1, 5000), 0);
	assert_true(reserve_next(&r, &job));
	assert_int_equal(reserve_ask(&r, 2, 2, 1), 0);
	assert_false(reserve_next(&r, &job));
	reserve_leave(&r, 1);
	assert_true(reserve_next(&r, &job));
	reserve_free(&r);
}

static void
test_results_take_the_place(void **state)
{
	struct reserve r;
	uint32_t job;

	(void)state;
	assert_int_equal(reserve_init(&r, 1000, 8), 0);
	assert_int_equal(reserve_ask(&r, 1, 1, 400), 0);
	assert_true(reserve_next(&r, &job));
	reserve_set(&r, 1, 1, 900);
	assert_int_equal(r.used, 900);
	reserve_set(&r, 2, 2, 50);	/* asked for nothing before */
	assert_int_equal(r.used, 950);
	reserve_leave(&r, 1);
	reserve_leave(&r, 2);
	reserve_leave(&r, 3);
	assert_int_equal(r.used, 0);
	reserve_free(&r);
}

static void
test_default_budget(void **state)
{
	(void)state;
	assert_int_equal(reserve_default_budget(4096), 1024);
	assert_int_equal(reserve_default_budget(1ULL << 40), 2ULL << 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_until_it_fits),
		cmocka_unit_test(test_one_source_cannot_hold_all),
		cmocka_unit_test(test_newcomers_find_room),
		cmocka_unit_test(test_least_holder_first),
		cmocka_unit_test(test_growing_makes_progress),
		cmocka_unit_test(test_larger_than_the_budget),
		cmocka_unit_test(test_results_take_the_place),
		cmocka_unit_test(test_default_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
