/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_token - a header is accepted only in its one spelling (P-001, P-002). */
#include <ctype.h>

#include "tests/fuzz/trace.h"
#include "wire/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same question asked in another way. */
static int
is_header(const uint8_t *p)
{
	static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char digits[] = "0123456789abcdefABCDEF";

	for (size_t i = 0; i < TOKEN_LEN; i++) {
		if (p[i] == '\0')
			return 0;
		if (strchr(i < TOKEN_NAME_LEN ? name : digits, p[i]) == NULL)
			return 0;
	}
	return 1;
}

static void
check_one(const uint8_t *data)
{
	unsigned char p[TOKEN_LEN], again[TOKEN_LEN];
	struct token t;

	memcpy(p, data, sizeof(p));
	if (token_decode(p, &t) < 0) {
		MUST(!is_header(p));
		return;
	}
	MUST(is_header(p));
	token_encode(again, t.name, t.val);
	MUST(memcmp(again, p, TOKEN_NAME_LEN) == 0);
	for (size_t i = TOKEN_NAME_LEN; i < TOKEN_LEN; i++)
		MUST(again[i] == (unsigned char)tolower(p[i]));
}

/* Gathered in pieces, headers are the same as in one. */
static void
check_gather(const uint8_t *data, size_t size, size_t step)
{
	struct token_gather g = { .have = 0 };
	struct token t, one;
	size_t at = 0, begin = 0;
	int r = 0;

	while (at < size && r >= 0) {
		size_t n = size - at < step ? size - at : step;
		struct view in = view_of(data + at, n);

		r = token_gather(&g, &in, &t);
		at += n - in.len;
		if (r == 0)
			continue;
		MUST(at == begin + TOKEN_LEN);
		MUST((r < 0) == (token_decode(data + begin, &one) < 0));
		if (r > 0)
			MUST(t.val == one.val && token_is(&t, one.name));
		begin = at;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + TOKEN_LEN <= size; i++)
		check_one(data + i);
	for (size_t step = 1; step <= TOKEN_LEN + 1; step++)
		check_gather(data, size, step);
	return 0;
}
