/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file itself, so that a test can say what was drawn. */
#include "server/listener/uids.c"
#include "tests/unit/wire_test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define DAEMONS	100

static void
check_range(uint32_t base)
{
	assert_true(base >= SPACE_BASE);
	assert_true(base <= SPACE_BASE + (SPACE_COUNT - UIDS_COUNT));
	assert_int_equal(base % UIDS_COUNT, 0);
}

/* A daemon: takes what is free from the drawn range on, says which, stays. */
static pid_t
start_daemon(const char *file, uint32_t drawn, uint32_t *base)
{
	int out[2];
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	if ((pid = fork()) == 0) {
		if (open_lock(file) < 0 || lock_from(drawn, base) < 0)
			*base = 0;
		(void)!write(out[1], base, sizeof(*base));
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(out[0], base, sizeof(*base)), sizeof(*base));
	(void)close(out[0]);
	(void)close(out[1]);
	return pid;
}

static void
end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* All draw the last range: each goes on to the next that is free. */
static void
test_many_daemons_share_no_id(void **state)
{
	char file[] = "/tmp/uids-XXXXXX";
	int fd = mkstemp(file);
	pid_t pid[DAEMONS];
	uint32_t base[DAEMONS], again;

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < DAEMONS; i++) {
		pid[i] = start_daemon(file, RANGES - 1, &base[i]);
		check_range(base[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(base[i], base[j]);
	}
	/* killed, not ended: the kernel gives the range back */
	end(pid[7]);
	end(start_daemon(file, RANGES - 1, &again));
	assert_int_equal(again, base[7]);
	for (size_t i = 0; i < DAEMONS; i++)
		if (i != 7)
			end(pid[i]);
	(void)close(fd);
	(void)unlink(file);
}

static void
test_drawn_at_random(void **state)
{
	char file[] = "/tmp/uids-XXXXXX";
	int fd = mkstemp(file);
	uint32_t base[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(uids_take(file, &base[i]), 0);
		check_range(base[i]);
		fd_close(&lock_fd);
	}
	assert_false(base[0] == base[1] && base[1] == base[2] &&
	    base[2] == base[3]);
	(void)close(fd);
	(void)unlink(file);
}

/* Where nothing can be locked a range is drawn all the same. */
static void
test_no_place_for_the_lock(void **state)
{
	uint32_t base;

	(void)state;
	assert_int_equal(uids_take("/nonexistent/uids", &base), 0);
	check_range(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_daemons_share_no_id),
		cmocka_unit_test(test_drawn_at_random),
		cmocka_unit_test(test_no_place_for_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
