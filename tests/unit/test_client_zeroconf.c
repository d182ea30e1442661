/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/zeroconf/found.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those before */
#include <cmocka.h>

#include "client/zeroconf/found.h"

static struct found_list list;

static int
put(int interface, int protocol, const char *name, const char *address,
    unsigned int port)
{
	struct found f = { .interface = interface, .protocol = protocol,
	    .port = port, .slots = 4, .is_ipv6 = strchr(address, ':') != NULL };

	(void)snprintf(f.name, sizeof(f.name), "%s", name);
	(void)snprintf(f.address, sizeof(f.address), "%s", address);
	return found_put(&list, &f);
}

static void
check(const char *expected)
{
	struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(found_print(&list, &b), 0);
	assert_string_equal(buf_str(&b), expected);
	buf_free(&b);
}

static int
clear(void **state)
{
	(void)state;
	list.n = 0;
	return 0;
}

static void
test_one_entry_a_server(void **state)
{
	(void)state;
	check("");
	assert_int_equal(put(2, 1, "a", "fe80::1%2", 3632), 0);
	check("[fe80::1%2]:3632/4\n");
	assert_int_equal(put(3, 1, "a", "2001:db8::1", 3632), 0);
	check("[2001:db8::1]:3632/4\n");
	assert_int_equal(put(2, 0, "a", "10.0.0.9", 3632), 0);
	check("10.0.0.9:3632/4\n");
	assert_int_equal(put(3, 0, "a", "10.1.0.9", 3632), 0);
	check("10.0.0.9:3632/4\n");
	/* another server; and the first under another name */
	assert_int_equal(put(2, 0, "b", "10.0.0.8", 4000), 0);
	assert_int_equal(put(2, 0, "c", "10.0.0.8", 4000), 0);
	check("10.0.0.8:4000/4\n10.0.0.9:3632/4\n");
	found_remove(&list, 2, 0, "a");
	check("10.0.0.8:4000/4\n10.1.0.9:3632/4\n");
	found_remove(&list, 9, 0, "a");
	found_remove(&list, 2, 0, "b");
	found_remove(&list, 2, 0, "c");
	check("10.1.0.9:3632/4\n");
}

static void
test_same_key_replaces(void **state)
{
	(void)state;
	assert_int_equal(put(2, 0, "a", "10.0.0.9", 1), 0);
	assert_int_equal(put(2, 0, "a", "10.0.0.7", 2), 0);
	check("10.0.0.7:2/4\n");
	assert_int_equal(list.n, 1);
}

static void
test_hostile(void **state)
{
	static const char *const addresses[] = {
		"", "h", "10.0.0.1 @x:rm", "::1%", "::1%a b", "1,lzo", "1\n2",
		"-1", "@1", "::1%x]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		assert_int_equal(put(1, 1, "x", addresses[i], 1), ERR_SYNTAX);
	assert_int_equal(put(1, 1, "x", "1.2.3.4", 0), ERR_SYNTAX);
	assert_int_equal(put(1, 1, "x", "1.2.3.4", 65536), ERR_SYNTAX);
	check("");
}

static void
test_full(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < FOUND_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(put(1, 0, name, "10.0.0.1",
		    (unsigned int)i + 1), 0);
	}
	assert_int_equal(put(1, 0, "more", "10.0.0.1", 600), ERR_LIMIT);
	assert_int_equal(put(1, 0, "n7", "10.0.0.1", 601), 0);
}

static void
test_slots(void **state)
{
	(void)state;
	assert_int_equal(found_slots("6", "2"), 6);
	assert_int_equal(found_slots(NULL, "2"), 2);
	assert_int_equal(found_slots("x", "2"), 2);
	assert_int_equal(found_slots("-3", "0"), FOUND_SLOTS_DEFAULT);
	assert_int_equal(found_slots("", NULL), FOUND_SLOTS_DEFAULT);
	assert_int_equal(found_slots("99999999999999999999", NULL),
	    FOUND_SLOTS_MAX);
}

static void
test_machine(void **state)
{
	(void)state;
	assert_true(found_is_for(NULL, "x86_64"));
	assert_true(found_is_for("x86_64-linux-gnu", "x86_64"));
	assert_true(found_is_for("x86_64", "x86_64"));
	assert_false(found_is_for("aarch64-linux-gnu", "x86_64"));
	assert_false(found_is_for("x86-linux-gnu", "x86_64"));
	assert_false(found_is_for("", "x86_64"));
}

static void
test_version(void **state)
{
	(void)state;
	assert_true(found_is_version(NULL, "12"));
	assert_true(found_is_version("12", ""));
	assert_true(found_is_version("12", "12"));
	assert_false(found_is_version("13", "12"));
	assert_false(found_is_version("", "12"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_entry_a_server, clear),
		cmocka_unit_test_setup(test_same_key_replaces, clear),
		cmocka_unit_test_setup(test_hostile, clear),
		cmocka_unit_test_setup(test_full, clear),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
