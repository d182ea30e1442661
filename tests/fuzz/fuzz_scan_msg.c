/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/answer.c client/scan/atom.c client/scan/cond.c client/scan/engine.c client/scan/expand.c client/scan/facts.c client/scan/lex.c client/scan/macro.c client/scan/msg.c client/scan/notice.c client/scan/number.c client/scan/opts.c client/scan/recall.c client/scan/scan.c client/scan/search.c client/scan/source.c client/scan/text.c client/scan/record.c client/scan/replay.c client/scan/trace.c client/scan/tree.c client/scan/unit.c client/scan/watch.c */
/*
 * fuzz_scan_msg - what the scanner's daemon and its client read from each
 * other: any bytes are refused or come back the same when sent on, and the
 * command and the compiler's answer in them are taken in without harm.
 */
#include "client/scan/facts.h"
#include "client/scan/msg.h"
#include "client/scan/opts.h"
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
learn(const struct msg_request *m)
{
	struct facts *f = calloc(1, sizeof(*f));
	struct buf program = BUF_INIT(TRACE_MAX_BYTES);
	struct atoms atoms;
	int i;

	MUST(f != NULL);
	f->key = strdup("key");
	atoms_init(&atoms);
	(void)facts_program(m->queries, &program);
	for (i = 0; i < 2 && facts_learn(f, &atoms, m->queries, m->text) == 0;
	    i++)
		;
	facts_free(f);
	atoms_free(&atoms);
	buf_free(&program);
}

static void
parse_options(const struct msg_request *m)
{
	struct opts o;
	const char *key;
	int r = opts_parse(&m->req, &o);

	MUST(memchr(o.why, '\0', sizeof(o.why)) != NULL);
	if (r == 0) {
		MUST(o.source != NULL);
		(void)opts_key(&m->req, &o, &key);
	}
	opts_free(&o);
}

static void
check_request(enum msg_kind kind, struct view v)
{
	struct buf once = BUF_INIT(TRACE_MAX_BYTES);
	struct buf twice = BUF_INIT(TRACE_MAX_BYTES);
	struct msg_request m, again;

	if (msg_get_request(&v, kind, &m) == 0) {
		parse_options(&m);
		if (kind == MSG_LEARN)
			learn(&m);
		/* the first time unwanted variables are left out */
		MUST(msg_put_request(&once, &m.req, &m.place) == 0);
		v = buf_view(&once);
		MUST(msg_get_request(&v, MSG_SCAN, &again) == 0);
		MUST(msg_put_request(&twice, &again.req, &again.place) == 0);
		MUST(once.len == twice.len &&
		    memcmp(once.ptr, twice.ptr, once.len) == 0);
		msg_request_free(&again);
	}
	msg_request_free(&m);
	buf_free(&once);
	buf_free(&twice);
}

static void
check_answer(struct view v)
{
	struct buf once = BUF_INIT(TRACE_MAX_BYTES);
	struct buf twice = BUF_INIT(TRACE_MAX_BYTES);
	struct scan_answer a, again;
	size_t i;

	if (msg_get_answer(&v, &a) == 0) {
		for (i = 0; i < a.n; i++)
			MUST(a.entries[i].path[0] == '/' &&
			    (a.entries[i].target != NULL) ==
			    (a.entries[i].kind == SCAN_SYMLINK));
		MUST(msg_put_answer(&once, &a) == 0);
		v = buf_view(&once);
		MUST(msg_get_answer(&v, &again) == 0);
		MUST(msg_put_answer(&twice, &again) == 0);
		MUST(once.len == twice.len &&
		    memcmp(once.ptr, twice.ptr, once.len) == 0);
		scan_answer_free(&again);
	}
	scan_answer_free(&a);
	buf_free(&once);
	buf_free(&twice);
}

static void
check_numbers(struct view v)
{
	struct buf b = BUF_INIT(TRACE_MAX_BYTES);
	struct view whole = v;
	struct scan_answer a = { .n = 0 };

	if (msg_get_numbers(&v, &a) == 0) {
		MUST(msg_put_numbers(&b, &a) == 0);
		MUST(b.len == whole.len - v.len &&
		    memcmp(b.ptr, whole.ptr, b.len) == 0);
	}
	scan_answer_free(&a);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum msg_kind kind;
	struct view v;
	size_t len;

	if (size < MSG_HEADER_BYTES || msg_get_header(data, &kind, &len) < 0)
		return 0;
	/* the length is the reader's business: what there is is the body */
	v = view_of(data + MSG_HEADER_BYTES, size - MSG_HEADER_BYTES);
	if (kind == MSG_ANSWER)
		check_answer(v);
	else if (kind == MSG_NAME)
		check_numbers(v);
	else
		check_request(kind, v);
	return 0;
}
