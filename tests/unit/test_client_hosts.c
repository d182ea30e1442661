/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/hosts.c */
/* The host list's rows, one a known list; the refusals that differ on purpose
 * from other versions are marked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/hosts.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX_BYTES	512

/* "SLOTS KIND FIELDS" of each entry, joined by "; " */
static void
append_host(char *text, const struct host *h)
{
	size_t len = strlen(text);
	char *at = text + len;
	size_t room = TEXT_MAX_BYTES - len;
	const char *sep = len != 0 ? "; " : "";

	switch (h->kind) {
	case HOST_LOCAL:
		(void)snprintf(at, room, "%s%u LOCAL", sep, h->slots);
		break;
	case HOST_TCP:
		(void)snprintf(at, room, "%s%u TCP %s %u", sep, h->slots,
		    h->name, h->port);
		break;
	case HOST_SSH:
		(void)snprintf(at, room, "%s%u SSH %s %s %s", sep, h->slots,
		    h->user != NULL ? h->user : "-", h->name,
		    h->command != NULL ? h->command : "-");
		break;
	}
}

static int
parse(const char *list, struct host_list *hosts, char *text, char *why)
{
	int r = hosts_parse(list, hosts, why);

	text[0] = '\0';
	for (size_t i = 0; r == 0 && i < hosts->n; i++)
		append_host(text, &hosts->host[i]);
	return r;
}

