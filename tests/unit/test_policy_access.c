/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "policy/access.h"

enum verdict { ALLOWED, DENIED, BAD };

static const struct row {
	const char *mask, *peer;
	enum verdict verdict;
} rows[] = {
	/* as distcc */
	{ "127.0.0.1", "127.0.0.1", ALLOWED },
	{ "127.0.0.1", "127.0.0.0", DENIED },
	{ "127.0.0.1", "127.0.0.2", DENIED },
	{ "127.0.0.1/8", "127.0.0.2", ALLOWED },
	{ "10.113.0.0/16", "10.113.45.67", ALLOWED },
	{ "10.113.0.0/16", "10.11.45.67", DENIED },
	{ "10.113.0.0/16", "127.0.0.1", DENIED },
	{ "1.2.3.4/0", "4.3.2.1", ALLOWED },
	{ "1.2.3.4/40", "4.3.2.1", BAD },
	{ "1.2.3.4.5.6.7/8", "127.0.0.1", BAD },
	{ "1.2.3.4/8", "4.3.2.1", DENIED },
	{ "192.168.1.64/28", "192.168.1.70", ALLOWED },
	{ "192.168.1.64/28", "192.168.1.7", DENIED },
	{ "192.168.1.64/28", "192.168.1.79", ALLOWED },
	{ "192.168.1.64/28", "192.168.1.80", DENIED },
	{ "172.16.0.0/12", "172.31.255.255", ALLOWED },
	{ "172.16.0.0/12", "172.32.0.0", DENIED },
	{ "10.0.0.1/32", "10.0.0.1", ALLOWED },
	{ "10.0.0.1/32", "10.0.0.2", DENIED },
	{ "10.0.0.0/31", "10.0.0.1", ALLOWED },
	{ "10.0.0.0/31", "10.0.0.2", DENIED },
	{ "0.0.0.0/0", "9.9.9.9", ALLOWED },
	{ "10.1.2.3/", "10.1.2.3", ALLOWED },
	{ "10.1.2.3/", "10.1.2.4", DENIED },
	{ "10.1.2.3/33", "1.1.1.1", BAD },
	{ "10.1.2.3/-1", "1.1.1.1", BAD },
	{ "10.0.0.0/255.0.0.0", "10.1.1.1", BAD },
	{ "10.2", "10.0.0.2", ALLOWED },
	{ "127.1", "127.0.0.1", ALLOWED },
	{ "", "1.1.1.1", BAD },
	{ "256.1.1.1", "1.1.1.1", BAD },
	{ "localhost", "127.0.0.1", BAD },
	/* distcc reads these widths as 0 or 8 and lets peers in; we refuse */
	{ "10.1.2.3/x", "1.1.1.1", BAD },
	{ "10.0.0.0/8x", "10.1.1.1", BAD },
	{ "10.0.0.0/ 8", "10.1.1.1", BAD },
	{ "10.0.0.0/+8", "10.1.1.1", BAD },
	{ "10.0.0.0/0x8", "10.1.1.1", BAD },
	{ "10.0.0.0/8/8", "10.1.1.1", BAD },
	{ "10.0.0.0/4294967304", "10.1.1.1", BAD },
	{ "10.0.0.0/08", "10.1.1.1", ALLOWED },
	{ "10.0.0.1 x", "10.0.0.1", BAD },
	{ " 10.0.0.1", "10.0.0.1", BAD },
	{ "/8", "10.0.0.1", BAD },
	{ "/", "10.0.0.1", BAD },
	/* IPv6, which distcc has in some builds only */
	{ "::1", "127.0.0.1", DENIED },
	{ "::1/128", "127.0.0.1", DENIED },
	{ "::/0", "127.0.0.1", DENIED },
	{ "::1", "::1", ALLOWED },
	{ "::1/", "::1", ALLOWED },
	{ "::/0", "2001:db8::1", ALLOWED },
	{ "2001:db8::/32", "2001:db8:ffff::1", ALLOWED },
	{ "2001:db8::/32", "2001:db9::1", DENIED },
	{ "2001:db8::/33", "2001:db8:7fff::1", ALLOWED },
	{ "2001:db8::/33", "2001:db8:8000::1", DENIED },
	{ "::1/129", "::1", BAD },
	{ "fe80::1%eth0", "fe80::1", BAD },
	{ "[::1]", "::1", BAD },
	/* a dual socket's IPv4 peer is an IPv4 peer */
	{ "10.0.0.0/8", "::ffff:10.1.1.1", ALLOWED },
	{ "10.0.0.0/8", "::ffff:11.1.1.1", DENIED },
	{ "::/0", "::ffff:10.1.1.1", DENIED },
	{ "10.0.0.0/8", "::10.1.1.1", DENIED },
};

