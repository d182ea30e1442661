/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/wire_test.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/trace.h"
#include "wire/lzo.h"
#include "wire/path.h"
#include "wire/request.h"

/* Feed all of text; returns the last event, and the reason in *why. */
static int
run_view(struct view in, uint64_t body_max, char why[96])
{
	struct request *r = request_new();
	int event, last = REQUEST_MORE;

	assert_non_null(r);
	request_set_body_max(r, body_max);
	do {
		event = request_feed(r, &in);
		if (event != REQUEST_MORE)
			last = event;
	} while (event > REQUEST_MORE);
	(void)snprintf(why, 96, "%s", request_why(r));
	request_free(r);
	return last;
}

static int
run(const char *text)
{
	char why[96];

	return run_view(view_str(text), WIRE_BODY_MAX_BYTES, why);
}

#define HEAD1	"DIST00000001ARGC00000001ARGV00000003gcc"
#define HEAD3	"DIST00000003CDIR00000002/wARGC00000001ARGV00000003gcc"

struct row {
	const char *text;
	int last;		/* the last event, or the error */
};

static const struct row rows[] = {
	{ HEAD1 "DOTI00000003int", REQUEST_DONE },
	{ HEAD1 "DOTI00000000", REQUEST_DONE },
	{ HEAD1 "DOTI00000003in", REQUEST_BODY },
	{ HEAD1 "DOTI00000003", REQUEST_FILE },
	{ HEAD1, REQUEST_COMMAND },
	{ "DIST00000002", REQUEST_VERSION },
	{ "DIST0000000", REQUEST_MORE },
	/* P-011 */
	{ "DIST00000000", ERR_UNSUPPORTED },
	{ "DIST00000004", ERR_UNSUPPORTED },
	{ "DISTffffffff", ERR_UNSUPPORTED },
	{ "GET / HTTP/1.0\r\n\r\n", ERR_SYNTAX },
	{ "ARGC00000001", ERR_SYNTAX },
	/* P-012, P-013 */
	{ "DIST00000001ARGC00000000", ERR_SYNTAX },
	{ "DIST00000001ARGC00001000", REQUEST_VERSION },
	{ "DIST00000001ARGC00001001", ERR_LIMIT },
	{ "DIST00000001ARGCffffffff", ERR_LIMIT },
	{ "DIST00000001ARGC00000001ARGV00010000", REQUEST_VERSION },
	{ "DIST00000001ARGC00000001ARGV00010001", ERR_LIMIT },
	{ "DIST00000001ARGC00000001ARGVffffffff", ERR_LIMIT },
	{ "DIST00000001ARGC00000002ARGV00000000ARGV00000000",
	    REQUEST_COMMAND },
	/* P-005: order */
	{ "DIST00000001ARGV00000003gcc", ERR_SYNTAX },
	{ "DIST00000001CDIR00000002/w", ERR_SYNTAX },
	{ "DIST00000003ARGC00000001", ERR_SYNTAX },
	{ "DIST00000001ARGC00000002ARGV00000003gccDOTI00000000", ERR_SYNTAX },
	{ HEAD1 "ARGV00000003gcc", ERR_SYNTAX },
	{ HEAD1 "NFIL00000001", ERR_SYNTAX },
	{ HEAD1 "DIST00000001", ERR_SYNTAX },
	/* P-006 */
	{ HEAD1 "DOTI00000003int" "x", ERR_SYNTAX },
	{ HEAD1 "DOTI00000003int" HEAD1, ERR_SYNTAX },
	/* P-014 */
	{ HEAD1 "DOTI40000000", REQUEST_FILE },
	{ HEAD1 "DOTI40000001", ERR_LIMIT },
	{ HEAD1 "DOTIfffffff0", ERR_LIMIT },
	/* protocol 3 */
	{ HEAD3 "NFIL00000001NAME00000004/w/aFILE00000002hi", REQUEST_DONE },
	{ HEAD3 "NFIL00000001NAME00000004/w/aLINK00000002/b", REQUEST_DONE },
	{ HEAD3 "NFIL00000002NAME00000004/w/aLINK00000002/b", REQUEST_LINK },
	{ HEAD3 "NFIL00000002NAME00000004/w/aFILE00000002hi",
	    REQUEST_FILE_END },
	{ HEAD3 "NFIL00000000", ERR_SYNTAX },
	{ HEAD3 "NFIL00004e20", REQUEST_COMMAND },
	{ HEAD3 "NFIL00004e21", ERR_LIMIT },
	{ HEAD3 "DOTI00000000", ERR_SYNTAX },
	{ HEAD3 "NFIL00000001FILE00000000", ERR_SYNTAX },
	{ HEAD3 "NFIL00000001NAME00000002/aNAME00000002/b", ERR_SYNTAX },
	{ HEAD3 "NFIL00000001NAME00000002/aXXXX00000004abcd", ERR_SYNTAX },
	{ HEAD3 "NFIL00000001NAME00001000", REQUEST_COMMAND },
	{ HEAD3 "NFIL00000001NAME00001001", ERR_LIMIT },
	{ HEAD3 "NFIL00000001NAME00000002/aLINK00001001", ERR_LIMIT },
	{ HEAD3 "NFIL00000001NAME00000002/aFILE00000000x", ERR_SYNTAX },
	{ "DIST00000003CDIR00001000", REQUEST_VERSION },
	{ "DIST00000003CDIR00001001", ERR_LIMIT },
};

