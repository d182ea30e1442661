/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/store.c */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/store.h"

static char dir[] = "/tmp/test-store-XXXXXX";

static struct store_key
key(const char *s)
{
	return store_key_str((struct store_key){ 0, 0 }, s);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test-store-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	store_remove(dir);
	return rmdir(dir);
}

static void
put(struct store *s, const char *k, const char *value)
{
	assert_int_equal(store_lock(s, 1000), 0);
	assert_int_equal(store_put(s, key(k), value, strlen(value)), 0);
	store_unlock(s);
}

static void
expect(const struct store *s, const char *k, const char *value)
{
	struct view v;

	if (value == NULL) {
		assert_int_equal(store_find(s, key(k), &v), ERR_NOENT);
		return;
	}
	assert_int_equal(store_find(s, key(k), &v), 0);
	assert_true(view_equal(v, value));
}

static void
another_process_finds_what_was_put(void **state)
{
	struct store *s = store_open(dir);
	int status;

	(void)state;
	assert_non_null(s);
	expect(s, "one", NULL);
	if (fork() == 0) {
		struct store *other = store_open(dir);

		put(other, "one", "1");
		put(other, "empty", "");
		_exit(0);
	}
	assert_true(wait(&status) > 0 && status == 0);
	expect(s, "one", "1");
	expect(s, "empty", "");
	expect(s, "two", NULL);
	store_close(s);
}

static void
a_new_value_takes_the_old_ones_place(void **state)
{
	struct store *s = store_open(dir);

	(void)state;
	put(s, "k", "old");
	put(s, "k", "newer");
	expect(s, "k", "newer");
	store_close(s);
	s = store_open(dir);
	expect(s, "k", "newer");
	store_close(s);
}

static void
keys_of_parts_are_not_keys_of_their_sum(void **state)
{
	struct store_key a = store_key_str(key("ab"), "c");
	struct store_key b = store_key_str(key("a"), "bc");

	(void)state;
	assert_true(a.a != b.a && a.b != b.b);
	assert_true(key("x").a != key("x").b);
}

/* More than two levels of the table take. */
#define MANY	20000

static void
put_number(struct store *s, int i, const char *value)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "key %d", i);
	assert_int_equal(store_put(s, key(name), value, strlen(value)), 0);
}

static void
put_many(struct store *s, const char *prefix)
{
	char value[64];

	assert_int_equal(store_lock(s, 1000), 0);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(value, sizeof(value), "%s %d", prefix, i);
		put_number(s, i, value);
	}
	store_unlock(s);
}

static void
expect_many(const struct store *s, const char *prefix)
{
	char name[32], value[64];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "key %d", i);
		(void)snprintf(value, sizeof(value), "%s %d", prefix, i);
		expect(s, name, value);
		(void)snprintf(name, sizeof(name), "absent %d", i);
		expect(s, name, NULL);
	}
}

/* Also those that were put before the table grew, and for whom had it open. */
static void
many_keys_keep_their_values(void **state)
{
	struct store *s = store_open(dir), *early = store_open(dir);

	(void)state;
	put_many(s, "value");
	expect_many(s, "value");
	expect_many(early, "value");
	put_many(early, "newer");
	expect_many(s, "newer");
	store_close(s);
	s = store_open(dir);
	expect_many(s, "newer");
	store_close(s);
	store_close(early);
}

static void
find_path(char *path, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] == 'f')
			(void)snprintf(path, size, "%s/%s", dir, e->d_name);
	(void)closedir(d);
}

/* Who is killed while he writes a value leaves part of it behind the end. */
static void
a_table_begins_empty_whatever_was_there(void **state)
{
	enum { BYTES = 4 * 1024 * 1024 };
	struct store *s = store_open(dir);
	char *rest = malloc(BYTES);
	char path[512];
	struct stat st;
	int fd;

	(void)state;
	find_path(path, sizeof(path));
	memset(rest, 0xff, BYTES);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(pwrite(fd, rest, BYTES, st.st_size), BYTES);
	(void)close(fd);
	free(rest);
	put_many(s, "value");
	expect_many(s, "value");
	store_close(s);
}

static void
look_until_all_are_there(void)
{
	struct store *s = store_open(dir);
	char name[32], value[64];
	struct view v;

	(void)alarm(60);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "key %d", i);
		(void)snprintf(value, sizeof(value), "value %d", i);
		while (store_find(s, key(name), &v) < 0)
			;
		if (!view_equal(v, value))
			_exit(1);
	}
	_exit(0);
}

