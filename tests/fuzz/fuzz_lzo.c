/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_lzo - decompression stays in its room; packing loses nothing. */
#include "tests/fuzz/trace.h"
#include "wire/lzo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM	(256U * 1024)
#define GUARD	64U
#define MARK	0xa5

/*
 * The library is not instrumented, so writes beyond the room are looked for by
 * marks behind it.
 */
static int
unpack(const uint8_t *src, size_t len, size_t cap, uint8_t **out, size_t *n)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	int r;

	*out = malloc(cap + GUARD);
	MUST(copy != NULL && *out != NULL);
	if (len != 0)
		memcpy(copy, src, len);
	memset(*out, MARK, cap + GUARD);
	r = lzo_unpack(copy, len, *out, cap, n);
	free(copy);
	for (size_t i = 0; i < GUARD; i++)
		MUST((*out)[cap + i] == MARK);
	MUST(r == 0 ? *n <= cap : *n == 0);
	MUST(r == 0 || r == ERR_LIMIT || r == ERR_COMPRESSED);
	return r;
}

/* A valid block needs exactly its own length of room. */
static void
check_room(const uint8_t *src, size_t len, const uint8_t *plain, size_t n)
{
	uint8_t *out;
	size_t got;

	MUST(unpack(src, len, n, &out, &got) == 0);
	MUST(got == n && memcmp(out, plain, n) == 0);
	free(out);
	if (n == 0)
		return;
	MUST(unpack(src, len, n - 1, &out, &got) == ERR_LIMIT);
	free(out);
}

static void
check_round_trip(const uint8_t *plain, size_t len)
{
	size_t n, bound = lzo_bound(len);
	uint8_t *packed = malloc(bound + GUARD);

	MUST(packed != NULL);
	memset(packed, MARK, bound + GUARD);
	MUST(lzo_pack(plain, len, packed, &n) == 0);
	MUST(n <= bound && (n == 0) == (len == 0));
	for (size_t i = 0; i < GUARD; i++)
		MUST(packed[bound + i] == MARK);
	check_room(packed, n, plain, len);
	free(packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *plain;
	size_t n;

	if (unpack(data, size, ROOM, &plain, &n) == 0)
		check_room(data, size, plain, n);
	free(plain);
	check_round_trip(data, size);
	return 0;
}