/* Every way of cutting gives the same story, errors included. */
static void
cut_everywhere(struct view v)
{
	struct buf whole, other;

	trace_request(&whole, v.ptr, v.len, WIRE_BODY_MAX_BYTES,
	    (struct cut){ 0 });
	for (size_t i = 0; i < 2 * v.len; i++) {
		struct cut c = { .first = i / 2, .is_direct = i % 2 != 0 };

		trace_request(&other, v.ptr, v.len, WIRE_BODY_MAX_BYTES, c);
		same_story(&whole, &other);
		buf_free(&other);
	}
	buf_free(&whole);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int last = run(rows[i].text);

		if (last != rows[i].last)
			fail_msg("row %zu, %s: %d, want %d", i, rows[i].text,
			    last, rows[i].last);
		cut_everywhere(view_str(rows[i].text));
	}
}

/* P-004: in each kind of string */
static void
test_nul(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
#define ROW(s) { s, sizeof(s) - 1 }
		ROW("DIST00000001ARGC00000001ARGV00000006a.c\0-f"),
		ROW("DIST00000001ARGC00000001ARGV00000001\0"),
		ROW("DIST00000003CDIR00000003/w\0"),
		ROW(HEAD3 "NFIL00000001NAME00000003/\0w"),
		ROW(HEAD3 "NFIL00000001NAME00000002/wLINK00000003/\0x"),
#undef ROW
	};
	char why[96];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(run_view(view_of(bad[i].text, bad[i].len),
		    WIRE_BODY_MAX_BYTES, why), ERR_SYNTAX);
	/* but a body may have any byte */
	assert_int_equal(run_view(view_of(HEAD1 "DOTI00000002\0\0",
	    sizeof(HEAD1) - 1 + 14), WIRE_BODY_MAX_BYTES, why), REQUEST_DONE);
}

static void
test_why(void **state)
{
	char why[96];

	(void)state;
	(void)run_view(view_str("DIST00000001ARGC00000000"), 1, why);
	assert_string_equal(why, "ARGC: no words");
	(void)run_view(view_str(HEAD3 "NFIL00000001NAME00000002/aBAD!"
	    "00000000"), 1, why);
	assert_string_equal(why, "FILE or LINK: not a packet header");
	(void)run_view(view_str(HEAD1 "DOTI00000001ab"), 1, why);
	assert_string_equal(why, "end of the request: more bytes follow");
	(void)run_view(view_of("DIST00000003CDIR00000001\0", 25), 1, why);
	assert_string_equal(why, "CDIR: a NUL inside a string");
}

/* P-014: for one body and for all together */
static void
test_body_max(void **state)
{
	static const char two[] = HEAD3 "NFIL00000002"
	    "NAME00000002/aFILE00000003abcNAME00000002/bFILE00000002de";
	char why[96];

	(void)state;
	assert_int_equal(run_view(view_str(two), 5, why), REQUEST_DONE);
	assert_int_equal(run_view(view_str(two), 4, why), ERR_LIMIT);
	assert_string_equal(why, "FILE or LINK: more bytes than allowed");
	assert_int_equal(run_view(view_str(two), 2, why), ERR_LIMIT);
	assert_int_equal(run_view(view_str(HEAD1 "DOTI40000001"), UINT64_MAX,
	    why), ERR_LIMIT);
}