/* Without a lock: a key is there with its value, or it is not there. */
static void
who_reads_meanwhile_finds_whole_values(void **state)
{
	enum { READERS = 2 };
	struct store *s = store_open(dir);
	int status;

	(void)state;
	for (int i = 0; i < READERS; i++)
		if (fork() == 0)
			look_until_all_are_there();
	put_many(s, "value");
	for (int i = 0; i < READERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	store_close(s);
}

/* As many keys as there are slots for; then it is replaced. */
static void
a_full_table_is_replaced(void **state)
{
	enum { ENOUGH = 100000, TOO_MANY = 400000 };
	struct store *s = store_open(dir), *next;
	char name[32];
	int r = 0, n = 0;

	(void)state;
	assert_int_equal(store_lock(s, 1000), 0);
	for (; r == 0 && n < TOO_MANY; n++) {
		(void)snprintf(name, sizeof(name), "key %d", n);
		r = store_put(s, key(name), NULL, 0);
	}
	store_unlock(s);
	assert_int_equal(r, ERR_LIMIT);
	assert_in_range(n, ENOUGH, TOO_MANY - 1);
	expect(s, "key 0", "");
	expect(s, "key 90000", "");
	next = store_open(dir);
	assert_non_null(next);
	expect(next, "key 0", NULL);
	store_close(next);
	store_close(s);
}

/* Only who has the lock may write, also by mistake. */
static void
without_the_lock_it_cannot_be_written(void **state)
{
	struct store *s = store_open(dir);
	int status;

	(void)state;
	put(s, "k", "v");
	if (fork() == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		(void)!store_put(s, key("other"), "v", 1);
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	store_close(s);
}

/* Who is full is given up, and the next begins anew. */
static void
a_full_store_is_replaced(void **state)
{
	struct store *s = store_open(dir), *next;
	char *big = calloc(1, STORE_VALUE_MAX_BYTES);
	char name[32];
	int r = 0, i;

	(void)state;
	assert_int_equal(store_lock(s, 1000), 0);
	assert_int_equal(store_put(s, key("huge"), big,
	    STORE_VALUE_MAX_BYTES + 1), ERR_LIMIT);
	for (i = 0; r == 0 && i < 100; i++) {
		(void)snprintf(name, sizeof(name), "big %d", i);
		r = store_put(s, key(name), big, STORE_VALUE_MAX_BYTES);
	}
	assert_int_equal(r, ERR_LIMIT);
	assert_in_range(i, 2, 99);
	store_unlock(s);
	next = store_open(dir);
	assert_non_null(next);
	expect(next, "big 0", NULL);
	put(next, "k", "v");
	expect(next, "k", "v");
	expect(s, "k", NULL);
	store_close(next);
	store_close(s);
	free(big);
}

static void
one_process_has_the_lock(void **state)
{
	struct store *a = store_open(dir), *b = store_open(dir);

	(void)state;
	assert_int_equal(store_lock(a, 1000), 0);
	assert_int_equal(store_lock(b, 20), ERR_TIMEOUT);
	store_unlock(a);
	assert_int_equal(store_lock(b, 1000), 0);
	store_close(b);
	store_close(a);
}

static void
a_file_that_others_may_write_is_not_used(void **state)
{
	struct store *s = store_open(dir);
	char path[512];

	(void)state;
	store_close(s);
	find_path(path, sizeof(path));
	assert_int_equal(chmod(path, 0666), 0);
	assert_null(store_open(dir));
	assert_int_equal(chmod(path, 0600), 0);
	s = store_open(dir);
	assert_non_null(s);
	store_close(s);
}

/* The first jobs of a build come all at once. */
static void
processes_that_start_together_share_it(void **state)
{
	enum { PROCESSES = 16, ROUNDS = 20 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid[PROCESSES];
		int gate[2], status;
		char go;

		store_remove(dir);
		assert_int_equal(pipe(gate), 0);
		for (int i = 0; i < PROCESSES; i++) {
			pid[i] = fork();
			if (pid[i] == 0) {
				(void)close(gate[1]);
				(void)!read(gate[0], &go, 1);
				_exit(store_open(dir) == NULL);
			}
		}
		(void)close(gate[0]);
		(void)close(gate[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
			assert_int_equal(status, 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    another_process_finds_what_was_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_new_value_takes_the_old_ones_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    processes_that_start_together_share_it, set_up, tear_down),
		cmocka_unit_test(keys_of_parts_are_not_keys_of_their_sum),
		cmocka_unit_test_setup_teardown(many_keys_keep_their_values,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_table_begins_empty_whatever_was_there, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    who_reads_meanwhile_finds_whole_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_table_is_replaced,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    without_the_lock_it_cannot_be_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_store_is_replaced,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_process_has_the_lock,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_file_that_others_may_write_is_not_used, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
