/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <stdlib.h>
#include <string.h>

#include "wire/lzo.h"

static void
fill(unsigned char *p, size_t len, int is_random)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < len; i++) {
		x = x * 1103515245U + 12345U;
		p[i] = is_random ? (unsigned char)(x >> 16) : ' ';
	}
}

static void
round_trip(size_t len, int is_random)
{
	unsigned char *plain = malloc(len + 1), *back = malloc(len + 1);
	unsigned char *packed = malloc(lzo_bound(len));
	size_t n, m;

	assert_true(plain != NULL && back != NULL && packed != NULL);
	fill(plain, len, is_random);
	assert_int_equal(lzo_pack(plain, len, packed, &n), 0);
	assert_true(n <= lzo_bound(len));
	assert_int_equal(lzo_unpack(packed, n, back, len, &m), 0);
	assert_int_equal(m, len);
	assert_memory_equal(back, plain, len);
	free(plain);
	free(back);
	free(packed);
}

static void
test_round_trip(void **state)
{
	static const size_t lens[] = { 1, 2, 3, 17, 255, 4096, 49152, 49153,
	    1000003 };

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		round_trip(lens[i], 0);
		round_trip(lens[i], 1);
	}
}

/* P-062 */
static void
test_empty(void **state)
{
	unsigned char room[1] = { 7 };
	size_t n = 99;

	(void)state;
	assert_int_equal(lzo_pack("", 0, room, &n), 0);
	assert_int_equal(n, 0);
	n = 99;
	assert_int_equal(lzo_unpack("", 0, room, 0, &n), 0);
	assert_int_equal(n, 0);
	/* a packed nothing, which nobody sends, is still a valid block */
	assert_int_equal(lzo_unpack("\x11\0\0", 3, room, 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(room[0], 7);
}

/* P-064: a bomb stops at the cap, and nothing is written behind it */
static void
test_cap(void **state)
{
	const size_t len = 4 * 1024 * 1024, cap = 64 * 1024;
	unsigned char *plain = malloc(len), *packed = malloc(lzo_bound(len));
	unsigned char *room = malloc(cap + 64);
	size_t n, m;

	(void)state;
	assert_true(plain != NULL && packed != NULL && room != NULL);
	fill(plain, len, 0);
	memset(room, 0x5a, cap + 64);
	assert_int_equal(lzo_pack(plain, len, packed, &n), 0);
	assert_true(n < len / 100);
	assert_int_equal(lzo_unpack(packed, n, room, cap, &m), ERR_LIMIT);
	assert_int_equal(m, 0);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(room[cap + i], 0x5a);
	assert_int_equal(lzo_unpack(packed, n, plain, len - 1, &m), ERR_LIMIT);
	assert_int_equal(lzo_unpack(packed, n, plain, len, &m), 0);
	free(plain);
	free(packed);
	free(room);
}

static void
test_corrupt(void **state)
{
	unsigned char packed[256], room[256];
	size_t n, m;

	(void)state;
	assert_int_equal(lzo_pack("int a; int b; int a; int b;", 27, packed,
	    &n), 0);
	/* cut anywhere */
	for (size_t i = 1; i < n; i++)
		assert_int_equal(lzo_unpack(packed, i, room, sizeof(room), &m),
		    ERR_COMPRESSED);
	/* with a byte behind it */
	packed[n] = 0;
	assert_int_equal(lzo_unpack(packed, n + 1, room, sizeof(room), &m),
	    ERR_COMPRESSED);
	/* a match before the beginning */
	assert_int_equal(lzo_unpack("\x12""A\x40\x7f\x11\0\0", 7, room,
	    sizeof(room), &m), ERR_COMPRESSED);
	assert_int_equal(m, 0);
}

static void
test_bound(void **state)
{
	(void)state;
	assert_true(lzo_bound(0) >= 3);
	assert_true(lzo_bound(1000) > 1000);
	assert_true(lzo_bound(SIZE_MAX) == SIZE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
