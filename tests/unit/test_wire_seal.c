/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire_test.h"

#include <string.h>

#include "wire/auth.h"
#include "wire/seal.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static unsigned char client_nonce[AUTH_NONCE_BYTES] = { 1, 2, 3 };
static unsigned char server_nonce[AUTH_NONCE_BYTES] = { 4, 5, 6 };

static void
test_length(void **state)
{
	static const struct { const char *p; int r; uint32_t len; } rows[] = {
		{ "TLEN00000001", 0, 1 },
		{ "TLEN00010000", 0, 65536 },
		{ "TLEN00010001", ERR_LIMIT, 0 },
		{ "TLEN7fffffff", ERR_LIMIT, 0 },
		{ "TLENffffffff", ERR_LIMIT, 0 },
		{ "TLEN00000000", ERR_SYNTAX, 0 },
		{ "TLEN-0000001", ERR_SYNTAX, 0 },
		{ "TLEN 0x00001", ERR_SYNTAX, 0 },
		{ "TLEM00000001", ERR_SYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		uint32_t len = 0;

		assert_int_equal(auth_decode_length(
		    (const unsigned char *)rows[i].p, &len), rows[i].r);
		assert_int_equal(len, rows[i].len);
	}
}

static void
test_hello(void **state)
{
	struct buf b = BUF_INIT(1000);
	unsigned char nonce[AUTH_NONCE_BYTES];

	(void)state;
	assert_int_equal(auth_put_hello(&b, client_nonce), 0);
	assert_int_equal(b.len, AUTH_HELLO_BYTES);
	/* stock takes its first 12 bytes for a packet that it does not know */
	assert_memory_equal(b.ptr, "SEAL00000001NONC00000020", 24);
	assert_int_equal(auth_decode_hello(b.ptr, nonce), 0);
	assert_memory_equal(nonce, client_nonce, sizeof(nonce));
	b.ptr[11] = '2';
	assert_int_equal(auth_decode_hello(b.ptr, nonce), ERR_UNSUPPORTED);
	b.ptr[11] = '1';
	b.ptr[23] = '1';
	assert_int_equal(auth_decode_hello(b.ptr, nonce), ERR_SYNTAX);
	b.ptr[0] = 'X';
	assert_int_equal(auth_decode_hello(b.ptr, nonce), ERR_SYNTAX);
	buf_free(&b);
}

static void
test_bindings_differ(void **state)
{
	unsigned char plain[AUTH_BINDING_BYTES], a[AUTH_BINDING_BYTES],
	    b[AUTH_BINDING_BYTES];
	size_t n = auth_binding(NULL, plain), m = auth_binding(client_nonce, a);

	(void)state;
	assert_int_equal(auth_binding(server_nonce, b), m);
	assert_int_not_equal(n, m);
	assert_memory_not_equal(a, b, m);
}

static void
test_token_cap(void **state)
{
	static unsigned char big[AUTH_TOKEN_MAX_BYTES + 1];
	struct buf b = BUF_INIT(AUTH_TOKEN_MAX_BYTES + 100);

	(void)state;
	assert_int_equal(auth_put_token(&b, view_of(big, sizeof(big))),
	    ERR_LIMIT);
	assert_int_equal(auth_put_token(&b, view_of(big, 0)), ERR_LIMIT);
	assert_int_equal(auth_put_token(&b, view_of(big, sizeof(big) - 1)), 0);
	buf_free(&b);
}

/* --- records ------------------------------------------------------------- */

struct pair {
	struct seal client, server;
};

static void
start(struct pair *p)
{
	seal_init(&p->client, true, client_nonce, server_nonce);
	seal_init(&p->server, false, client_nonce, server_nonce);
}

/* One record from s, as the other side would have it after unwrapping. */
static void
record(struct seal *s, enum seal_kind kind, const char *text, struct buf *b)
{
	buf_reset(b);
	assert_int_equal(seal_put_head(s, kind, b), 0);
	assert_int_equal(buf_append_str(b, text), 0);
}

static int
check(struct seal *s, const struct buf *b, const char *text)
{
	struct view v = buf_view(b);
	int r = seal_check(s, &v);

	if (r >= 0)
		assert_view(v, text);
	return r;
}

static void
test_conversation(void **state)
{
	struct buf b = BUF_INIT(SEAL_PLAIN_MAX_BYTES);
	struct pair p;

	(void)state;
	start(&p);
	record(&p.client, SEAL_MORE, "one", &b);
	assert_int_equal(b.len, SEAL_HEAD_MAX_BYTES + 3);
	assert_int_equal(check(&p.server, &b, "one"), SEAL_MORE);
	record(&p.client, SEAL_LAST, "", &b);
	assert_int_equal(check(&p.server, &b, ""), SEAL_LAST);
	assert_true(p.server.read_last);
	assert_int_equal(seal_put_head(&p.client, SEAL_MORE, &b),
	    ERR_PROTOCOL);
	record(&p.server, SEAL_REFUSED, "no", &b);
	assert_int_equal(check(&p.client, &b, "no"), SEAL_REFUSED);
	assert_int_equal(check(&p.client, &b, ""), ERR_PROTOCOL);
	buf_free(&b);
}

static void
test_out_of_place(void **state)
{
	struct buf b = BUF_INIT(SEAL_PLAIN_MAX_BYTES), first = b, second = b;
	struct pair p;

	(void)state;
	start(&p);
	record(&p.client, SEAL_MORE, "0", &first);
	record(&p.client, SEAL_MORE, "1", &second);
	/* the second before the first; a reflection; then twice */
	assert_true(check(&p.server, &second, "1") < 0);
	assert_int_equal(check(&p.client, &first, "0"), ERR_PROTOCOL);
	assert_int_equal(check(&p.server, &first, "0"), SEAL_MORE);
	assert_int_equal(check(&p.server, &first, "0"), ERR_PROTOCOL);
	assert_int_equal(check(&p.server, &second, "1"), SEAL_MORE);
	/* a client does not refuse */
	start(&p);
	record(&p.client, SEAL_REFUSED, "", &b);
	assert_int_equal(check(&p.server, &b, ""), ERR_SYNTAX);
	buf_free(&b);
	buf_free(&first);
	buf_free(&second);
}

/* Only the last record may have nothing in it. */
static void
test_empty_record(void **state)
{
	struct buf b = BUF_INIT(SEAL_PLAIN_MAX_BYTES);
	struct pair p;

	(void)state;
	start(&p);
	record(&p.client, SEAL_MORE, "", &b);
	assert_int_equal(check(&p.server, &b, ""), ERR_PROTOCOL);
	start(&p);
	record(&p.client, SEAL_LAST, "", &b);
	assert_int_equal(check(&p.server, &b, ""), SEAL_LAST);
	buf_free(&b);
}

static void
test_other_session(void **state)
{
	struct buf b = BUF_INIT(SEAL_PLAIN_MAX_BYTES);
	struct pair p;
	struct seal other;

	(void)state;
	start(&p);
	record(&p.client, SEAL_LAST, "x", &b);
	seal_init(&other, false, server_nonce, server_nonce);
	assert_int_equal(check(&other, &b, "x"), ERR_PROTOCOL);
	seal_init(&other, false, client_nonce, client_nonce);
	assert_int_equal(check(&other, &b, "x"), ERR_PROTOCOL);
	for (size_t i = 0; i < b.len - 1; i++) {
		seal_init(&other, false, client_nonce, server_nonce);
		b.ptr[i] ^= 0x80;
		assert_true(check(&other, &b, "x") < 0);
		b.ptr[i] ^= 0x80;
	}
	for (b.len = 0; b.len < SEAL_HEAD_MAX_BYTES; b.len++) {
		seal_init(&other, false, client_nonce, server_nonce);
		assert_true(check(&other, &b, "") < 0);
	}
	buf_free(&b);
}

static void
test_record_length(void **state)
{
	static const struct { const char *p; int r; } rows[] = {
		{ "SREC00000001", 0 }, { "SREC00010000", 0 },
		{ "SREC00010001", ERR_LIMIT }, { "SRECffffffff", ERR_LIMIT },
		{ "SREC00000000", ERR_SYNTAX }, { "DIST00000001", ERR_SYNTAX },
		{ "TLEN00000001", ERR_SYNTAX },
	};
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++)
		assert_int_equal(seal_decode_length(
		    (const unsigned char *)rows[i].p, &len), rows[i].r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_bindings_differ),
		cmocka_unit_test(test_token_cap),
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_out_of_place),
		cmocka_unit_test(test_empty_record),
		cmocka_unit_test(test_other_session),
		cmocka_unit_test(test_record_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
