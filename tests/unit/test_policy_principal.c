/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

#include "policy/principal.h"

#define REALM	"EXAMPLE.ORG"

static const struct row {
	const char *rule, *name;
	bool covers;
} rows[] = {
	{ "alice", "alice@EXAMPLE.ORG", true },
	{ "alice", "alice@OTHER.ORG", false },
	{ "alice@OTHER.ORG", "alice@OTHER.ORG", true },
	{ "alice@OTHER.ORG", "alice@EXAMPLE.ORG", false },
	{ "alice", "alicea@EXAMPLE.ORG", false },
	{ "alice", "alic@EXAMPLE.ORG", false },
	{ "Alice", "alice@EXAMPLE.ORG", false },
	{ "alice@example.org", "alice@EXAMPLE.ORG", false },
	{ "*", "alice@EXAMPLE.ORG", true },
	{ "*", "alice@OTHER.ORG", false },
	{ "*@*", "alice@OTHER.ORG", true },
	{ "*@*", "host/x@OTHER.ORG", false },
	{ "*/*@*", "host/x@OTHER.ORG", true },
	{ "*", "host/x@EXAMPLE.ORG", false },
	{ "*/admin", "alice/admin@EXAMPLE.ORG", true },
	{ "*/admin", "alice/admins@EXAMPLE.ORG", false },
	{ "*/admin", "alice@EXAMPLE.ORG", false },
	{ "al?ce", "alice@EXAMPLE.ORG", true },
	{ "al?ce", "al/ce@EXAMPLE.ORG", false },
	{ "a*c*e", "abracadabce@EXAMPLE.ORG", true },
	{ "a*c*e", "abracadabra@EXAMPLE.ORG", false },
	{ "*a*b/*c", "xaxbxb/c@EXAMPLE.ORG", true },
	{ "*.build", "node7.build@EXAMPLE.ORG", true },
	{ "**", "alice@EXAMPLE.ORG", true },
	/* a quoted "@" or "/" belongs to the name, and no pattern covers it */
	{ "*", "alice\\@EXAMPLE.ORG@OTHER.ORG", false },
	{ "alice@EXAMPLE.ORG", "alice\\@EXAMPLE.ORG@EXAMPLE.ORG", false },
	{ "*", "alice\\@EXAMPLE.ORG@EXAMPLE.ORG", false },
	{ "a\\@b@OTHER.ORG", "a\\@b@OTHER.ORG", true },
	{ "*/*", "host\\/x@EXAMPLE.ORG", false },
	{ "*", "@EXAMPLE.ORG", false },
	{ "*", "alice", false },
	{ "*", "alice@", false },
	{ "*@*", "", false },
};

static void
test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++)
		if (principal_matches(rows[i].rule, rows[i].name, REALM) !=
		    rows[i].covers)
			fail_msg("rule %s, name %s: want %d", rows[i].rule,
			    rows[i].name, rows[i].covers);
}

static void
test_no_default_realm(void **state)
{
	(void)state;
	assert_false(principal_matches("alice", "alice@EXAMPLE.ORG", ""));
	assert_true(principal_matches("alice@EXAMPLE.ORG",
	    "alice@EXAMPLE.ORG", ""));
}

/* A pattern of many stars takes no exponential time. */
static void
test_stars_are_cheap(void **state)
{
	char rule[PRINCIPAL_BYTES], name[PRINCIPAL_BYTES];

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		rule[i] = i % 2 == 0 ? '*' : 'a';
		name[i] = 'a';
	}
	memcpy(rule + 400, "b", 2);
	memcpy(name + 400, "@EXAMPLE.ORG", 13);
	assert_false(principal_matches(rule, name, REALM));
}

static int
add(struct principal_list *l, const char *text)
{
	return principal_add(l, view_str(text));
}

static void
test_add(void **state)
{
	static const char *const bad[] = { "", "a b", "a\tb", "a\nb", "@R",
	    "alice@", "a\x7f" };
	struct principal_list l = { 0 };
	char text[PRINCIPAL_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++)
		assert_int_equal(add(&l, bad[i]), ERR_SYNTAX);
	assert_int_equal(principal_add(&l, view_of("a\0b", 3)), ERR_SYNTAX);
	memset(text, 'a', sizeof(text) - 1);
	text[PRINCIPAL_BYTES] = '\0';
	assert_int_equal(add(&l, text), ERR_LIMIT);
	text[PRINCIPAL_BYTES - 1] = '\0';
	assert_int_equal(add(&l, text), 0);
	assert_int_equal(l.n, 1);
	principal_free(&l);
	assert_int_equal(l.n, 0);
}