/* All words together are capped although each one is within its cap. */
static void
test_argv_max(void **state)
{
	struct buf b = BUF_INIT(1024 * 1024);
	char *word = calloc(1, WIRE_ARG_MAX_BYTES + 1);
	char *argv[6] = { word, word, word, word, NULL };
	/* what three of them leave for the fourth, with its NUL */
	size_t left = WIRE_ARGV_MAX_BYTES - 3 * (WIRE_ARG_MAX_BYTES + 1) - 1;
	char why[96];

	(void)state;
	assert_non_null(word);
	memset(word, 'x', WIRE_ARG_MAX_BYTES);
	/* four of the longest words are, with their NULs, too many */
	assert_int_equal(request_put_head(&b, 1, NULL, argv), ERR_LIMIT);
	assert_int_equal(b.len, 0);
	for (size_t over = 0; over < 2; over++) {
		buf_reset(&b);
		assert_int_equal(token_put(&b, "DIST", 1), 0);
		assert_int_equal(token_put(&b, "ARGC", 4), 0);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(token_put_body(&b, "ARGV",
			    view_str(word)), 0);
		assert_int_equal(token_put_body(&b, "ARGV", view_of(word,
		    left + over)), 0);
		assert_int_equal(run_view(buf_view(&b), 1, why),
		    over ? ERR_LIMIT : REQUEST_COMMAND);
	}
	assert_string_equal(why, "ARGV: command line too long");
	buf_reset(&b);
	word[WIRE_ARG_MAX_BYTES - 1] = '\0';
	assert_int_equal(request_put_head(&b, 1, NULL, argv), 0);
	assert_int_equal(run_view(buf_view(&b), 1, why), REQUEST_COMMAND);
	buf_free(&b);
	free(word);
}

/* 4 MiB of names: 1024 of 4096 bytes are the last that fit. */
static void
test_names_max(void **state)
{
	struct buf b = BUF_INIT(8 * 1024 * 1024);
	char name[WIRE_NAME_MAX_BYTES];
	char why[96];

	(void)state;
	memset(name, 'n', sizeof(name));
	assert_int_equal(buf_append_str(&b, HEAD3 "NFIL00000401"), 0);
	for (size_t i = 0; i < 1024; i++) {
		assert_int_equal(token_put_body(&b, "NAME", view_of(name,
		    sizeof(name))), 0);
		assert_int_equal(token_put(&b, "FILE", 0), 0);
	}
	assert_int_equal(run_view(buf_view(&b), 1, why), REQUEST_FILE_END);
	assert_int_equal(token_put_body(&b, "NAME", view_str("/")), 0);
	assert_int_equal(run_view(buf_view(&b), 1, why), ERR_LIMIT);
	assert_string_equal(why, "NAME: names too long together");
	buf_free(&b);
}

/* ---- recordings of the stock 3.4 client ---- */

static int
next(struct request *r, struct view *in)
{
	int event = request_feed(r, in);

	if (event < 0)
		fail_msg("%d: %s", event, request_why(r));
	return event;
}