static const struct {
	const char *list;
	const char *parsed;	/* NULL: refused */
} rows[] = {
	/* promised refusals */
	{ "", NULL },
	{ "    ", NULL },
	{ "\t", NULL },
	{ "  @ ", NULL },
	{ ":", NULL },
	{ "mbp@", NULL },
	{ "angry::", NULL },
	{ ":4200", NULL },
	/* probed */
	{ "localhost", "2 LOCAL" },
	{ "localhost/5", "5 LOCAL" },
	{ "localhost=5", "4 TCP localhost=5 3632" },
	{ "localhost,lzo", "4 TCP localhost 3632" },
	{ "localhost:3632", "4 TCP localhost 3632" },
	{ "localhost/5,lzo", "5 LOCAL" },
	{ "localhost/0", NULL },
	{ "LOCALHOST", "4 TCP LOCALHOST 3632" },
	{ "localhost.foo", "4 TCP localhost.foo 3632" },
	{ "host:0", NULL },			/* on purpose: no such port */
	{ "host:1", "4 TCP host 1" },
	{ "host:65535", "4 TCP host 65535" },
	{ "host:65536", NULL },			/* on purpose */
	{ "host:99999", NULL },			/* on purpose */
	{ "host:4294967297", NULL },
	{ "host:x", NULL },
	{ "host:12x", NULL },
	{ "host: 12", NULL },
	{ "host:+12", NULL },
	{ "a:-1", NULL },			/* on purpose */
	{ "host/0", NULL },
	{ "host/x", NULL },
	{ "host/", NULL },
	{ "a/-3", NULL },			/* on purpose */
	{ "a/99999999999999999999", NULL },
	{ "host=7", "4 TCP host=7 3632" },
	{ "host/3/4", "4 TCP host 3632" },
	{ "host/3:5/6", "6 TCP host 5" },
	{ "host:5/3", "3 TCP host 5" },
	{ "host,cpp", NULL },
	{ "host,cpp,lzo", "4 TCP host 3632" },
	{ "host,lzo,cpp", "4 TCP host 3632" },
	{ "host,down", "4 TCP host 3632" },
	{ "host,foo", NULL },
	{ "host,auth", "4 TCP host 3632" },
	{ "host,auth=svc", "4 TCP host 3632" },
	{ "host,seal=svc,lzo", "4 TCP host 3632" },
	{ "host,lzo,", NULL },
	{ "host,lzo/3", "4 TCP host 3632" },
	{ "host,lzozzz", "4 TCP host 3632" },
	{ "[::1]", "4 TCP ::1 3632" },
	{ "[::1]:5/3,lzo", "3 TCP ::1 5" },
	{ "[fe80::1%eth0]/2", "2 TCP fe80::1%eth0 3632" },
	{ "[::1", NULL },
	{ "[]", NULL },
	{ "[../x]", NULL },
	{ "[::1]x", NULL },
	{ "::1", NULL },
	{ "u@h/3:cmd", "3 SSH u h cmd" },
	{ "u@h:cmd/3", "4 SSH u h cmd/3" },
	{ "u@h:cmd,lzo", "4 SSH u h cmd" },
	{ "u@h,lzo:cmd", "4 SSH u h -" },
	{ "@", NULL },
	{ "u@", NULL },
	{ "a b  c", "4 TCP a 3632; 4 TCP b 3632; 4 TCP c 3632" },
	{ "a\tb\nc", "4 TCP a 3632; 4 TCP b 3632; 4 TCP c 3632" },
	{ "a\r\nb", "4 TCP a 3632; 4 TCP b 3632" },
	{ "a\rb", "4 TCP a 3632; 4 TCP b 3632" },
	{ "a\x0c" "b", "4 TCP a 3632; 4 TCP b 3632" },
	{ "a #b", "4 TCP a 3632" },
	{ "a#b c", "4 TCP a 3632" },	/* on purpose: a comment like any */
	{ "#x", NULL },
	{ "#x\na", "4 TCP a 3632" },
	{ "a,lzo#x", "4 TCP a 3632" },
	{ "--randomize a", "4 TCP a 3632" },
	{ "--randomize", NULL },
	{ "--localslots=3 a", "4 TCP a 3632" },
	{ "--localslots=0 a", NULL },
	{ "--localslots=3x a", NULL },
	{ "--localslots=3", NULL },
	{ "--localslots_cpp=8 a", "4 TCP a 3632" },
	{ "--localslots a", "4 TCP a 3632" },
	{ "--localslots/3 a", "4 TCP a 3632" },
	{ "--foo a", "4 TCP --foo 3632; 4 TCP a 3632" },
	{ "+zeroconf", "" },	/* on purpose: a keyword in every build */
	{ "+zeroconf a", "4 TCP a 3632" },
	{ "a , b", NULL },
	{ "/3", NULL },
	{ ",lzo", NULL },
	{ "a:5:6", NULL },
	/* the promised long list, piece by piece */
	{ "127.0.0.1", "4 TCP 127.0.0.1 3632" },
	{ "@angry", "4 SSH - angry -" },
	{ "ted@angry", "4 SSH ted angry -" },
	{ "@angry:/home/mbp/bin/distccd", "4 SSH - angry /home/mbp/bin/distccd" },
	{ "angry:4204", "4 TCP angry 4204" },
	{ "ipv4-localhost", "4 TCP ipv4-localhost 3632" },
	{ "angry/44", "44 TCP angry 3632" },
	{ "angry:300/44", "44 TCP angry 300" },
	{ "angry/44:300", "44 TCP angry 300" },
	{ "angry:3000,lzo    # some comment", "4 TCP angry 3000" },
	{ "@angry,lzo#asdasd\n# oh yeah nothing here\nangry/44,lzo",
	  "4 SSH - angry -; 44 TCP angry 3632" },
	{ "@angry:/usr/sbin/distccd,lzo", "4 SSH - angry /usr/sbin/distccd" },
	{ "localhostbutnotreally", "4 TCP localhostbutnotreally 3632" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		char text[TEXT_MAX_BYTES], why[HOSTS_WHY_BYTES];
		struct host_list hosts;
		int r = parse(rows[i].list, &hosts, text, why);

		if ((r == 0) != (rows[i].parsed != NULL) ||
		    (r == 0 && strcmp(text, rows[i].parsed) != 0))
			fail_msg("\"%s\": %d \"%s\" %s", rows[i].list, r,
			    text, why);
		if (r < 0)
			assert_true(why[0] != '\0');
		hosts_free(&hosts);
	}
}

