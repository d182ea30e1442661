/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"

static void
make_pair(int *a, int *b)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    pair), 0);
	*a = pair[0];
	*b = pair[1];
}

static void
test_close(void **state)
{
	int fd = dup(0), none = -1;

	(void)state;
	assert_true(fd >= 0);
	errno = ENOENT;
	fd_close(&fd);
	fd_close(&none);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ENOENT);
	fd = 17;
	assert_int_equal(fd_take(&fd), 17);
	assert_int_equal(fd, -1);
}

static void
test_flags(void **state)
{
	AUTOFD fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(fd_set_cloexec(fd, true), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_set_cloexec(fd, false), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(fd_set_nonblock(fd, true), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_nonblock(fd, false), 0);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fd_set_nonblock(-1, true) < 0);
}

static void
test_read(void **state)
{
	AUTOFD a = -1, b = -1;
	char got[8];

	(void)state;
	make_pair(&a, &b);
	assert_int_equal(fd_write_all(a, "12345", 5, -1), 0);
	assert_int_equal(fd_read_exact(b, got, 3, -1), 0);
	assert_memory_equal(got, "123", 3);
	assert_int_equal(fd_read_some(b, got, sizeof(got), -1), 2);
	assert_int_equal(fd_read_some(b, got, 1, clock_ms() + 20),
	    ERR_TIMEOUT);
	assert_int_equal(fd_wait(b, POLLIN, clock_ms()), ERR_TIMEOUT);
	assert_int_equal(fd_write_all(a, "x", 1, -1), 0);
	fd_close(&a);
	assert_int_equal(fd_read_exact(b, got, 2, -1), ERR_TRUNCATED);
	assert_int_equal(fd_read_exact(b, got, 2, -1), ERR_CLOSED);
	assert_int_equal(fd_read_some(b, got, 1, -1), ERR_CLOSED);
}

/* A reader that reads nothing: the deadline ends it. */
static void
test_write_deadline(void **state)
{
	static char big[4 * 1024 * 1024];
	AUTOFD a = -1, b = -1;
	int64_t begin = clock_ms();

	(void)state;
	make_pair(&a, &b);
	assert_int_equal(fd_set_nonblock(a, true), 0);
	assert_int_equal(fd_write_all(a, big, sizeof(big), begin + 50),
	    ERR_TIMEOUT);
	assert_in_range(clock_ms() - begin, 49, 5000);
	fd_close(&b);
	assert_int_equal(fd_write_all(a, big, 1, -1), ERR_CLOSED);
}

static void
test_seal(void **state)
{
	AUTOFD fd = fd_memfd("test");
	char byte = 'x';

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, &byte, 1), 1);
	assert_false(fd_is_sealed(fd));
	assert_int_equal(fd_seal(fd), 0);
	assert_true(fd_is_sealed(fd));
	assert_int_equal(write(fd, &byte, 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 9), -1);
	assert_ptr_equal(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0),
	    MAP_FAILED);
	assert_true(fd_seal(fd) < 0);
}

/* Some of the seals are not enough, and other files have none. */
static void
test_seal_partly(void **state)
{
	AUTOFD fd = fd_memfd("test");
	AUTOFD null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK), 0);
	assert_false(fd_is_sealed(fd));
	assert_false(fd_is_sealed(null));
	assert_false(fd_is_sealed(-1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write_deadline),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_seal_partly),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
