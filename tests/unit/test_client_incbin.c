/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/incbin.c client/body.c client/store.c */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/incbin.h"

static char header[] = "/tmp/test-incbin-XXXXXX";

static struct scan_entry
file_entry(void)
{
	struct stat st;

	assert_int_equal(stat(header, &st), 0);
	return (struct scan_entry){ .kind = SCAN_FILE, .is_system = true,
	    .path = header, .stamp = { .dev = st.st_dev, .ino = st.st_ino,
	    .size = (uint64_t)st.st_size,
	    .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
	    st.st_mtim.tv_nsec, .ctime_ns = st.st_ctim.tv_sec *
	    INT64_C(1000000000) + st.st_ctim.tv_nsec } };
}

static int
set_up(void **state)
{
	int fd = mkstemp(header);

	(void)state;
	if (fd < 0 || write(fd, "#define X 1\n", 12) != 12)
		return -1;
	return close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(header);
}

/* A host's object: some bytes, the nonce, the order, and the answer. */
static enum incbin_state
judge(const struct scan_entry *e, bool is_big, const void *answer,
    size_t len, int *r)
{
	struct incbin ib = { .known = header };
	struct incbin_entry entry = { .entry = e };
	struct buf object = BUF_INIT(4096);
	size_t n;

	assert_int_equal(incbin_write(&ib, false, &entry, 1, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(buf_append_str(&object, "\177ELF junk "), 0);
	assert_int_equal(buf_append_str(&object, ib.nonce), 0);
	assert_int_equal(buf_append(&object, is_big ? "\0\0\0\1" :
	    "\1\0\0\0", 4), 0);
	assert_int_equal(buf_append(&object, answer, len), 0);
	*r = incbin_compare(&ib, buf_view(&object), &entry, 1);
	buf_free(&object);
	buf_free(&ib.source);
	return entry.state;
}

static void
a_header_is_compared_byte_for_byte(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_big;
		int r;
		enum incbin_state state;
	} rows[] = {
		{ "\1\14\0\0\0#define X 1\n", 17, false, 0, INCBIN_SAME },
		{ "\1\0\0\0\14#define X 1\n", 17, true, 0, INCBIN_SAME },
		{ "\1\14\0\0\0#define X 2\n", 17, false, 0,
		    INCBIN_DIFFERS },
		{ "\1\13\0\0\0#define X 1", 16, false, 0, INCBIN_DIFFERS },
		{ "\0", 1, false, 0, INCBIN_LACKS },
		/* what no assembler makes of our source */
		{ "", 0, false, ERR_SYNTAX, INCBIN_UNKNOWN },
		{ "\2", 1, false, ERR_SYNTAX, INCBIN_UNKNOWN },
		{ "\1\14\0\0", 4, false, ERR_SYNTAX, INCBIN_UNKNOWN },
		{ "\1\14\0\0\0#define X 1", 16, false, ERR_SYNTAX,
		    INCBIN_UNKNOWN },
		{ "\1\377\377\377\377#define X 1\n", 17, false, ERR_SYNTAX,
		    INCBIN_UNKNOWN },
	};
	struct scan_entry e = file_entry();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r;

		assert_int_equal(judge(&e, rows[i].is_big, rows[i].text,
		    rows[i].len, &r), rows[i].state);
		assert_int_equal(r, rows[i].r);
	}
}

/* Of what is asked for by name only: the state where it is not there, and is. */
static void
assert_presence(const struct scan_entry *e, enum incbin_state no,
    enum incbin_state yes)
{
	int r;

	assert_int_equal(judge(e, false, "\0", 1, &r), no);
	assert_int_equal(r, 0);
	assert_int_equal(judge(e, false, "\2", 1, &r), yes);
	assert_int_equal(r, 0);
	(void)judge(e, false, "\1", 1, &r);
	assert_int_equal(r, ERR_SYNTAX);
}

static void
what_is_absent_here_must_be_absent_there(void **state)
{
	const struct scan_entry e = { .kind = SCAN_ABSENT, .is_system = true,
	    .path = "/usr/include/none.h" };

	(void)state;
	assert_presence(&e, INCBIN_SAME, INCBIN_HAS);
}