static void
test_refusal_names_the_place(void **state)
{
	char text[TEXT_MAX_BYTES], why[HOSTS_WHY_BYTES];
	struct host_list hosts;

	(void)state;
	assert_int_equal(parse("a b/2 # x\n c:99999", &hosts, text, why),
	    ERR_SYNTAX);
	assert_non_null(strstr(why, "entry 3 \"c:99999\""));
	assert_non_null(strstr(why, "1 to 65535"));
	hosts_free(&hosts);
	assert_int_equal(parse(" # nothing\n", &hosts, text, why), ERR_NOENT);
	hosts_free(&hosts);
}

static void
test_options(void **state)
{
	char text[TEXT_MAX_BYTES], why[HOSTS_WHY_BYTES];
	struct host_list l;

	(void)state;
	assert_int_equal(parse("a,lzo,cpp b,auth=svc,lzo c,down d,seal e",
	    &l, text, why), 0);
	assert_int_equal(l.n, 5);
	assert_true(l.host[0].is_compressed && l.host[0].has_cpp);
	assert_true(l.host[1].has_auth && l.host[1].is_compressed);
	assert_string_equal(l.host[1].auth_name, "svc");
	assert_string_equal(l.host[1].spec, "b,auth=svc,lzo");
	assert_true(l.host[2].is_down);
	assert_true(l.host[3].has_seal);
	assert_null(l.host[3].auth_name);
	assert_false(l.host[4].is_compressed || l.host[4].has_cpp ||
	    l.host[4].has_auth || l.host[4].has_seal || l.host[4].is_down);
	hosts_free(&l);
}

static void
test_keywords(void **state)
{
	char text[TEXT_MAX_BYTES], why[HOSTS_WHY_BYTES];
	struct host_list l;

	(void)state;
	assert_int_equal(parse("a", &l, text, why), 0);
	assert_false(l.randomize || l.zeroconf);
	assert_int_equal(l.localslots, HOSTS_DEFAULT_LOCALSLOTS);
	assert_int_equal(l.localslots_cpp, HOSTS_DEFAULT_LOCALSLOTS_CPP);
	hosts_free(&l);
	assert_int_equal(parse("--randomize --localslots=3 "
	    "--localslots_cpp/17 +zeroconf a", &l, text, why), 0);
	assert_true(l.randomize && l.zeroconf);
	assert_int_equal(l.localslots, 3);
	assert_int_equal(l.localslots_cpp, 17);
	hosts_free(&l);
}

static void
test_doubtful_lists_warn(void **state)
{
	static const char *const doubtful[] = { "a,lzo/3", "--foo a" };
	char text[TEXT_MAX_BYTES], why[HOSTS_WHY_BYTES];
	struct host_list l;

	(void)state;
	for (size_t i = 0; i < NELEM(doubtful); i++) {
		assert_int_equal(parse(doubtful[i], &l, text, why), 0);
		assert_true(l.warning[0] != '\0');
		hosts_free(&l);
	}
	assert_int_equal(parse("a/3,lzo", &l, text, why), 0);
	assert_string_equal(l.warning, "");
	hosts_free(&l);
}

static void
test_shuffle_keeps_all(void **state)
{
	char text[TEXT_MAX_BYTES], why[HOSTS_WHY_BYTES];
	struct host_list l;
	bool has_moved = false;

	(void)state;
	assert_int_equal(parse("a b c d e f g h", &l, text, why), 0);
	for (unsigned long seed = 1; seed < 20; seed++) {
		unsigned int seen = 0;

		hosts_shuffle(&l, seed);
		for (size_t i = 0; i < l.n; i++)
			seen |= 1U << (l.host[i].name[0] - 'a');
		assert_int_equal(seen, 0xff);
		has_moved = has_moved || l.host[0].name[0] != 'a';
	}
	assert_true(has_moved);
	hosts_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refusal_names_the_place),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_doubtful_lists_warn),
		cmocka_unit_test(test_shuffle_keeps_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
