/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/lsdistcc/names.c client/probe.c */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/lsdistcc/names.h"
#include "client/probe.h"
#include "wire/request.h"

static void
patterns(void **unused)
{
	static const struct {
		const char *pattern;
		const char *name;	/* for 7; NULL: refused */
	} table[] = {
		{ "distcc%d", "distcc7" }, { "%d.example", "7.example" },
		{ "n%03d", "n007" }, { "n%i-a", "n7-a" }, { "n%u", "n7" },
		{ "100%%-%d", "100%-7" }, { "n%3d", "n  7" },
		{ "plain", NULL }, { "%d%d", NULL }, { "%s", NULL },
		{ "%n", NULL }, { "x%", NULL }, { "%", NULL },
		{ "%-3d", NULL }, { "%99999d", NULL }, { "%*d", NULL },
		{ "%ld", NULL }, { "% d", NULL }, { "%+d", NULL },
		{ "%%", NULL },
	};
	char name[NAMES_MAX_BYTES], longest[NAMES_MAX_BYTES + 8];

	(void)unused;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int r = names_format(table[i].pattern, 7, name);

		if (table[i].name == NULL) {
			assert_int_equal(r, ERR_SYNTAX);
		} else {
			assert_int_equal(r, 0);
			assert_string_equal(name, table[i].name);
		}
	}
	memset(longest, 'x', sizeof(longest) - 3);
	memcpy(longest + sizeof(longest) - 3, "%d", 3);
	assert_int_equal(names_format(longest, 7, name), ERR_LIMIT);
}

static void
host_words(void **unused)
{
	char out[32];

	(void)unused;
	assert_int_equal(names_print("h", 3632, out, sizeof(out)), 0);
	assert_string_equal(out, "h");
	assert_int_equal(names_print("h", 1, out, sizeof(out)), 0);
	assert_string_equal(out, "h:1");
	assert_int_equal(names_print("::1", 3632, out, sizeof(out)), 0);
	assert_string_equal(out, "[::1]");
	assert_int_equal(names_print("::1", 1, out, sizeof(out)), 0);
	assert_string_equal(out, "[::1]:1");
	assert_int_equal(names_print("long", 1, out, 4), ERR_LIMIT);
}

static struct sockaddr_storage
address(const char *text)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in4.sin_addr) == 1)
		a.in4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
		a.in6.sin6_family = AF_INET6;
	else
		fail();
	return a.any;
}

static void
networks(void **unused)
{
	static const struct {
		const char *a, *b;
		unsigned int bits;
		bool same;
	} table[] = {
		{ "10.1.2.3", "10.1.2.4", 24, true },
		{ "10.1.2.3", "10.1.3.3", 24, false },
		{ "10.1.2.3", "10.1.3.3", 23, true },
		{ "10.1.2.3", "10.1.2.3", 32, true },
		{ "10.1.2.2", "10.1.2.3", 32, false },
		{ "10.1.2.2", "10.1.2.3", 31, true },
		{ "10.1.2.2", "10.1.2.2", 33, false },
		{ "10.1.2.2", "fe80::1", 0, true },
		{ "10.1.2.2", "fe80::1", 1, false },
		{ "fe80::1", "fe80::2", 64, true },
		{ "fe80::1", "fe81::1", 16, false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sockaddr_storage a = address(table[i].a);
		struct sockaddr_storage b = address(table[i].b);

		assert_int_equal(names_same_net(&a, &b, table[i].bits),
		    table[i].same);
	}
}

/* Our own parser takes the probe's request as a whole job. */
static void
requests_are_whole(void **unused)
{
	(void)unused;
	for (unsigned int protocol = 1; protocol <= 3; protocol++) {
		struct request *r = request_new();
		struct buf b;
		struct view in;
		int e = REQUEST_MORE + 1;

		assert_int_equal(probe_request(protocol, "gcc-12", &b), 0);
		in = buf_view(&b);
		while (e >= 0 && e != REQUEST_DONE && e != REQUEST_MORE)
			e = request_feed(r, &in);
		assert_int_equal(e, REQUEST_DONE);
		assert_int_equal(in.len, 0);
		assert_int_equal(request_protocol(r), protocol);
		assert_string_equal(request_arg(r, 0), "gcc-12");
		request_free(r);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(host_words),
		cmocka_unit_test(networks),
		cmocka_unit_test(requests_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
