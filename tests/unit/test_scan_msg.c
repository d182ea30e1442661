/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/answer.c client/scan/atom.c client/scan/cond.c client/scan/engine.c client/scan/expand.c client/scan/facts.c client/scan/lex.c client/scan/macro.c client/scan/msg.c client/scan/notice.c client/scan/number.c client/scan/opts.c client/scan/recall.c client/scan/scan.c client/scan/search.c client/scan/source.c client/scan/text.c client/scan/record.c client/scan/replay.c client/scan/trace.c client/scan/tree.c client/scan/unit.c client/scan/watch.c */
#include "scan_test.h"

#include "client/scan/facts.h"
#include "client/scan/msg.h"

#define CAP	65536

static char word0[] = "gcc", word1[] = "-c", word2[] = "a b.c";
static char env0[] = "CPATH=/x", env1[] = "SECRET=1";
static char *argv_[] = { word0, word1, word2, NULL };
static char *env_[] = { env1, env0, NULL };

static void
put(struct buf *b, enum msg_kind kind)
{
	const struct scan_request req = { argv_, "/usr/bin/gcc", "/w", env_,
	    true };
	const struct msg_place place = { 1, 2, 3, 4 };

	assert_int_equal(msg_begin(b, kind), 0);
	assert_int_equal(msg_put_request(b, &req, &place), 0);
	if (kind == MSG_LEARN) {
		assert_int_equal(msg_put_bytes(b, view_str("q")), 0);
		assert_int_equal(msg_put_bytes(b, view_str("t")), 0);
	}
	msg_end(b, 0);
}

static void
test_request(void **state)
{
	struct buf b = BUF_INIT(CAP);
	struct msg_request m;
	enum msg_kind kind;
	struct view v;
	size_t len;

	(void)state;
	put(&b, MSG_LEARN);
	assert_int_equal(msg_get_header(b.ptr, &kind, &len), 0);
	assert_int_equal(kind, MSG_LEARN);
	assert_int_equal(len + MSG_HEADER_BYTES, b.len);
	v = view_of(b.ptr + MSG_HEADER_BYTES, len);
	assert_int_equal(msg_get_request(&v, kind, &m), 0);
	assert_string_equal(m.req.compiler, "/usr/bin/gcc");
	assert_string_equal(m.req.cwd, "/w");
	assert_string_equal(m.argv[2], "a b.c");
	assert_null(m.argv[3]);
	/* only what matters to the scanner leaves the client */
	assert_string_equal(m.env[0], "CPATH=/x");
	assert_null(m.env[1]);
	assert_true(view_equal(m.queries, "q"));
	assert_int_equal(m.place.cwd_ino, 4);
	assert_true(m.req.is_brief);
	msg_request_free(&m);
	buf_free(&b);
}

static void
test_answer(void **state)
{
	struct scan_entry entries[] = {
		{ SCAN_FILE, false, "/a", NULL, { 1, 2, 3, 4, 5 } },
		{ SCAN_SYMLINK, true, "/l", "../x", { 0, 0, 0, 0, 0 } },
		{ SCAN_DIRECTORY, false, "/d", NULL, { 0, 0, 0, 0, 0 } },
	};
	uint32_t numbers[] = { 1, UINT32_MAX };
	struct scan_answer a = { .outcome = SCAN_ANSWERED,
		.entries = entries, .n = 3, .why = "w", .directives = 9,
		.facts = 11, .search_path = "/i\n/j\n", .rooted = "/r",
		.epoch = 7, .numbers = numbers, .nnumbers = 2 };
	struct scan_answer got;
	struct buf b = BUF_INIT(CAP);
	struct view v;

	(void)state;
	assert_int_equal(msg_put_answer(&b, &a), 0);
	v = buf_view(&b);
	assert_int_equal(msg_get_answer(&v, &got), 0);
	assert_int_equal(got.n, 3);
	assert_string_equal(got.entries[0].path, "/a");
	assert_int_equal(got.entries[0].stamp.ctime_ns, 5);
	assert_string_equal(got.entries[1].target, "../x");
	assert_true(got.entries[1].is_system);
	assert_null(got.entries[2].target);
	assert_string_equal(got.why, "w");
	assert_int_equal(got.facts, 11);
	assert_string_equal(got.search_path, "/i\n/j\n");
	assert_string_equal(got.rooted, "/r");
	assert_int_equal(got.epoch, 7);
	assert_int_equal(got.nnumbers, 2);
	assert_memory_equal(got.numbers, numbers, sizeof(numbers));
	scan_answer_free(&got);
	buf_free(&b);
}

/* The peer is our own program, but a broken one must not break the other. */
static void
test_every_cut_is_refused(void **state)
{
	struct buf b = BUF_INIT(CAP);
	struct msg_request m;
	struct view v;
	size_t n;

	(void)state;
	put(&b, MSG_LEARN);
	for (n = 0; n < b.len - MSG_HEADER_BYTES; n++) {
		v = view_of(b.ptr + MSG_HEADER_BYTES, n);
		assert_true(msg_get_request(&v, MSG_LEARN, &m) < 0);
		msg_request_free(&m);
	}
	buf_free(&b);
}

