/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <string.h>

#include "tests/fuzz/trace.h"
#include "wire/lzo.h"
#include "wire/reply.h"

static int
run(const char *text, unsigned int protocol, uint64_t body_max, char why[96])
{
	struct reply *r = reply_new(protocol);
	struct view in = view_str(text);
	int event, last = REPLY_MORE;

	assert_non_null(r);
	reply_set_body_max(r, body_max);
	do {
		event = reply_feed(r, &in);
		if (event != REPLY_MORE)
			last = event;
	} while (event > REPLY_MORE);
	(void)snprintf(why, 96, "%s", reply_why(r));
	reply_free(r);
	return last;
}

#define OK1	"DONE00000001STAT00000000"
#define OK3	"DONE00000003STAT00000000"
#define BAD1	"DONE00000001STAT00000100"
#define BAD3	"DONE00000003STAT00000100"
#define QUIET	"SERR00000000SOUT00000000"

static const struct {
	const char *text;
	unsigned int protocol;
	int last;
} rows[] = {
	{ OK1 QUIET "DOTO00000002ab", 1, REPLY_DONE },
	{ OK1 QUIET "DOTO00000000", 1, REPLY_DONE },	/* P-046 */
	{ OK1 QUIET "DOTO00000002a", 1, REPLY_BODY },
	{ OK1 "SERR00000002hiSOUT00000000", 1, REPLY_PART_END },
	{ OK1, 1, REPLY_STATUS },
	{ "DONE00000001", 1, REPLY_STARTED },
	{ "DONE0000000", 1, REPLY_MORE },
	{ BAD1 QUIET "DOTO00000000", 1, REPLY_DONE },
	/* P-047 */
	{ OK3 QUIET "DOTO00000000", 3, REPLY_PART_END },
	{ OK3 QUIET "DOTO00000000DOTD00000001x", 3, REPLY_DONE },
	{ BAD3 QUIET "DOTO00000000", 3, REPLY_DONE },
	{ BAD3 QUIET "DOTO00000000DOTD00000000", 3, ERR_SYNTAX },
	{ OK1 QUIET "DOTO00000000DOTD00000000", 1, ERR_SYNTAX },
	/* P-041, P-042, P-045 */
	{ "DONE00000002", 1, ERR_PROTOCOL },
	{ "DONE00000001STAT0000ffff", 1, REPLY_STATUS },
	{ "DONE00000001STAT00010000", 1, ERR_LIMIT },
	{ BAD1 QUIET "DOTO00000001x", 1, ERR_PROTOCOL },
	/* P-005, P-006 */
	{ "STAT00000000", 1, ERR_SYNTAX },
	{ "DONE00000001SERR00000000", 1, ERR_SYNTAX },
	{ OK1 "SOUT00000000", 1, ERR_SYNTAX },
	{ OK1 "SERR00000000DOTO00000000", 1, ERR_SYNTAX },
	{ OK1 QUIET "DOTO00000000x", 1, ERR_SYNTAX },
	{ "distccd: bad\n", 1, ERR_SYNTAX },
	/* P-048 */
	{ OK1 "SERR40000000", 1, REPLY_PART },
	{ OK1 "SERR40000001", 1, ERR_LIMIT },
	{ OK1 QUIET "DOTOffffffff", 1, ERR_LIMIT },
};

static void
test_rows(void **state)
{
	char why[96];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int last = run(rows[i].text, rows[i].protocol,
		    WIRE_BODY_MAX_BYTES, why);

		if (last != rows[i].last)
			fail_msg("row %zu, %s: %d, want %d", i, rows[i].text,
			    last, rows[i].last);
	}
}

static void
test_body_max(void **state)
{
	static const char text[] = OK1 "SERR00000003abcSOUT00000000"
	    "DOTO00000003def";
	char why[96];

	(void)state;
	/* the cap is for each part, not for their sum */
	assert_int_equal(run(text, 1, 3, why), REPLY_DONE);
	assert_int_equal(run(text, 1, 2, why), ERR_LIMIT);
	assert_string_equal(why, "SERR: more bytes than allowed");
	assert_int_equal(run(OK1 "SERR40000001", 1, UINT64_MAX, why),
	    ERR_LIMIT);
}

