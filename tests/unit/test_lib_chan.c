/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"

static void
test_message(void **state)
{
	AUTOFD a = -1, b = -1;
	int pair[2];
	char got[8];

	(void)state;
	assert_int_equal(chan_pair(pair), 0);
	a = pair[0];
	b = pair[1];
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(chan_send(a, "one", 3, NULL, 0), 0);
	assert_int_equal(chan_send(a, "three", 5, NULL, 0), 0);
	/* boundaries are kept */
	assert_int_equal(chan_recv(b, got, sizeof(got), NULL, NULL), 3);
	assert_int_equal(chan_recv(b, got, sizeof(got), NULL, NULL), 5);
	assert_memory_equal(got, "three", 5);
	/* longer than the reader allows */
	assert_int_equal(chan_send(a, "123456789", 9, NULL, 0), 0);
	assert_int_equal(chan_recv(b, got, sizeof(got), NULL, NULL),
	    ERR_PROTOCOL);
	fd_close(&a);
	assert_int_equal(chan_recv(b, got, sizeof(got), NULL, NULL),
	    ERR_CLOSED);
	assert_int_equal(chan_send(b, "x", 1, NULL, 0), ERR_CLOSED);
}

/* The lowest free descriptor number: it rises when one is leaked. */
static int
lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	(void)close(fd);
	return fd;
}

static void
test_fds(void **state)
{
	AUTOFD a = -1, b = -1;
	int pair[2], ends[2], fds[CHAN_FDS_MAX];
	char got[8];
	size_t n;

	(void)state;
	assert_int_equal(chan_pair(pair), 0);
	a = pair[0];
	b = pair[1];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(chan_send(a, "p", 1, ends, 2), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(chan_recv(b, got, sizeof(got), fds, &n), 1);
	assert_int_equal(n, 2);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	assert_int_equal(fds[2], -1);
	assert_int_equal(fds[3], -1);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fds[1], "z", 1), 1);
	assert_int_equal(read(fds[0], got, 1), 1);
	assert_int_equal(got[0], 'z');
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

/* A reader that wants none closes them, and refuses the message. */
static void
test_fds_unwanted(void **state)
{
	AUTOFD a = -1, b = -1;
	int pair[2], zeros[CHAN_FDS_MAX + 1] = { 0 }, before;
	char got[8];

	(void)state;
	assert_int_equal(chan_pair(pair), 0);
	a = pair[0];
	b = pair[1];
	before = lowest_free();
	assert_int_equal(chan_send(a, "x", 1, zeros, 1), 0);
	assert_int_equal(chan_recv(b, got, sizeof(got), NULL, NULL),
	    ERR_PROTOCOL);
	assert_int_equal(chan_send(a, "x", 1, zeros, CHAN_FDS_MAX + 1),
	    ERR_LIMIT);
	assert_int_equal(lowest_free(), before);
}

/* A message that is too long gives its descriptors back, too. */
static void
test_fds_of_bad_message(void **state)
{
	AUTOFD a = -1, b = -1;
	int pair[2], zero = 0, fds[CHAN_FDS_MAX], before;
	char got[2];
	size_t n;

	(void)state;
	assert_int_equal(chan_pair(pair), 0);
	a = pair[0];
	b = pair[1];
	before = lowest_free();
	assert_int_equal(chan_send(a, "xxx", 3, &zero, 1), 0);
	assert_int_equal(chan_recv(b, got, sizeof(got), fds, &n),
	    ERR_PROTOCOL);
	assert_int_equal(fds[0], -1);
	/* an empty one is not taken for an end of file that brings some */
	assert_int_equal(chan_send(a, "", 0, &zero, 1), 0);
	assert_int_equal(chan_recv(b, got, sizeof(got), fds, &n),
	    ERR_PROTOCOL);
	assert_int_equal(fds[0], -1);
	assert_int_equal(lowest_free(), before);
}

static void
test_would_block(void **state)
{
	AUTOFD a = -1, b = -1;
	int pair[2], r, sent = 0;
	char got[8];

	(void)state;
	assert_int_equal(chan_pair(pair), 0);
	a = pair[0];
	b = pair[1];
	assert_int_equal(fd_set_nonblock(a, true), 0);
	assert_int_equal(fd_set_nonblock(b, true), 0);
	assert_int_equal(chan_recv(b, got, sizeof(got), NULL, NULL), ERR_BUSY);
	while ((r = chan_send(a, "x", 1, NULL, 0)) == 0 && sent < 100000)
		sent++;
	assert_int_equal(r, ERR_BUSY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_fds_unwanted),
		cmocka_unit_test(test_fds_of_bad_message),
		cmocka_unit_test(test_would_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