static void
test_lines(void **state)
{
	struct principal_list l = { 0 };
	size_t line;

	(void)state;
	assert_int_equal(principal_add_lines(&l, view_str("# people\n"
	    "\n  alice\t\r\nbob@OTHER.ORG\n#carol\n*/admin"), &line), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.rule[0], "alice");
	assert_string_equal(l.rule[1], "bob@OTHER.ORG");
	assert_string_equal(l.rule[2], "*/admin");
	assert_int_equal(principal_add_lines(&l, view_str("a\nb\nc d\n"),
	    &line), ERR_SYNTAX);
	assert_int_equal(line, 3);
	principal_free(&l);
	assert_int_equal(principal_add_lines(&l, view_str(""), &line), 0);
	assert_int_equal(l.n, 0);
}

static void
test_judge(void **state)
{
	struct principal_list allow = { 0 }, deny = { 0 }, none = { 0 };

	(void)state;
	/* without rules: the default realm */
	assert_null(principal_judge(&none, &none, "alice@" REALM, REALM));
	assert_non_null(principal_judge(&none, &none, "alice@OTHER.ORG",
	    REALM));
	assert_non_null(principal_judge(&none, &none, "alice@OTHER.ORG", ""));
	assert_non_null(principal_judge(&none, &none, "alice", ""));
	assert_int_equal(add(&allow, "alice"), 0);
	assert_int_equal(add(&deny, "al*"), 0);
	assert_null(principal_judge(&allow, &none, "alice@" REALM, REALM));
	assert_non_null(principal_judge(&allow, &none, "bob@" REALM, REALM));
	/* deny wins */
	assert_non_null(principal_judge(&allow, &deny, "alice@" REALM, REALM));
	assert_null(principal_judge(&none, &deny, "bob@" REALM, REALM));
	principal_free(&allow);
	principal_free(&deny);
}

/* Whom no rule of their own names, but who are of the default realm. */
static void
test_judge_odd_names(void **state)
{
	static const char *const never[] = { "WELLKNOWN/ANONYMOUS@" REALM,
	    "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS",
	    "alice@WELLKNOWN:ANONYMOUS" };
	struct principal_list allow = { 0 }, none = { 0 };

	(void)state;
	assert_null(principal_judge(&none, &none, "a/b@" REALM, REALM));
	assert_non_null(principal_judge(&none, &none, "a\\@b@" REALM, REALM));
	assert_int_equal(add(&allow, "*/*@*"), 0);
	assert_int_equal(add(&allow, "*@*"), 0);
	assert_int_equal(add(&allow, "a\\@b"), 0);
	for (size_t i = 0; i < NELEM(never); i++) {
		assert_non_null(principal_judge(&none, &none, never[i],
		    REALM));
		assert_non_null(principal_judge(&allow, &none, never[i],
		    REALM));
	}
	assert_null(principal_judge(&allow, &none, "a/b@" REALM, REALM));
	assert_null(principal_judge(&allow, &none, "a\\@b@" REALM, REALM));
	principal_free(&allow);
}

static void
test_service(void **state)
{
	static const char target[] = "distcc/a.example.org@EXAMPLE.ORG";

	(void)state;
	assert_true(principal_is_service("distcc", target));
	assert_true(principal_is_service("distcc@a.example.org", target));
	assert_true(principal_is_service("distcc/a.example.org", target));
	assert_true(principal_is_service(target, target));
	assert_false(principal_is_service("host", target));
	assert_false(principal_is_service("dist", target));
	assert_false(principal_is_service("distccd", target));
	assert_false(principal_is_service("distcc@b.example.org", target));
	assert_false(principal_is_service("distcc@a", target));
	assert_false(principal_is_service("distcc/a.example.org@OTHER.ORG",
	    target));
	assert_false(principal_is_service("", target));
	assert_false(principal_is_service("distcc", "distcc@EXAMPLE.ORG"));
	assert_false(principal_is_service("distcc", "distcc"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_no_default_realm),
		cmocka_unit_test(test_stars_are_cheap),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_judge_odd_names),
		cmocka_unit_test(test_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
