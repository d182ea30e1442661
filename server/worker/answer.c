/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/mem.h"
#include "server/worker/answer.h"
#include "server/worker/escape.h"
#include "server/worker/peer.h"
#include "wire/lzo.h"
#include "wire/token.h"

#define SMALL_BYTES	(64 * 1024)	/* an output that goes out with the rest */
#define HEADERS_BYTES	(8 * TOKEN_LEN)
#define FAILED_STATUS	(1U << 8)	/* exit status 1 */

/* one reply that is being put together and sent */
struct writer {
	struct session *s;
	struct peer_out out;
	struct buf buf;		/* not yet sent */
};

static int
no_memory(struct session *s)
{
	return session_end(s, MSG_OUTCOME_INTERNAL, ANSWER_NOTHING,
	    "no memory for the reply");
}

static int
flush(struct writer *w)
{
	int r = peer_write(w->s, &w->out, w->buf.ptr, w->buf.len);

	buf_reset(&w->buf);
	return r;
}

static void
begin(struct writer *w, struct session *s)
{
	uint64_t messages = s->config->limits.max_messages;

	w->s = s;
	peer_out_begin(&w->out);
	buf_init(&w->buf, (size_t)(2 * lzo_bound((size_t)messages) +
	    2 * lzo_bound((size_t)s->config->limits.max_output) +
	    HEADERS_BYTES));
}

/* --- parts --------------------------------------------------------------- */

static int
put_header(struct writer *w, const char *name, uint32_t val)
{
	return token_put(&w->buf, name, val) < 0 ? no_memory(w->s) : 0;
}

/* DONE, unless it went out before, and STAT. */
static int
put_status(struct writer *w, uint32_t status)
{
	int r = w->s->has_done ? 0 :
	    put_header(w, "DONE", w->s->protocol);

	w->s->has_done = true;
	w->s->summary.status = status;
	return r < 0 ? r : put_header(w, "STAT", status);
}

static int
put_packed(struct writer *w, const char *name, struct view plain)
{
	AUTOFREE unsigned char *packed = malloc(lzo_bound(plain.len));
	size_t len;

	if (packed == NULL ||
	    lzo_pack(plain.ptr, plain.len, packed, &len) < 0 ||
	    token_put_body(&w->buf, name, view_of(packed, len)) < 0)
		return no_memory(w->s);
	return 0;
}

static int
put_text(struct writer *w, const char *name, struct view text)
{
	if (text.len == 0)
		return put_header(w, name, 0);
	if (w->s->protocol >= 2)
		return put_packed(w, name, text);
	return token_put_body(&w->buf, name, text) < 0 ? no_memory(w->s) : 0;
}

/* All of a result; the caller frees out. */
static int
read_file(struct session *s, int fd, size_t len, struct buf *out)
{
	size_t have = 0;

	buf_init(out, len);
	if (len == 0)
		return 0;
	if (buf_reserve(out, len) < 0)
		return no_memory(s);
	while (have < len) {
		ssize_t n = pread(fd, out->ptr + have, len - have,
		    (off_t)have);

		if (n <= 0)
			return session_end(s, MSG_OUTCOME_INTERNAL,
			    ANSWER_NOTHING, "can't read a result");
		have += (size_t)n;
	}
	out->len = len;
	return 0;
}

/*
 * The size of a result: a sealed memfd of at most max bytes, so that what we
 * announce is what we can send.  (Not fstat(2): libc makes a newfstatat of it,
 * which a process without files has no business with.)
 */
static int
size_of(struct session *s, int fd, uint64_t max, size_t *len)
{
	off_t size = fd_is_sealed(fd) ? lseek(fd, 0, SEEK_END) : -1;

	if (size < 0 || (uint64_t)size > max)
		return session_end(s, MSG_OUTCOME_INTERNAL, ANSWER_NOTHING,
		    "a result is not sealed or larger than allowed");
	*len = (size_t)size;
	return 0;
}

/* Diagnostics, made harmless, with a line of ours behind them. */
static int
put_messages(struct writer *w, const char *name, int fd, const char *line)
{
	uint64_t max = w->s->config->limits.max_messages;
	struct buf raw = BUF_INIT(0), text = BUF_INIT((size_t)max + 2048);
	size_t len = 0;
	int r = fd >= 0 ? size_of(w->s, fd, max + 1, &len) : 0;

	if (r == 0 && fd >= 0)
		r = read_file(w->s, fd, len, &raw);
	if (r == 0 && escape_diagnostics(buf_view(&raw), (size_t)max,
	    &text) < 0)
		r = no_memory(w->s);
	if (r == 0 && line[0] != '\0' &&
	    buf_printf(&text, "distccd: %s\n", line) < 0)
		r = no_memory(w->s);
	if (r == 0)
		r = put_text(w, name, buf_view(&text));
	buf_free(&raw);
	buf_free(&text);
	return r;
}

/*
 * An output file.  A small one, or a compressed one, goes out with what is
 * before it; a large plain one is sent by the kernel.
 */
