/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <string.h>

#include "wire/limits.h"
#include "wire/path.h"

/* P-035 */
static void
test_name(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		{ "/a", 0 },
		{ "/home/u/src/a.c", 0 },
		{ "/...", 0 },
		{ "/..a/.b", 0 },
		{ "/w/odd \n\377-", 0 },
		{ "", ERR_SYNTAX },
		{ "/", ERR_SYNTAX },
		{ "a.c", ERR_SYNTAX },
		{ "./a.c", ERR_SYNTAX },
		{ "//a", ERR_SYNTAX },
		{ "/a//b", ERR_SYNTAX },
		{ "/a/", ERR_SYNTAX },
		{ "/.", ERR_SYNTAX },
		{ "/..", ERR_SYNTAX },
		{ "/a/./b", ERR_SYNTAX },
		{ "/a/../b", ERR_SYNTAX },
		{ "/a/..", ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (path_check_name(rows[i].name) != rows[i].want)
			fail_msg("%s", rows[i].name);
		if (strcmp(rows[i].name, "/") != 0)
			assert_int_equal(path_check_cdir(rows[i].name),
			    rows[i].want);
	}
	assert_int_equal(path_check_cdir("/"), 0);
}

/* n copies of what, then tail */
static const char *
repeat(const char *what, size_t n, const char *tail)
{
	static char s[16384];
	size_t len = strlen(what);

	for (size_t i = 0; i < n; i++)
		memcpy(s + i * len, what, len);
	memcpy(s + n * len, tail, strlen(tail) + 1);
	return s;
}

static void
test_name_limits(void **state)
{
	char name[512] = "/";

	(void)state;
	memset(name + 1, 'n', PATH_PART_MAX);
	assert_int_equal(path_check_name(name), 0);
	name[1 + PATH_PART_MAX] = 'n';
	assert_int_equal(path_check_name(name), ERR_LIMIT);
	assert_int_equal(path_check_name(repeat("/a", PATH_DEPTH_MAX, "")), 0);
	assert_int_equal(path_check_name(repeat("/a", PATH_DEPTH_MAX + 1, "")),
	    ERR_LIMIT);
	assert_int_equal(path_check_name(repeat("/abcdefghijklmnopqrstuvwxyz"
	    "01234", WIRE_NAME_MAX_BYTES / 32, "")), 0);
	assert_int_equal(path_check_name(repeat("/abcdefghijklmnopqrstuvwxyz"
	    "01234", WIRE_NAME_MAX_BYTES / 32, "x")), ERR_LIMIT);
}

#define UP4	"../../../../"

/* P-034, P-036, P-037 */
static const struct {
	const char *name, *target;
	int want;
	bool is_system;
	const char *resolved;
} links[] = {
	{ "/w/a.h", "b.h", 0, false, "/w/b.h" },
	{ "/w/x/a.h", "../y/b.h", 0, false, "/w/y/b.h" },
	{ "/w/x/a.h", ".././y//b/", 0, false, "/w/y/b" },
	{ "/w/a.h", "../b.h", 0, false, "/b.h" },
	{ "/w/a", "..", 0, false, "/" },
	{ "/a", "b", 0, false, "/b" },
	{ "/w/a.h", "/w/sub/a.h", 0, false, "/w/sub/a.h" },
	{ "/w/a.h", "/w/../x", 0, false, "/x" },
	{ "/w/a", "/", 0, false, "/" },
	{ "/usr/include", UP4 "usr/include", 0, true, "/usr/include" },
	{ "/usr/lib/gcc/12/include", UP4 UP4 "usr/lib/gcc/12/include", 0, true,
	    "/usr/lib/gcc/12/include" },
	{ "/w/x", UP4 "etc/passwd", 0, true, "/etc/passwd" },
	{ "/a", "..", 0, true, "/" },
	{ "/w/a", "b/../../../c", 0, true, "/c" },
	{ "/w/a", "/../x", 0, true, "/x" },
	{ "/w/a", "", ERR_SYNTAX, false, "" },
	{ "w/a", "b", ERR_SYNTAX, false, "" },
	{ "/w/../a", "b", ERR_SYNTAX, false, "" },
};

static void
test_link(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		char resolved[WIRE_NAME_MAX_BYTES + 1];
		bool is_system;
		int r = path_check_link(links[i].name, links[i].target,
		    &is_system, resolved, sizeof(resolved));

		if (r != links[i].want)
			fail_msg("row %zu: %d", i, r);
		if (r < 0)
			continue;
		assert_string_equal(resolved, links[i].resolved);
		if (is_system != links[i].is_system)
			fail_msg("row %zu: system %d", i, is_system);
	}
}

static void
test_link_limits(void **state)
{
	char resolved[WIRE_NAME_MAX_BYTES + 1];
	bool is_system;

	(void)state;
	assert_int_equal(path_check_link("/w", repeat("a/", PATH_DEPTH_MAX,
	    ""), &is_system, resolved, sizeof(resolved)), 0);
	assert_int_equal(path_check_link("/w/x", repeat("a/", PATH_DEPTH_MAX,
	    ""), &is_system, resolved, sizeof(resolved)), ERR_LIMIT);
	assert_int_equal(path_check_link("/w", repeat("./", 2049, ""),
	    &is_system, resolved, sizeof(resolved)), ERR_LIMIT);
	assert_int_equal(path_check_link("/w", repeat("a", PATH_PART_MAX + 1,
	    ""), &is_system, resolved, sizeof(resolved)), ERR_LIMIT);
	/* no room: "/w/ab" and its NUL are six bytes */
	assert_int_equal(path_check_link("/w/a", "ab", &is_system, resolved,
	    6), 0);
	assert_int_equal(path_check_link("/w/a", "ab", &is_system, resolved,
	    5), ERR_LIMIT);
	assert_int_equal(path_check_link("/w/a", "b", &is_system, resolved,
	    1), ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_name_limits),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