static void
make_peer(const char *text, struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(ss, &in, sizeof(in));
		return;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	memcpy(ss, &in6, sizeof(in6));
}

static enum verdict
judge(const char *mask, const char *peer)
{
	struct access_rule rule;
	struct sockaddr_storage ss;

	if (access_parse(mask, &rule) < 0)
		return BAD;
	make_peer(peer, &ss);
	return access_allows(&rule, 1, (struct sockaddr *)&ss) ?
	    ALLOWED : DENIED;
}

static void
access_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		if (judge(rows[i].mask, rows[i].peer) != rows[i].verdict)
			fail_msg("mask \"%s\", peer %s", rows[i].mask,
			    rows[i].peer);
	}
}

static bool
is_private(const char *peer)
{
	struct sockaddr_storage ss;
	size_t n;
	const struct access_rule *rules = access_private(&n);

	make_peer(peer, &ss);
	return access_allows(rules, n, (struct sockaddr *)&ss);
}

static void
access_private_rows(void **state)
{
	static const char *const in[] = {
		"127.0.0.1", "10.255.0.1", "172.16.0.1", "172.31.0.1",
		"192.168.3.4", "169.254.1.1", "::1", "fc00::1", "fd12::1",
		"fe80::1", "::ffff:10.0.0.1",
	};
	static const char *const out[] = {
		"128.0.0.1", "11.0.0.1", "172.15.0.1", "172.32.0.1",
		"192.169.0.1", "8.8.8.8", "::2", "fe00::1", "fec0::1",
		"2001:db8::1", "::ffff:8.8.8.8", "::",
	};

	(void)state;
	for (size_t i = 0; i < NELEM(in); i++)
		assert_true(is_private(in[i]));
	for (size_t i = 0; i < NELEM(out); i++)
		assert_false(is_private(out[i]));
}

static void
access_other_families(void **state)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct access_rule rule;

	(void)state;
	assert_int_equal(access_parse("0.0.0.0/0", &rule), 0);
	assert_false(access_allows(&rule, 1, &sa));
	assert_int_equal(access_rule_from_addr(&sa, 0, &rule),
	    ERR_UNSUPPORTED);
}

static void
access_names(void **state)
{
	struct sockaddr_storage ss;
	struct access_rule rule;
	unsigned int bits;

	(void)state;
	assert_int_equal(access_parse_bits("24", AF_INET, &bits), 0);
	assert_int_equal(bits, 24);
	assert_int_equal(access_parse_bits("33", AF_INET, &bits), ERR_SYNTAX);
	assert_int_equal(access_parse_bits("", AF_INET, &bits), ERR_SYNTAX);
	assert_int_equal(access_parse_bits("128", AF_INET6, &bits), 0);
	make_peer("10.1.2.3", &ss);
	assert_int_equal(access_rule_from_addr((struct sockaddr *)&ss, 33,
	    &rule), ERR_SYNTAX);
	assert_int_equal(access_rule_from_addr((struct sockaddr *)&ss, 24,
	    &rule), 0);
	make_peer("10.1.2.99", &ss);
	assert_true(access_allows(&rule, 1, (struct sockaddr *)&ss));
	assert_false(access_allows(&rule, 0, (struct sockaddr *)&ss));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_rows),
		cmocka_unit_test(access_private_rows),
		cmocka_unit_test(access_other_families),
		cmocka_unit_test(access_names),
	};

	return cmocka_run_group_tests_name("policy/access", tests, NULL, NULL);
}
