/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/output.c client/cleanup.c */
#include <fcntl.h>
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

#include "client/output.h"
#include "lib/log.h"

static char dir[] = "/tmp/test-output-XXXXXX";

static int
set_up(void **state)
{
	(void)state;
	log_set_level(LOG_LVL_CRITICAL);
	(void)snprintf(dir, sizeof(dir), "/tmp/test-output-XXXXXX");
	return mkdtemp(dir) != NULL && chdir(dir) == 0 ? 0 : -1;
}

/* Whatever a test expects to be there it removes itself; nothing else is. */
static int
tear_down(void **state)
{
	(void)state;
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

static void
make(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static void
expect_fd(int fd, const char *text)
{
	char bytes[64];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(bytes, text, strlen(text));
}

static void
expect(const char *path, const char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	assert_true(fd >= 0);
	expect_fd(fd, text);
	(void)close(fd);
}

static int
put(const char *path, const char *text)
{
	return output_write(path, view_str(text));
}

static void
an_old_file_gives_way_to_a_new_one(void **state)
{
	struct stat before, after;
	int fd;

	(void)state;
	make("x.o", "old, and longer");
	assert_int_equal(chmod("x.o", 0400), 0);
	assert_int_equal(link("x.o", "other name"), 0);
	fd = open("x.o", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &before) == 0);
	assert_int_equal(put("x.o", "new"), 0);
	expect("x.o", "new");
	assert_int_equal(stat("x.o", &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_true((after.st_mode & 0200) != 0);
	/* who reads the old one, or has it by another name, keeps it */
	expect_fd(fd, "old, and longer");
	expect("other name", "old, and longer");
	(void)close(fd);
	assert_int_equal(unlink("x.o"), 0);
	assert_int_equal(unlink("other name"), 0);
}

static void
what_is_not_there_is_made(void **state)
{
	(void)state;
	assert_int_equal(put("./x.o", "new"), 0);
	expect("x.o", "new");
	assert_int_equal(unlink("x.o"), 0);
}

static void
a_link_is_replaced_and_not_what_it_means(void **state)
{
	(void)state;
	make("far", "far");
	assert_int_equal(symlink("far", "x.o"), 0);
	assert_int_equal(symlink("nowhere", "y.o"), 0);
	assert_int_equal(put("x.o", "new"), 0);
	assert_int_equal(put("y.o", "new"), 0);
	expect("far", "far");
	expect("x.o", "new");
	expect("y.o", "new");
	assert_int_equal(access("nowhere", F_OK), -1);
	assert_int_equal(unlink("far"), 0);
	assert_int_equal(unlink("x.o"), 0);
	assert_int_equal(unlink("y.o"), 0);
}

static void
a_device_stays_one_also_behind_a_link(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlink("/dev/null", "x.o"), 0);
	assert_int_equal(put("x.o", "new"), 0);
	assert_int_equal(put("/dev/null", "new"), 0);
	assert_int_equal(lstat("x.o", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(unlink("x.o"), 0);
}

static void
a_fifo_gets_the_bytes(void **state)
{
	struct stat st;
	char bytes[4];
	int fd;

	(void)state;
	assert_int_equal(mkfifo("x.o", 0600), 0);
	fd = open("x.o", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(put("x.o", "new"), 0);
	assert_int_equal(read(fd, bytes, 3), 3);
	assert_memory_equal(bytes, "new", 3);
	assert_int_equal(lstat("x.o", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	(void)close(fd);
	assert_int_equal(unlink("x.o"), 0);
}

static void
what_cannot_be_replaced_stays(void **state)
{
	(void)state;
	assert_int_equal(mkdir("x.o", 0700), 0);
	assert_true(put("x.o", "new") < 0);
	assert_int_equal(rmdir("x.o"), 0);
	assert_true(put("missing/x.o", "new") < 0);
}

/* The directory cannot be written, the file can: the compiler would, too. */
static void
a_file_in_a_read_only_directory_is_written_in_place(void **state)
{
	struct stat before, after;
	pid_t pid;
	int status;

	(void)state;
	if (getuid() == 0)	/* to whom no directory is read-only */
		assert_int_equal(chown(dir, 65534, 65534), 0);
	pid = fork();
	if (pid == 0) {
		if (getuid() == 0 && setuid(65534) < 0)
			_exit(1);
		make("x.o", "old, and longer");
		if (chmod(".", 0500) < 0 || stat("x.o", &before) < 0 ||
		    put("x.o", "new") < 0 || stat("x.o", &after) < 0)
			_exit(2);
		expect("x.o", "new");
		_exit(before.st_ino == after.st_ino ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(unlink("x.o"), 0);
}

/* Somebody else's file where only its owner may replace it. */
static void
a_file_that_is_not_ours_stays(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (getuid() != 0)
		skip();
	make("x.o", "theirs");
	assert_int_equal(chmod(dir, 01777), 0);
	pid = fork();
	if (pid == 0) {
		if (setuid(65534) < 0)
			_exit(1);
		_exit(put("x.o", "new") < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect("x.o", "theirs");
	assert_int_equal(unlink("x.o"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_old_file_gives_way_to_a_new_one),
		TEST(what_is_not_there_is_made),
		TEST(a_link_is_replaced_and_not_what_it_means),
		TEST(a_device_stays_one_also_behind_a_link),
		TEST(a_fifo_gets_the_bytes),
		TEST(what_cannot_be_replaced_stays),
		TEST(a_file_in_a_read_only_directory_is_written_in_place),
		TEST(a_file_that_is_not_ours_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