static void
test_why(void **state)
{
	char why[96];

	(void)state;
	(void)run("DONE00000001STAT7fffffff", 1, 1, why);
	assert_string_equal(why, "STAT: no wait status");
	(void)run(OK1 QUIET "DOTO00000000x", 1, 1, why);
	assert_string_equal(why, "end of the reply: more bytes follow");
	(void)run(OK1 "SERR00000000" "DOTO00000000", 1, 1, why);
	assert_string_equal(why, "SOUT: another packet came instead");
}

/* Collect the parts of a whole recording. */
static void
collect(const char *name, unsigned int protocol, struct buf parts[4],
    uint32_t *status)
{
	struct reply *r = reply_new(protocol);
	struct view in;
	struct buf b;
	int event;

	load(&b, name);
	in = buf_view(&b);
	for (size_t i = 0; i < 4; i++)
		buf_init(&parts[i], DATA_MAX_BYTES);
	while ((event = reply_feed(r, &in)) != REPLY_DONE) {
		struct view v = reply_chunk(r);

		if (event <= 0)
			fail_msg("%s: %d %s", name, event, reply_why(r));
		if (event == REPLY_BODY)
			assert_int_equal(buf_append(&parts[reply_part(r)],
			    v.ptr, v.len), 0);
	}
	*status = reply_status(r);
	reply_free(r);
	buf_free(&b);
}

static void
free_parts(struct buf parts[4])
{
	for (size_t i = 0; i < 4; i++)
		buf_free(&parts[i]);
}

static void
test_stock_plain(void **state)
{
	struct buf parts[4];
	uint32_t status;

	(void)state;
	collect("reply-p1_ok.bin", 1, parts, &status);
	assert_int_equal(status, 0);
	assert_int_equal(parts[REPLY_SERR].len, 0);
	assert_memory_equal(parts[REPLY_DOTO].ptr, "\177ELF", 4);
	free_parts(parts);
	collect("reply-p1_fail.bin", 1, parts, &status);
	assert_int_equal(status, 0x100);
	assert_view(buf_view(&parts[REPLY_SERR]), "bad.c:1:9: error: expected "
	    "expression before ';' token\n");
	assert_int_equal(parts[REPLY_DOTO].len, 0);
	free_parts(parts);
}

static void
test_stock_packed(void **state)
{
	struct buf parts[4];
	char plain[8192];
	uint32_t status;
	size_t n;

	(void)state;
	collect("reply-p3_ok.bin", 3, parts, &status);
	assert_int_equal(status, 0);
	assert_int_equal(lzo_unpack(parts[REPLY_DOTO].ptr,
	    parts[REPLY_DOTO].len, plain, sizeof(plain), &n), 0);
	assert_memory_equal(plain, "\177ELF", 4);
	assert_int_equal(lzo_unpack(parts[REPLY_DOTD].ptr,
	    parts[REPLY_DOTD].len, plain, sizeof(plain), &n), 0);
	assert_view(view_of(plain, n), "hello.o: hello.c greet.h\n");
	free_parts(parts);
	collect("reply-p3_fail.bin", 3, parts, &status);
	assert_int_equal(status, 0x100);
	assert_int_equal(parts[REPLY_DOTD].len, 0);
	free_parts(parts);
}

static void
test_cuts(void **state)
{
	static const char *const names[] = { "reply-p1_ok.bin",
	    "reply-p2_ok.bin", "reply-p3_ok.bin", "reply-p3_fail.bin" };
	static const unsigned int protocols[] = { 1, 2, 3, 3 };

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		struct buf b, whole, other;

		load(&b, names[k]);
		trace_reply(&whole, b.ptr, b.len, protocols[k],
		    WIRE_BODY_MAX_BYTES, (struct cut){ 0 });
		for (size_t i = 0; i < 2 * b.len; i++) {
			struct cut c = { .first = i / 2,
			    .is_direct = i % 2 != 0 };

			trace_reply(&other, b.ptr, b.len, protocols[k],
			    WIRE_BODY_MAX_BYTES, c);
			same_story(&whole, &other);
			buf_free(&other);
		}
		buf_free(&whole);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_body_max),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_stock_plain),
		cmocka_unit_test(test_stock_packed),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
