/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/worker/escape.c */
#include "tests/unit/wire_test.h"

#include <string.h>

#include "server/worker/escape.h"

#define BIG	100000

static void
check(const char *in, size_t len, const char *want)
{
	struct buf out = BUF_INIT(BIG);

	assert_int_equal(escape_diagnostics(view_of(in, len), BIG, &out), 0);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.ptr, want, out.len);
	buf_free(&out);
}

#define CHECK(in, want)	check(in, sizeof(in) - 1, want)

static void
test_text_passes(void **state)
{
	(void)state;
	CHECK("a.c:1:2: error: x\n\t| ^~\n", "a.c:1:2: error: x\n\t| ^~\n");
	CHECK("dos\r\n", "dos\r\n");
	CHECK("back\\slash", "back\\slash");
}

static void
test_controls_are_escaped(void **state)
{
	(void)state;
	CHECK("\a\b\v\f", "\\x07\\x08\\x0b\\x0c");
	CHECK("a\rb", "a\\x0db");
	CHECK("end\r", "end\\x0d");
	CHECK("\x7f", "\\x7f");
	check("a\0b", 3, "a\\x00b");
}

static void
test_colours(void **state)
{
	(void)state;
	CHECK("\x1b[31mred\x1b[0;1m\x1b[m\x1b[K", "\x1b[31mred\x1b[0;1m\x1b[m"
	    "\x1b[K");
	CHECK("\x1b[2J", "\\x1b[2J");
	CHECK("\x1b]0;title\a", "\\x1b]0;title\\x07");
	CHECK("\x1b[?25h", "\\x1b[?25h");
	CHECK("\x1b[31", "\\x1b[31");
	CHECK("\x1b", "\\x1b");
	CHECK("\x1b[\x1b[m", "\\x1b[\x1b[m");
	/* too long to be a colour */
	CHECK("\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1m",
	    "\\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1m");
}

static void
test_utf8(void **state)
{
	(void)state;
	CHECK("\xe2\x80\x98x\xe2\x80\x99", "\xe2\x80\x98x\xe2\x80\x99");
	CHECK("\xf0\x9f\x98\x80 \xc2\xa0", "\xf0\x9f\x98\x80 \xc2\xa0");
	/* C1 controls, raw and encoded */
	CHECK("\x9b" "2J\x90", "\\x9b2J\\x90");
	CHECK("\xc2\x9b" "2J", "\\xc2\\x9b2J");
	CHECK("\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f");
	/* overlong, surrogate, too high, cut */
	CHECK("\xc0\x9b\xc1\xbf", "\\xc0\\x9b\\xc1\\xbf");
	CHECK("\xe0\x82\x9b", "\\xe0\\x82\\x9b");
	CHECK("\xf0\x80\x82\x9b", "\\xf0\\x80\\x82\\x9b");
	CHECK("\xed\xa0\x80", "\\xed\\xa0\\x80");
	CHECK("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	CHECK("\xe2\x80", "\\xe2\\x80");
	CHECK("\xe2(\xa1", "\\xe2(\\xa1");
	CHECK("\xff\xfe", "\\xff\\xfe");
}

static void
test_cap(void **state)
{
	struct buf out = BUF_INIT(BIG);
	char in[1000];

	(void)state;
	memset(in, 'x', sizeof(in));
	assert_int_equal(buf_append_str(&out, "before"), 0);
	assert_int_equal(escape_diagnostics(view_of(in, sizeof(in)), 200,
	    &out), 0);
	assert_in_range(out.len, 150, 206);
	assert_non_null(strstr(buf_str(&out), "cut off\n"));
	buf_reset(&out);
	/* the cap counts what goes out, not what came in */
	memset(in, 1, sizeof(in));
	assert_int_equal(escape_diagnostics(view_of(in, sizeof(in)), 2000,
	    &out), 0);
	assert_in_range(out.len, 1900, 2000);
	buf_reset(&out);
	memset(in, 'x', sizeof(in));
	assert_int_equal(escape_diagnostics(view_of(in, 100), 200, &out), 0);
	assert_int_equal(out.len, 100);
	buf_free(&out);
}

/* Whatever comes in, no control goes out but those that may. */
static void
test_every_byte_pair(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < 256; a++) {
		for (unsigned int b = 0; b < 256; b++) {
			unsigned char in[2] = { (unsigned char)a,
			    (unsigned char)b };
			struct buf out = BUF_INIT(BIG);

			assert_int_equal(escape_diagnostics(view_of(in, 2),
			    BIG, &out), 0);
			for (size_t i = 0; i < out.len; i++) {
				unsigned char c = out.ptr[i];

				if (c >= 0x20 && c < 0x7f)
					continue;
				if (c == '\n' || c == '\t')
					continue;
				if (c == '\r' && b == '\n')
					continue;
				/* one two-byte character, not a C1 control */
				assert_int_equal(out.len, 2);
				assert_in_range(out.ptr[0], 0xc2, 0xdf);
				assert_false(out.ptr[0] == 0xc2 &&
				    out.ptr[1] < 0xa0);
			}
			buf_free(&out);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_passes),
		cmocka_unit_test(test_controls_are_escaped),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_every_byte_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
