/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/store.c */
#include <dirent.h>
#include <setjmp.h>
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

static void
many_keys_keep_their_values(void **state)
{
	struct store *s = store_open(dir);
	char name[32];

	(void)state;
	assert_int_equal(store_lock(s, 1000), 0);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "key %d", i);
		assert_int_equal(store_put(s, key(name), name, strlen(name)),
		    0);
	}
	store_unlock(s);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "key %d", i);
		expect(s, name, name);
	}
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
	struct dirent *e;
	DIR *d;

	(void)state;
	store_close(s);
	d = opendir(dir);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] == 'f')
			(void)snprintf(path, sizeof(path), "%s/%s", dir,
			    e->d_name);
	(void)closedir(d);
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