static int
put_file(struct writer *w, const char *name, int fd)
{
	struct buf plain = BUF_INIT(0);
	size_t len;
	int r;

	if (fd < 0)
		return put_header(w, name, 0);
	if ((r = size_of(w->s, fd, w->s->config->limits.max_output,
	    &len)) < 0)
		return r;
	if (w->s->protocol == 1 && len > SMALL_BYTES) {
		if ((r = put_header(w, name, (uint32_t)len)) < 0 ||
		    (r = flush(w)) < 0)
			return r;
		return peer_send_file(w->s, &w->out, fd, len);
	}
	r = read_file(w->s, fd, len, &plain);
	if (r == 0)
		r = put_text(w, name, buf_view(&plain));
	buf_free(&plain);
	return r;
}

/* --- replies ------------------------------------------------------------- */

static int
send_reply(struct writer *w, uint32_t status, const struct ask_result *res,
    const char *line)
{
	bool ok = status == 0;
	int r;

	if ((r = put_status(w, status)) < 0 ||
	    (r = put_messages(w, "SERR", res->err, line)) < 0 ||
	    (r = put_messages(w, "SOUT", res->out, "")) < 0 ||
	    (r = put_file(w, "DOTO", ok ? res->object : -1)) < 0)
		return r;
	/* only a success has a dependency file, and then always */
	if (w->s->protocol == 3 && ok &&
	    (r = put_file(w, "DOTD", res->deps)) < 0)
		return r;
	r = flush(w);
	return r < 0 ? r : peer_end_reply(w->s, &w->out);
}

/* What an end is to the client: a message of ours, or nothing (it compiles
 * locally when we close without a reply). */
static const struct end {
	enum session_answer answer;
	enum msg_outcome outcome;
	const char *text;
} ends[MSG_END_COUNT] = {
	[MSG_END_EXIT]	   = { ANSWER_MESSAGE, MSG_OUTCOME_OK, "" },
	[MSG_END_REFUSED]  = { ANSWER_MESSAGE, MSG_OUTCOME_REFUSED,
	    "refused" },
	[MSG_END_TIMEOUT]  = { ANSWER_MESSAGE, MSG_OUTCOME_LIMIT,
	    "the compile took longer than --job-lifetime allows" },
	[MSG_END_MEMORY]   = { ANSWER_MESSAGE, MSG_OUTCOME_LIMIT,
	    "the compile needed more than --max-memory allows" },
	[MSG_END_SCRATCH]  = { ANSWER_MESSAGE, MSG_OUTCOME_LIMIT,
	    "the compile's files needed more than --max-scratch allows" },
	[MSG_END_PROCESSES] = { ANSWER_MESSAGE, MSG_OUTCOME_LIMIT,
	    "the compile needed more than --max-processes allows" },
	[MSG_END_OUTPUT]   = { ANSWER_MESSAGE, MSG_OUTCOME_LIMIT,
	    "the output is no regular file or larger than --max-output "
	    "allows" },
	[MSG_END_KILLED]   = { ANSWER_NOTHING, MSG_OUTCOME_CLIENT_LEFT,
	    "ended" },
	[MSG_END_FAILED]   = { ANSWER_NOTHING, MSG_OUTCOME_INTERNAL,
	    "the jail failed" },
};

/* "OUR WORDS: DETAIL", or one of them. */
static void
describe(const struct end *end, const char *detail, char *line, size_t size)
{
	(void)snprintf(line, size, "%s%s%s", end->text,
	    end->text[0] != '\0' && detail[0] != '\0' ? ": " : "", detail);
}

int
answer_result(struct session *s, const struct ask_result *res)
{
	const struct end *end = &ends[res->m.end < MSG_END_COUNT ?
	    res->m.end : MSG_END_FAILED];
	bool ran = res->m.end == MSG_END_EXIT;
	uint32_t status = ran ? res->m.status & WIRE_STAT_MAX : FAILED_STATUS;
	char line[MSG_TEXT_BYTES + 256];
	struct writer w;
	int r;

	describe(end, res->m.text, line, sizeof(line));
	if (end->answer == ANSWER_NOTHING)
		return session_end(s, end->outcome, ANSWER_NOTHING, "%s",
		    line);
	/* an empty object with status 0 would be taken for a good one */
	if (ran && status == 0 && res->object < 0)
		return session_end(s, MSG_OUTCOME_INTERNAL, ANSWER_NOTHING,
		    "the compiler made no output file");
	begin(&w, s);
	r = send_reply(&w, status, res, line);
	buf_free(&w.buf);
	if (r < 0)
		return r;
	(void)session_end(s, ran && status != 0 ? MSG_OUTCOME_COMPILE_ERROR :
	    end->outcome, ANSWER_NOTHING, "%s", line);
	return 0;
}

void
answer_refusal(struct session *s)
{
	struct ask_result none = { .err = -1, .out = -1, .object = -1,
	    .deps = -1 };
	struct writer w;

	begin(&w, s);
	if (send_reply(&w, FAILED_STATUS, &none, s->summary.why) == 0)
		peer_drain(s);
	buf_free(&w.buf);
}
