/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_auth - what comes before a name is proved, and what follows: the hello,
 * records' heads, and a displayed name against a rule.  (First byte: which.)
 */
#include "policy/principal.h"
#include "tests/fuzz/trace.h"
#include "wire/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_hello(const uint8_t *data, size_t size)
{
	unsigned char p[AUTH_HELLO_BYTES] = { 0 }, nonce[AUTH_NONCE_BYTES];
	struct buf again = BUF_INIT(sizeof(p));
	uint32_t len;

	memcpy(p, data, size < sizeof(p) ? size : sizeof(p));
	if (auth_decode_hello(p, nonce) == 0) {
		MUST(auth_put_hello(&again, nonce) == 0);
		MUST(again.len == sizeof(p));
		MUST(memcmp(again.ptr, p, TOKEN_NAME_LEN) == 0);
	}
	buf_free(&again);
	if (auth_decode_length(p, &len) == 0)
		MUST(len >= 1 && len <= AUTH_TOKEN_MAX_BYTES);
	if (seal_decode_length(p, &len) == 0)
		MUST(len >= 1 && len <= SEAL_RECORD_MAX_BYTES);
}

/* A record is accepted only if our own writer would have written its head. */
static void
check_record(const uint8_t *data, size_t size)
{
	static const unsigned char client[AUTH_NONCE_BYTES] = { 'c' },
	    server[AUTH_NONCE_BYTES] = { 's' };
	struct buf want = BUF_INIT(SEAL_RECORD_MAX_BYTES);
	struct seal reader, writer;
	struct view v;
	int kind;

	seal_init(&reader, false, client, server);
	seal_init(&writer, true, client, server);
	for (v = view_of(data, size); v.len != 0;) {
		struct view before = v;

		kind = seal_check(&reader, &v);
		if (kind < 0)
			break;
		buf_reset(&want);
		MUST(seal_put_head(&writer, (enum seal_kind)kind, &want) == 0);
		MUST(before.len - v.len == want.len);
		MUST(memcmp(before.ptr, want.ptr, want.len) == 0);
	}
	buf_free(&want);
}

/* A rule that is a name covers that name and, with its realm, no other. */
static void
check_principal(const uint8_t *data, size_t size)
{
	struct principal_list l = { 0 };
	char name[PRINCIPAL_BYTES];
	size_t line, len;

	if (principal_add_lines(&l, view_of(data, size), &line) == 0 &&
	    l.n > 1) {
		len = strlen(l.rule[0]);
		memcpy(name, l.rule[0], len + 1);
		(void)principal_matches(l.rule[1], name, "R");
		if (principal_matches("*@*", name, "R"))
			MUST(principal_matches(name, name, "R"));
		if (principal_judge(&l, &l, name, "R") == NULL)
			MUST(!principal_matches(name, name, "R"));
		(void)principal_is_service(l.rule[1], name);
	}
	principal_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		check_hello(data + 1, size - 1);
		break;
	case 1:
		check_record(data + 1, size - 1);
		break;
	default:
		check_principal(data + 1, size - 1);
		break;
	}
	return 0;
}
