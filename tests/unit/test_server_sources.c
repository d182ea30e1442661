/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/listener/sources.c */
#include "tests/unit/wire_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "server/listener/sources.h"

static uint32_t
find(struct sources *s, const char *text, int64_t now)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	uint32_t index;

	memset(&u, 0, sizeof(u));
	u.sa.sa_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(u.sa.sa_family, text,
	    u.sa.sa_family == AF_INET ? (void *)&u.in.sin_addr :
	    (void *)&u.in6.sin6_addr), 1);
	assert_int_equal(sources_find(s, &u.sa, now, &index), 0);
	return index;
}

static void
test_what_is_one_source(void **state)
{
	struct sources s;

	(void)state;
	assert_int_equal(sources_init(&s, 16), 0);
	assert_int_equal(find(&s, "10.0.0.1", 0), find(&s, "10.0.0.1", 1));
	assert_int_not_equal(find(&s, "10.0.0.1", 0), find(&s, "10.0.0.2", 1));
	assert_int_equal(find(&s, "10.0.0.1", 0),
	    find(&s, "::ffff:10.0.0.1", 0));
	assert_int_equal(find(&s, "2001:db8:1:2::1", 0),
	    find(&s, "2001:db8:1:2:ffff:ffff:ffff:ffff", 0));
	assert_int_not_equal(find(&s, "2001:db8:1:2::1", 0),
	    find(&s, "2001:db8:1:3::1", 0));
	/* the first four bytes alone are no IPv4 address */
	assert_int_not_equal(find(&s, "a00:1::", 0), find(&s, "10.0.0.1", 0));
	sources_free(&s);
}

static void
test_penalties_grow_and_fade(void **state)
{
	const int64_t s_ms = 1000;
	struct sources s;
	uint32_t i;

	(void)state;
	assert_int_equal(sources_init(&s, 16), 0);
	i = find(&s, "10.0.0.1", 0);
	for (int n = 0; n < SOURCES_PENALTY_MIN_S - 1; n++)
		sources_penalise(&s, i, 1, 0);
	assert_false(sources_is_refused(&s, i, 0));
	sources_penalise(&s, i, 1, 0);
	assert_true(sources_is_refused(&s, i, 0));
	/* one second passes, and it is below the least again */
	assert_false(sources_is_refused(&s, i, s_ms));
	/* misdeeds that are far enough apart never add up */
	for (int64_t t = 1000; t < 2000; t += 5) {
		sources_penalise(&s, i, 4, t * s_ms);
		assert_false(sources_is_refused(&s, i, t * s_ms));
	}
	/* and there is a most */
	sources_penalise(&s, i, 1000000, 5000 * s_ms);
	assert_true(sources_is_refused(&s, i, 5000 * s_ms));
	assert_false(sources_is_refused(&s, i,
	    (5000 + SOURCES_PENALTY_MAX_S) * s_ms));
	sources_free(&s);
}

static void
test_table_is_full(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sources s;
	uint32_t a, b, c, index;

	(void)state;
	assert_int_equal(sources_init(&s, 2), 0);
	a = find(&s, "10.0.0.1", 0);
	b = find(&s, "10.0.0.2", 1);
	sources_enter(&s, a);
	sources_penalise(&s, b, 100, 1);
	/* the one without a connection goes, penalty or not */
	c = find(&s, "10.0.0.3", 2);
	assert_int_equal(c, b);
	assert_false(sources_is_refused(&s, c, 2));
	sources_enter(&s, c);
	in.sin_addr.s_addr = htonl(0x0a000004);
	assert_int_equal(sources_find(&s, (struct sockaddr *)&in, 3, &index),
	    ERR_LIMIT);
	sources_leave(&s, c);
	sources_leave(&s, c);
	assert_int_equal(sources_connections(&s, c), 0);
	assert_int_equal(sources_find(&s, (struct sockaddr *)&in, 3, &index),
	    0);
	sources_free(&s);
}

/* Where there is a choice, the penalised source is remembered. */
static void
test_penalty_is_not_flushed_out(void **state)
{
	struct sources s;
	uint32_t bad;

	(void)state;
	assert_int_equal(sources_init(&s, 4), 0);
	bad = find(&s, "10.0.0.1", 0);
	sources_penalise(&s, bad, 100, 0);
	for (int i = 2; i < 200; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "10.0.0.%d", i);
		(void)find(&s, text, i);
	}
	assert_true(sources_is_refused(&s, find(&s, "10.0.0.1", 300), 300));
	sources_free(&s);
}

/* A principal is one source wherever it comes from, and no address. */
static void
test_principals(void **state)
{
	struct sources s;
	uint32_t alice, again, other, n;
	char name[32];

	(void)state;
	assert_int_equal(sources_init(&s, 4), 0);
	assert_int_equal(sources_find_principal(&s, "alice@R", 1, &alice), 0);
	assert_int_equal(sources_find_principal(&s, "alice@S", 2, &other), 0);
	assert_int_not_equal(alice, other);
	sources_enter(&s, alice);
	for (uint32_t i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "user%u@R", i);
		assert_int_equal(sources_find_principal(&s, name, 3 + i, &n),
		    0);
		assert_int_not_equal(n, alice);
	}
	assert_int_equal(sources_find_principal(&s, "alice@R", 40, &again), 0);
	assert_int_equal(alice, again);
	assert_int_equal(sources_connections(&s, again), 1);
	sources_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_one_source),
		cmocka_unit_test(test_penalties_grow_and_fade),
		cmocka_unit_test(test_table_is_full),
		cmocka_unit_test(test_penalty_is_not_flushed_out),
		cmocka_unit_test(test_principals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