static void
check_args(const struct request *r, const char *const *want, size_t n)
{
	assert_int_equal(request_argc(r), n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(request_arg(r, i), want[i]);
	assert_null(request_arg(r, n));
}

static const char *const hello_args[] = { "x86_64-linux-gnu-gcc", "-c",
    "hello.c", "-o", "hello.o" };

static void
test_stock_plain(void **state)
{
	struct request *r = request_new();
	struct view in, chunk;
	struct buf b;

	(void)state;
	load(&b, "request-p1_ok.bin");
	in = buf_view(&b);
	assert_int_equal(next(r, &in), REQUEST_VERSION);
	assert_int_equal(request_protocol(r), 1);
	assert_null(request_cdir(r));
	assert_int_equal(next(r, &in), REQUEST_COMMAND);
	check_args(r, hello_args, 5);
	assert_int_equal(request_files(r), 1);
	assert_int_equal(next(r, &in), REQUEST_FILE);
	assert_int_equal(request_body_len(r), 0xef);
	assert_int_equal(next(r, &in), REQUEST_BODY);
	chunk = request_chunk(r);
	assert_int_equal(chunk.len, 0xef);
	assert_memory_equal(chunk.ptr, "# 0 \"hello.c\"\n", 14);
	assert_int_equal(next(r, &in), REQUEST_FILE_END);
	assert_int_equal(next(r, &in), REQUEST_DONE);
	assert_int_equal(next(r, &in), REQUEST_MORE);
	assert_int_equal(in.len, 0);
	request_free(r);
	buf_free(&b);
}

/* What protocol 2 sends unpacks to a preprocessed source. */
static void
test_stock_lzo(void **state)
{
	struct request *r = request_new();
	char plain[4096];
	struct view in;
	struct buf b;
	size_t len;

	(void)state;
	load(&b, "request-p2_ok.bin");
	in = buf_view(&b);
	assert_int_equal(next(r, &in), REQUEST_VERSION);
	assert_int_equal(request_protocol(r), 2);
	assert_int_equal(next(r, &in), REQUEST_COMMAND);
	assert_int_equal(next(r, &in), REQUEST_FILE);
	assert_int_equal(request_body_left(r), in.len);
	assert_int_equal(lzo_unpack(in.ptr, in.len, plain, sizeof(plain),
	    &len), 0);
	assert_memory_equal(plain, "# 0 \"hello.c\"\n", 14);
	/* read past the parser */
	assert_int_equal(request_body_skip(r, (uint32_t)in.len + 1),
	    ERR_LIMIT);
	assert_int_equal(request_body_skip(r, (uint32_t)in.len), 0);
	in = view_of(NULL, 0);
	assert_int_equal(next(r, &in), REQUEST_FILE_END);
	assert_int_equal(request_body_skip(r, 1), ERR_LIMIT);
	assert_int_equal(next(r, &in), REQUEST_DONE);
	request_free(r);
	buf_free(&b);
}

/* P-033 … P-037: files and both kinds of links, as pump mode sends them. */
static void
test_stock_pump(void **state)
{
	struct request *r = request_new();
	unsigned int files = 0, links = 0, system_links = 0;
	struct view in;
	struct buf b;
	int event;

	(void)state;
	load(&b, "request-p3_ok.bin");
	in = buf_view(&b);
	while ((event = next(r, &in)) != REQUEST_DONE) {
		char resolved[WIRE_NAME_MAX_BYTES + 1];
		bool is_system;

		if (event == REQUEST_FILE) {
			assert_int_equal(path_check_name(request_name(r)), 0);
			files++;
		}
		if (event != REQUEST_LINK)
			continue;
		assert_int_equal(path_check_link(request_name(r),
		    request_target(r), &is_system, resolved,
		    sizeof(resolved)), 0);
		links++;
		system_links += is_system;
		assert_string_equal(resolved, is_system ? request_name(r) :
		    request_target(r));
	}
	assert_int_equal(path_check_cdir(request_cdir(r)), 0);
	check_args(r, hello_args, 5);
	assert_int_equal(files, 4);
	assert_int_equal(links, 4);
	assert_int_equal(system_links, 3);
	assert_int_equal(request_files(r), files + links);
	request_free(r);
	buf_free(&b);
}

static void
test_stock_cuts(void **state)
{
	static const char *const names[] = { "request-p1_ok.bin",
	    "request-p2_ok.bin", "request-p3_ok.bin" };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct buf b;

		load(&b, names[k]);
		cut_everywhere(buf_view(&b));
		buf_free(&b);
	}
}

/* An error is for good, whatever comes behind it. */
static void
test_error_stays(void **state)
{
	struct request *r = request_new();
	struct view in = view_str("DIST00000004" HEAD1);

	(void)state;
	assert_int_equal(request_feed(r, &in), ERR_UNSUPPORTED);
	assert_int_equal(request_feed(r, &in), ERR_UNSUPPORTED);
	assert_view(in, HEAD1);
	assert_int_equal(request_argc(r), 0);
	request_free(r);
}

/* Our own head is, to the byte, the one that the stock client sends. */
static void
test_put_head(void **state)
{
	char words[5][24];
	char *argv[6] = { NULL };
	char *none[1] = { NULL };
	struct buf b = BUF_INIT(4096), stock;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(words[i], sizeof(words[i]), "%s",
		    hello_args[i]);
		argv[i] = words[i];
	}
	load(&stock, "request-p1_ok.bin");
	assert_int_equal(request_put_head(&b, 1, NULL, argv), 0);
	assert_true(b.len < stock.len);
	assert_memory_equal(b.ptr, stock.ptr, b.len);
	buf_free(&stock);
	load(&stock, "request-p3_ok.bin");
	buf_reset(&b);
	assert_int_equal(request_put_head(&b, 3, "/tmp/src", argv), 0);
	assert_memory_equal(b.ptr, stock.ptr, b.len);
	buf_free(&stock);
	buf_reset(&b);
	assert_int_equal(request_put_head(&b, 1, NULL, none), ERR_SYNTAX);
	assert_int_equal(request_put_head(&b, 4, NULL, argv), ERR_UNSUPPORTED);
	assert_int_equal(request_put_head(&b, 3, NULL, argv), ERR_UNSUPPORTED);
	assert_int_equal(request_put_head(&b, 1, "/", argv), ERR_UNSUPPORTED);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_body_max),
		cmocka_unit_test(test_argv_max),
		cmocka_unit_test(test_names_max),
		cmocka_unit_test(test_stock_plain),
		cmocka_unit_test(test_stock_lzo),
		cmocka_unit_test(test_stock_pump),
		cmocka_unit_test(test_stock_cuts),
		cmocka_unit_test(test_error_stays),
		cmocka_unit_test(test_put_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
