/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <string.h>

#include "wire/token.h"

static int
decode(const char *s, struct token *t)
{
	unsigned char p[TOKEN_LEN];

	memcpy(p, s, sizeof(p));
	return token_decode(p, t);
}

static void
test_good(void **state)
{
	struct token t;

	(void)state;
	assert_int_equal(decode("DIST00000001", &t), 0);
	assert_string_equal(t.name, "DIST");
	assert_int_equal(t.val, 1);
	assert_true(token_is(&t, "DIST"));
	assert_false(token_is(&t, "DISC"));
	assert_int_equal(decode("ARGVffFFfFfF", &t), 0);
	assert_true(t.val == UINT32_MAX);
	assert_int_equal(decode("DOTI0001a2Bc", &t), 0);
	assert_int_equal(t.val, 0x1a2bc);
}

/* P-002: what strtoul() would take, and what is no token of ours */
static void
test_refused(void **state)
{
	static const char bad[][TOKEN_LEN + 1] = {
		"ARGV-0000001", "ARGV+0000001", "ARGV 0x00001", "ARGV0x000001",
		"ARGV0000000g", "ARGV0000000 ", "ARGV       1", "ARGV0000000\0",
		"ARGV\0\0\0\0\0\0\0\0", "GET / HTTP/1", "argv00000001",
		"AR V00000001", "A\0GV00000001", "\377RGV00000001",
		"ARGV0000000/", "ARGV0000000:", "ARGV0000000@", "ARGV0000000G",
		"ARGV0000000`", "AR:V00000001", "AR/V00000001", "AR@V00000001",
		"AR[V00000001",
	};
	struct token t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (decode(bad[i], &t) != ERR_SYNTAX)
			fail_msg("row %zu: \"%s\" was accepted", i, bad[i]);
}

static void
test_encode(void **state)
{
	static const uint32_t vals[] = { 0, 1, 0x10, 0xabcdef01, UINT32_MAX };
	unsigned char p[TOKEN_LEN];
	char want[TOKEN_LEN + 1];
	struct token t;

	(void)state;
	for (size_t i = 0; i < sizeof(vals) / sizeof(vals[0]); i++) {
		token_encode(p, "STAT", vals[i]);
		(void)snprintf(want, sizeof(want), "STAT%08x", vals[i]);
		assert_memory_equal(p, want, TOKEN_LEN);
		assert_int_equal(token_decode(p, &t), 0);
		assert_true(t.val == vals[i]);
	}
}

static void
test_put(void **state)
{
	struct buf b = BUF_INIT(40);

	(void)state;
	assert_int_equal(token_put(&b, "ARGC", 2), 0);
	assert_int_equal(token_put_body(&b, "ARGV", view_str("gcc")), 0);
	assert_view(buf_view(&b), "ARGC00000002ARGV00000003gcc");
	/* a header whose body has no room is not left behind */
	assert_int_equal(token_put_body(&b, "ARGV", view_str("xx")), ERR_LIMIT);
	assert_view(buf_view(&b), "ARGC00000002ARGV00000003gcc");
	assert_int_equal(token_put_body(&b, "ARGV", view_str("x")), 0);
	buf_free(&b);
}

static void
test_put_too_long(void **state)
{
	struct buf b = BUF_INIT(SIZE_MAX);

	(void)state;
	/* only the length is looked at */
	assert_int_equal(token_put_body(&b, "ARGV",
	    view_of("", (size_t)UINT32_MAX + 1)), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
test_gather(void **state)
{
	static const char text[] = "ARGC00000002DIST00000003x";
	struct token_gather g = { .have = 0 };
	struct view in = view_str(text);
	struct token t;

	(void)state;
	for (size_t i = 0; i < TOKEN_LEN; i++) {
		struct view one;

		assert_int_equal(view_take(&in, 1, &one), 0);
		assert_int_equal(token_gather(&g, &one, &t),
		    i == TOKEN_LEN - 1);
		assert_int_equal(one.len, 0);
	}
	assert_true(token_is(&t, "ARGC") && t.val == 2);
	/* takes no byte behind the header */
	assert_int_equal(token_gather(&g, &in, &t), 1);
	assert_true(token_is(&t, "DIST") && t.val == 3);
	assert_view(in, "x");
	in = view_str("ARGV0000000z");
	assert_int_equal(token_gather(&g, &in, &t), ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_too_long),
		cmocka_unit_test(test_gather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
