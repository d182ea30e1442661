/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/env.c client/dirs.c client/backoff.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/backoff.h"
#include "client/dirs.h"
#include "client/env.h"
#include "lib/log.h"

static char lines[4096];

static void
collect(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	assert_true(strlen(lines) + strlen(line) + 2 < sizeof(lines));
	memcpy(lines + strlen(lines), line, strlen(line) + 1);
}

static void
test_defaults(void **state)
{
	struct env env;

	(void)state;
	assert_int_equal(clearenv(), 0);
	env_load(&env);
	assert_null(env.hosts);
	assert_null(env.dir);
	assert_false(env.verbose || env.save_temps || env.skip_local_retry ||
	    env.no_rewrite_cross);
	assert_true(env.fallback && env.tcp_cork);
	assert_int_equal(env.io_timeout_s, 300);
	assert_int_equal(env.backoff_s, 60);
	assert_int_equal(env.pause_ms, 1000);
	assert_int_equal(env.uncached_err_fd, -1);
	assert_int_equal(env.safeguard, 0);
}

static void
test_values(void **state)
{
	struct env env;

	(void)state;
	assert_int_equal(clearenv(), 0);
	(void)setenv("DISTCC_HOSTS", "", 1);
	(void)setenv("DISTCC_FALLBACK", "0", 1);
	(void)setenv("DISTCC_VERBOSE", "1", 1);
	(void)setenv("DISTCC_SKIP_LOCAL_RETRY", "yes", 1);
	(void)setenv("DISTCC_NO_CROSS_REWRITE", "1", 1);
	(void)setenv("DISTCC_IO_TIMEOUT", "7", 1);
	(void)setenv("DISTCC_BACKOFF_PERIOD", "0", 1);
	env_load(&env);
	assert_string_equal(env.hosts, "");
	assert_true(env.verbose && env.skip_local_retry &&
	    env.no_rewrite_cross);
	assert_false(env.fallback);
	assert_int_equal(env.io_timeout_s, 7);
	assert_int_equal(env.backoff_s, 0);
}

static void
test_bad_numbers_warn(void **state)
{
	static const char *const bad[] = {
		"", "x", "7x", "-1", "0", "99999999999999999999",
	};

	(void)state;
	log_to_sink(collect, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct env env;

		lines[0] = '\0';
		assert_int_equal(clearenv(), 0);
		(void)setenv("DISTCC_IO_TIMEOUT", bad[i], 1);
		env_load(&env);
		assert_int_equal(env.io_timeout_s, 300);
		assert_non_null(strstr(lines, "DISTCC_IO_TIMEOUT"));
	}
	log_to_stderr();
}

static void
test_lock_names(void **state)
{
	static char name[] = "::1";
	struct env env = { .dir = "/x" };
	struct host tcp = { .kind = HOST_TCP, .name = name, .port = 5 };
	struct host ssh = { .kind = HOST_SSH, .name = name };
	char path[DIRS_PATH_BYTES];

	(void)state;
	assert_int_equal(dirs_lock(&env, "cpu", NULL, 3, path, sizeof(path)),
	    0);
	assert_string_equal(path, "/x/lock/cpu_localhost_3");
	assert_int_equal(dirs_lock(&env, "cpu", &tcp, 0, path, sizeof(path)),
	    0);
	assert_string_equal(path, "/x/lock/cpu_tcp_::1_5_0");
	assert_int_equal(dirs_lock(&env, "backoff", &ssh, 0, path,
	    sizeof(path)), 0);
	assert_string_equal(path, "/x/lock/backoff_ssh_::1_0");
	assert_int_equal(dirs_lock(&env, "cpu", &tcp, 0, path, 8), ERR_LIMIT);
	env = (struct env){ .home = "/h" };
	assert_int_equal(dirs_top(&env, path, sizeof(path), "/hosts"), 0);
	assert_string_equal(path, "/h/.distcc/hosts");
	env = (struct env){ .home = NULL };
	assert_int_equal(dirs_top(&env, path, sizeof(path), ""), ERR_NOENT);
}

static void
set_age(const char *path, time_t age)
{
	struct timespec then = { time(NULL) - age, 0 };
	struct timespec t[2] = { then, then };

	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void
test_backoff(void **state)
{
	char dir[] = "/tmp/distcc-test-XXXXXX";
	static char name[] = "h";
	struct env env = { .backoff_s = 60 };
	struct host host = { .kind = HOST_TCP, .name = name, .port = 1,
	    .spec = name };
	char path[DIRS_PATH_BYTES];

	(void)state;
	env.dir = mkdtemp(dir);
	assert_non_null(env.dir);
	assert_int_equal(backoff_state(&env, &host), BACKOFF_NONE);
	backoff_mark(&env, &host);
	assert_int_equal(backoff_state(&env, &host), BACKOFF_ON);
	assert_int_equal(dirs_lock(&env, "backoff", &host, 0, path,
	    sizeof(path)), 0);
	set_age(path, 61);
	assert_int_equal(backoff_state(&env, &host), BACKOFF_OVER);
	backoff_mark(&env, &host);	/* the time is new again */
	assert_int_equal(backoff_state(&env, &host), BACKOFF_ON);
	set_age(path, -1000);		/* a clock that was set back */
	assert_int_equal(backoff_state(&env, &host), BACKOFF_OVER);
	backoff_clear(&env, &host);
	assert_int_equal(backoff_state(&env, &host), BACKOFF_NONE);
	env.backoff_s = 0;		/* never */
	backoff_mark(&env, &host);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(dirs_top(&env, path, sizeof(path), "/lock"), 0);
	(void)rmdir(path);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad_numbers_warn),
		cmocka_unit_test(test_lock_names),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