static void
what_is_the_jobs_alone_must_not_be_there(void **state)
{
	const struct scan_entry e = { .kind = SCAN_PRIVATE, .is_system = true,
	    .path = "/opt/sdk/" };

	(void)state;
	assert_presence(&e, INCBIN_SAME, INCBIN_OWN);
	assert_true(incbin_can_ask(&e, NULL));	/* by way of the source */
}

static void
full_names_must_hold_there(void **state)
{
	const struct scan_entry e = { .kind = SCAN_ROOTED,
	    .path = "/odd\"name" };

	(void)state;
	assert_presence(&e, INCBIN_ELSEWHERE, INCBIN_SAME);
	assert_true(incbin_can_ask(&e, NULL));	/* its name is not said */
}

static void
a_directory_here_must_be_one_there(void **state)
{
	const struct scan_entry e = { .kind = SCAN_DIRECTORY, .is_system = true,
	    .path = "/usr/include/some" };

	(void)state;
	assert_presence(&e, INCBIN_LACKS, INCBIN_SAME);
}

/* Whatever is there, the way out of it leads to no such header. */
static void
a_host_without_the_known_header_does_not_pass(void **state)
{
	const struct scan_entry e = { .kind = SCAN_ABSENT, .is_system = true,
	    .path = "/opt/none/" };
	struct incbin_entry entry = { .entry = &e };
	struct incbin ib = { .known = header };
	char want[PATH_MAX];
	size_t n;

	(void)state;
	assert_false(incbin_can_ask(&e, NULL));
	assert_int_equal(incbin_write(&ib, false, &entry, 1, &n), 0);
	(void)snprintf(want, sizeof(want), "#if !__has_include(\"%s\") || "
	    "__has_include(\"/opt/none//..", header);
	assert_non_null(strstr(buf_str(&ib.source), want));
	buf_free(&ib.source);
}

static void
a_header_that_changed_here_is_an_error(void **state)
{
	struct scan_entry e = file_entry();
	int r;

	(void)state;
	e.stamp.mtime_ns++;
	(void)judge(&e, false, "\1\14\0\0\0#define X 1\n", 17, &r);
	assert_int_equal(r, ERR_BUSY);
}

static void
an_object_without_the_nonce_says_nothing(void **state)
{
	struct incbin ib = { .known = header };
	struct scan_entry e = file_entry();
	struct incbin_entry entry = { .entry = &e };
	size_t n;

	(void)state;
	assert_int_equal(incbin_write(&ib, false, &entry, 1, &n), 0);
	assert_int_equal(incbin_compare(&ib, view_str("\177ELF"), &entry, 1),
	    ERR_SYNTAX);
	assert_int_equal(incbin_compare(&ib, view_of("", 0), &entry, 1),
	    ERR_SYNTAX);
	assert_int_equal(incbin_compare(&ib, view_str(ib.nonce), &entry, 1),
	    ERR_SYNTAX);
	buf_free(&ib.source);
}

/* Else a name could be code of its own in the source. */
static void
names_that_could_end_a_string_are_not_written(void **state)
{
	static const char *const names[] = { "/a\"b", "/a\\b", "/a\nb",
	    "/a%b", "/a$b", "/a\xc3\xa4" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct incbin ib = { .known = header };
		const struct scan_entry e = { .kind = SCAN_FILE,
		    .path = names[i] };
		struct incbin_entry entry = { .entry = &e };
		size_t n;

		assert_int_equal(incbin_write(&ib, true, &entry, 1, &n), 0);
		assert_int_equal(entry.state, INCBIN_NAME);
		assert_null(strstr(buf_str(&ib.source), names[i]));
		buf_free(&ib.source);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_compared_byte_for_byte),
		cmocka_unit_test(what_is_absent_here_must_be_absent_there),
		cmocka_unit_test(what_is_the_jobs_alone_must_not_be_there),
		cmocka_unit_test(full_names_must_hold_there),
		cmocka_unit_test(a_directory_here_must_be_one_there),
		cmocka_unit_test(a_host_without_the_known_header_does_not_pass),
		cmocka_unit_test(a_header_that_changed_here_is_an_error),
		cmocka_unit_test(an_object_without_the_nonce_says_nothing),
		cmocka_unit_test(
		    names_that_could_end_a_string_are_not_written),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