static void
test_noise(void **state)
{
	struct buf b = BUF_INIT(CAP);
	struct scan_answer a;
	struct msg_request m;
	struct view v;
	uint32_t seed = 7;
	size_t round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		buf_reset(&b);
		put(&b, MSG_SCAN);
		for (i = 0; i < 3; i++) {
			seed = seed * 1664525 + 1013904223;
			b.ptr[(seed >> 8) % b.len] ^=
			    (unsigned char)(seed >> 24);
		}
		v = view_of(b.ptr + MSG_HEADER_BYTES,
		    b.len - MSG_HEADER_BYTES);
		if (msg_get_request(&v, MSG_SCAN, &m) == 0)
			assert_non_null(m.argv[0]);
		msg_request_free(&m);
		v = view_of(b.ptr, b.len);
		if (msg_get_answer(&v, &a) == 0)
			assert_int_equal(v.len, 0);
		scan_answer_free(&a);
	}
	buf_free(&b);
}

static void
test_headers(void **state)
{
	static const uint32_t bad[][2] = { { 0, 0 }, { 99, 0 },
		{ MSG_SCAN, UINT32_MAX } };
	enum msg_kind kind;
	size_t len, i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(msg_get_header(
		    (const unsigned char *)bad[i], &kind, &len), ERR_SYNTAX);
}

/* ---- what a probe asks and learns ---- */

static void
test_queries_are_checked(void **state)
{
	static const char *const good[] = { "", "__has_builtin(x)\n",
		"__has_cpp_attribute(gnu::x)\n__has_warning(\"-Wx\")" };
	static const char *const bad[] = { "x", "__has_builtin(x\n",
		"_f(x)\n#include </etc/passwd>\n", "_f(x) && (y)", "_f(;)",
		"has(x)", "__has_builtin(`x`)", "_f(x)\n\n_g(y)" };
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_init(&b, CAP);
		assert_int_equal(facts_program(view_str(good[i]), &b), 0);
		buf_free(&b);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_init(&b, CAP);
		assert_int_equal(facts_program(view_str(bad[i]), &b),
		    ERR_SYNTAX);
		buf_free(&b);
	}
}

static const char probe[] =
    "ignoring nonexistent directory \"/no\"\n"
    "#include \"...\" search starts here:\n /quote\n"
    "#include <...> search starts here:\n /one\n /two words\n"
    "End of search list.\n /not\n\0"
    "#define A 1\n#define F(x) x\n#define _STDC_PREDEF_H 1\n"
    "#define __distcc_scan_no_raw 1\n#define __distcc_scan_true 1\n"
    "#define __distcc_scan_has__has_include 1\n"
    "#define __distcc_scan_q1_0 1\n#define __distcc_scan_q1_2 1\n";

static void
test_directories_that_are_left_out(void **state)
{
	static const char text[] = "#include <...> search starts here:\n /a\n"
	    "End of search list.\n" FACTS_ALL
	    "ignoring nonexistent directory \"/no\"\n"
	    "#include <...> search starts here:\n /b\n /a\n"
	    "End of search list.\n\0#define A 1\n";
	struct facts *f = calloc(1, sizeof(*f));
	struct atoms atoms;

	(void)state;
	assert_non_null(f);
	atoms_init(&atoms);
	assert_int_equal(facts_learn(f, &atoms, view_str(""),
	    view_of(text, sizeof(text) - 1)), 0);
	assert_int_equal(f->ndirs, 1);
	assert_string_equal(f->path, "/a\n");
	assert_int_equal(f->nmissing, 1);
	assert_int_equal(f->nall, 2);
	assert_string_equal(f->all[0], "/b");
	facts_free(f);
	atoms_free(&atoms);
}

static void
test_facts(void **state)
{
	const struct view queries = view_str("_a(x)\n_b(y)\n");
	struct facts *f = calloc(1, sizeof(*f));
	struct atoms atoms;
	uint64_t value;

	(void)state;
	assert_non_null(f);
	atoms_init(&atoms);
	assert_int_equal(facts_learn(f, &atoms, queries,
	    view_of(probe, sizeof(probe) - 1)), 0);
	assert_int_equal(f->ndirs, 2);
	assert_string_equal(f->dirs[1], "/two words");
	assert_int_equal(f->nmissing, 1);
	assert_string_equal(f->missing[0], "/no");
	assert_true(f->has_predef);
	assert_false(f->mode.raw_strings);
	assert_true(f->lang.has_true);
	assert_int_equal(f->nmacros, 3);	/* A, F, __has_include */
	assert_int_equal(facts_answer(f, atoms_get(&atoms, "_a(x)", 5),
	    &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(facts_answer(f, atoms_get(&atoms, "_b(y)", 5),
	    &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(facts_answer(f, atoms_get(&atoms, "_c(y)", 5),
	    &value), ERR_NOENT);
	facts_free(f);
	atoms_free(&atoms);
}

static void
test_no_facts(void **state)
{
	static const char *const bad[] = { "", "no such file", "End" };
	struct atoms atoms;
	struct facts *f;
	size_t i;

	(void)state;
	atoms_init(&atoms);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f = calloc(1, sizeof(*f));
		assert_non_null(f);
		assert_int_equal(facts_learn(f, &atoms, view_str(""),
		    view_of(bad[i], strlen(bad[i]) + 1)), ERR_SYNTAX);
		facts_free(f);
	}
	atoms_free(&atoms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_queries_are_checked),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_directories_that_are_left_out),
		cmocka_unit_test(test_no_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
