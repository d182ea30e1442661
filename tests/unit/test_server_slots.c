/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/listener/slots.c */
#include "tests/unit/wire_test.h"

#include "server/listener/slots.h"

/* Grant as far as it goes; the sources of the jobs (job = source * 100 + n). */
static size_t
grant_all(struct slots *s, uint32_t *jobs, size_t max)
{
	uint32_t slot;
	size_t n = 0;

	while (n < max && slots_next(s, &jobs[n], &slot)) {
		assert_true(slot < s->nslots);
		assert_int_equal(slots_slot_of(s, jobs[n]), slot);
		n++;
	}
	return n;
}

static void
test_last_slot_is_spared(void **state)
{
	struct slots s;
	uint32_t jobs[8];

	(void)state;
	assert_int_equal(slots_init(&s, 4, 16), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(slots_join(&s, 100 + i, 1), 0);
	assert_int_equal(grant_all(&s, jobs, 8), 3);
	assert_int_equal(jobs[0], 100);
	assert_int_equal(jobs[2], 102);
	/* a newcomer gets it at once, before the three that wait */
	assert_int_equal(slots_join(&s, 200, 2), 0);
	assert_int_equal(grant_all(&s, jobs, 8), 1);
	assert_int_equal(jobs[0], 200);
	assert_int_equal(slots_running(&s), 4);
	assert_int_equal(slots_waiting(&s), 3);
	slots_free(&s);
}

static void
test_few_slots_are_all_used(void **state)
{
	struct slots s;
	uint32_t jobs[8];

	(void)state;
	for (uint32_t n = 1; n < SLOTS_SPARE_FROM; n++) {
		assert_int_equal(slots_init(&s, n, 16), 0);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal(slots_join(&s, 100 + i, 1), 0);
		assert_int_equal(grant_all(&s, jobs, 8), n);
		slots_free(&s);
	}
}

/* One source with 200 jobs, another with 10: they take turns. */
static void
test_sources_take_turns(void **state)
{
	struct slots s;
	uint32_t job, slot, served[3] = { 0 };

	(void)state;
	assert_int_equal(slots_init(&s, 1, 256), 0);
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(slots_join(&s, 1000 + i, 1), 0);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(slots_join(&s, 2000 + i, 2), 0);
	for (int i = 0; i < 20; i++) {
		assert_true(slots_next(&s, &job, &slot));
		assert_false(slots_next(&s, &job, &slot));
		served[job / 1000]++;
		/* its own jobs in the order in which they came */
		assert_int_equal(job % 1000, served[job / 1000] - 1);
		slots_leave(&s, job);
	}
	assert_int_equal(served[1], 10);
	assert_int_equal(served[2], 10);
	slots_free(&s);
}

static void
test_fewest_running_first(void **state)
{
	struct slots s;
	uint32_t jobs[8];

	(void)state;
	assert_int_equal(slots_init(&s, 6, 32), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(slots_join(&s, 100 + i, 1), 0);
	assert_int_equal(grant_all(&s, jobs, 4), 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(slots_join(&s, 110 + i, 1), 0);
		assert_int_equal(slots_join(&s, 200 + i, 2), 0);
	}
	assert_int_equal(grant_all(&s, jobs, 8), 1);
	assert_int_equal(jobs[0], 200);
	/* three of source 1 end: both free slots but the spare go to 2 */
	slots_leave(&s, 100);
	slots_leave(&s, 101);
	assert_int_equal(grant_all(&s, jobs, 8), 2);
	assert_int_equal(jobs[0], 201);
	slots_free(&s);
}

static void
test_leaving(void **state)
{
	struct slots s;
	uint32_t job, slot;

	(void)state;
	assert_int_equal(slots_init(&s, 1, 2), 0);
	assert_int_equal(slots_join(&s, 1, 1), 0);
	assert_int_equal(slots_join(&s, 2, 1), 0);
	assert_int_equal(slots_join(&s, 3, 1), ERR_LIMIT);
	slots_leave(&s, 1);		/* while it waits */
	assert_true(slots_next(&s, &job, &slot));
	assert_int_equal(job, 2);
	assert_int_equal(slots_slot_of(&s, 1), s.nslots);
	slots_leave(&s, 7);		/* unknown */
	slots_leave(&s, 2);
	slots_leave(&s, 2);		/* twice */
	assert_int_equal(slots_running(&s), 0);
	assert_false(slots_next(&s, &job, &slot));
	slots_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_slot_is_spared),
		cmocka_unit_test(test_few_slots_are_all_used),
		cmocka_unit_test(test_sources_take_turns),
		cmocka_unit_test(test_fewest_running_first),
		cmocka_unit_test(test_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
