/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/context.h"
#include "auth/stream.h"
#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/mem.h"
#include "server/auth/handshake.h"
#include "wire/auth.h"

#define VERDICT_MS	5000	/* the listener is slow, or gone */
#define DRAIN_MS	1000
#define DRAIN_BYTES	(1024 * 1024)

/* Note how it ends; only the first time counts. */
static int
end(struct handshake *h, enum msg_auth_end how, const char *why)
{
	if (h->over.end != MSG_AUTH_OK)
		return ERR_CLOSED;
	h->over.end = how;
	(void)snprintf(h->over.why, sizeof(h->over.why), "%s", why);
	return ERR_CLOSED;
}

void
handshake_log(enum log_level level, const char *line, void *arg)
{
	const struct handshake *h = arg;
	struct msg_log m = { .head = { MSG_LOG, h->job },
	    .level = (uint32_t)level };

	(void)snprintf(m.text, sizeof(m.text), "%s", line);
	if (chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0) < 0)
		return;		/* there is nobody else to tell */
}

/* --- the client ---------------------------------------------------------- */

/* Exactly len bytes and never one more: what follows is the worker's. */
static int
get(struct handshake *h, void *ptr, size_t len)
{
	int r = fd_read_exact(h->in, ptr, len, h->deadline_ms);

	if (r == ERR_TIMEOUT)
		return end(h, MSG_AUTH_TIMEOUT, "the handshake took too long");
	return r < 0 ? end(h, MSG_AUTH_LEFT,
	    "the client left in the middle of the handshake") : 0;
}

static int
flush(struct handshake *h)
{
	int r = fd_write_all(h->out, h->reply.ptr, h->reply.len,
	    h->deadline_ms);

	buf_reset(&h->reply);
	if (r == ERR_TIMEOUT)
		return end(h, MSG_AUTH_TIMEOUT, "the handshake took too long");
	return r < 0 ? end(h, MSG_AUTH_LEFT,
	    "the client left before it had its answer") : 0;
}

static int
internal(struct handshake *h, int r)
{
	return r < 0 ? end(h, MSG_AUTH_INTERNAL, err_text(r)) : 0;
}

/* The client is to read what we wrote, so no reset may overtake it. */
static void
drain(struct handshake *h)
{
	int64_t until = clock_ms() + DRAIN_MS;
	char bytes[4096];
	size_t sum = 0;

	(void)shutdown(h->out, SHUT_WR);
	while (sum < DRAIN_BYTES) {
		ssize_t n = fd_read_some(h->in, bytes, sizeof(bytes),
		    until);

		if (n < 0)
			return;
		sum += (size_t)n;
	}
}

/* --- which handshake ----------------------------------------------------- */

static int
random_nonce(unsigned char nonce[AUTH_NONCE_BYTES])
{
	return getrandom(nonce, AUTH_NONCE_BYTES, 0) == AUTH_NONCE_BYTES ? 0 :
	    ERR_SYS;
}

static int
begin_plain(struct handshake *h)
{
	static const unsigned char star = AUTH_STAR;

	if (h->config->auth == MSG_AUTH_SEAL)
		return end(h, MSG_AUTH_NOT_SEALED,
		    "only sealed connections (,seal) are served");
	return internal(h, buf_append(&h->reply, &star, 1)) < 0 ? ERR_CLOSED :
	    flush(h);
}

static int
begin_sealed(struct handshake *h, unsigned char hello[AUTH_HELLO_BYTES])
{
	int r;

	h->is_sealed = 1;
	if ((r = get(h, hello + 1, AUTH_HELLO_BYTES - 1)) < 0)
		return r;
	r = auth_decode_hello(hello, h->client_nonce);
	if (r == ERR_UNSUPPORTED)
		return end(h, MSG_AUTH_FAILED, "another version of sealing");
	if (r < 0)
		return end(h, MSG_AUTH_NOT_ASKED, "no handshake");
	if ((r = random_nonce(h->server_nonce)) < 0)
		return internal(h, r);
	/* goes out with the first token */
	return internal(h, auth_put_hello(&h->reply, h->server_nonce));
}

static int
begin(struct handshake *h)
{
	unsigned char hello[AUTH_HELLO_BYTES];
	unsigned char binding[AUTH_BINDING_BYTES];
	size_t len;
	int r = get(h, hello, 1);

	if (r < 0)
		return r;
	if (hello[0] == AUTH_STAR)
		r = begin_plain(h);
	else if (hello[0] == AUTH_SEAL_FIRST)
		r = begin_sealed(h, hello);
	else
		r = end(h, MSG_AUTH_NOT_ASKED,
		    "it did not begin with a handshake");
	if (r < 0)
		return r;
	/* in the plain handshake too: a token that was made for a sealed one
	 * must not be good for a job in clear */
	len = auth_binding(h->is_sealed != 0 ? h->client_nonce : NULL, binding);
	return internal(h, context_set_binding(h->context, binding, len));
}

/* --- tokens -------------------------------------------------------------- */

static int
get_token(struct handshake *h, unsigned char **token, uint32_t *len)
{
	unsigned char header[TOKEN_LEN];
	int r = get(h, header, sizeof(header));

	if (r < 0)
		return r;
	r = auth_decode_length(header, len);
	if (r < 0)
		return end(h, MSG_AUTH_FAILED, r == ERR_LIMIT ?
		    "a token is too long" : "no token where one belongs");
	*token = malloc(*len);
	if (*token == NULL)
		return internal(h, ERR_NOMEM);
	return get(h, *token, *len);
}

/*
 * One token in, one perhaps out.  The last one is held back until the verdict.
 * A failure's token tells the client what is wrong, its clock for instance.
 */
static int
step(struct handshake *h, bool *is_done)
{
	struct buf out = BUF_INIT(AUTH_TOKEN_MAX_BYTES);
	AUTOFREE unsigned char *token = NULL;
	uint32_t len = 0;
	int r = get_token(h, &token, &len), put = 0;

	if (r < 0)
		return r;
	r = context_accept(h->context, view_of(token, len), &out, is_done);
	if (out.len != 0)
		put = auth_put_token(&h->reply, buf_view(&out));
	buf_free(&out);
	if (r < 0) {
		if (put == 0 && flush(h) == 0)
			drain(h);
		return end(h, MSG_AUTH_FAILED, context_why(h->context));
	}
	if (put < 0)
		return internal(h, put);
	return *is_done || h->reply.len == 0 ? 0 : flush(h);
}

static int
establish(struct handshake *h)
{
	bool is_done = false;
	int r = 0;

	for (int round = 0; r == 0 && !is_done; round++) {
		if (round == AUTH_ROUNDS_MAX)
			return end(h, MSG_AUTH_FAILED, "too many tokens");
		r = step(h, &is_done);
	}
	if (r < 0)
		return r;
	r = h->is_sealed != 0 ? context_check_sealed(h->context) :
	    context_check_mutual(h->context);
	return r < 0 ? end(h, MSG_AUTH_FAILED, context_why(h->context)) : 0;
}

/* --- verdict ------------------------------------------------------------- */

static int
ask_verdict(struct handshake *h, struct msg_auth_verdict *v)
{
	struct msg_auth_name m = { .head = { MSG_AUTH_NAME, h->job },
	    .is_sealed = h->is_sealed };
	ssize_t n;
	int r = context_names(h->context, m.peer, m.own, sizeof(m.peer));

	if (r < 0)
		return end(h, MSG_AUTH_FAILED, context_why(h->context));
	if ((r = chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0)) < 0 ||
	    (r = fd_wait(MSG_CHAN_FD, POLLIN, clock_ms() + VERDICT_MS)) < 0)
		return internal(h, r);
	n = chan_recv(MSG_CHAN_FD, v, sizeof(*v), NULL, NULL);
	if (n != (ssize_t)sizeof(*v) || v->head.type != MSG_AUTH_VERDICT ||
	    v->head.job != h->job)
		return internal(h, ERR_PROTOCOL);
	v->why[sizeof(v->why) - 1] = '\0';
	return 0;
}

/* A sealed client learns the reason, and that it is the server's own. */
static int
put_refusal(struct handshake *h, const char *why)
{
	struct view text = view_str(why);
	struct stream *s;
	int r;

	if (h->is_sealed == 0)
		return buf_append(&h->reply, "n", 1);
	s = stream_new(h->context, false, h->client_nonce, h->server_nonce);
	h->context = NULL;
	r = s != NULL ? stream_pack(s, &text, SEAL_REFUSED, &h->reply) :
	    ERR_NOMEM;
	stream_free(s);
	return r;
}

static int
refuse(struct handshake *h, const char *why)
{
	if (put_refusal(h, why) == 0 && flush(h) == 0)
		drain(h);
	return end(h, MSG_AUTH_REFUSED, why);
}

static int
let_in(struct handshake *h)
{
	static const unsigned char yes = AUTH_YES;
	int r = h->is_sealed == 0 ? buf_append(&h->reply, &yes, 1) : 0;

	return r < 0 ? internal(h, r) : flush(h);
}

/* --- handing on ---------------------------------------------------------- */

static int
write_context(struct handshake *h, const struct buf *exported, int *out)
{
	struct msg_context m = { .magic = MSG_CONFIG_MAGIC,
	    .len = (uint32_t)exported->len };
	AUTOFD fd = fd_memfd("context");
	int r = fd < 0 ? fd : 0;

	_Static_assert(sizeof(m.client_nonce) == AUTH_NONCE_BYTES, "as wire");
	memcpy(m.client_nonce, h->client_nonce, sizeof(m.client_nonce));
	memcpy(m.server_nonce, h->server_nonce, sizeof(m.server_nonce));
	if (r == 0)
		r = fd_write_all(fd, &m, sizeof(m), -1);
	if (r == 0)
		r = fd_write_all(fd, exported->ptr, exported->len, -1);
	if (r == 0)
		r = fd_seal(fd);
	*out = r == 0 ? fd_take(&fd) : -1;
	return r;
}

static int
export(struct handshake *h, int *context)
{
	struct buf exported = BUF_INIT(CONTEXT_EXPORT_MAX_BYTES);
	int r = context_export(h->context, &exported);

	if (r < 0)
		r = end(h, MSG_AUTH_INTERNAL, context_why(h->context));
	else
		r = internal(h, write_context(h, &exported, context));
	buf_free(&exported);
	return r;
}

int
handshake_run(struct handshake *h, int *context)
{
	struct msg_auth_verdict v;
	int r;

	*context = -1;
	buf_init(&h->reply, HANDSHAKE_REPLY_MAX_BYTES);
	h->over.end = MSG_AUTH_OK;
	h->context = context_new();
	if (h->context == NULL)
		return internal(h, ERR_NOMEM);
	if ((r = begin(h)) < 0 || (r = establish(h)) < 0 ||
	    (r = ask_verdict(h, &v)) < 0)
		return r;
	if (v.is_allowed == 0)
		return refuse(h, v.why);
	if ((r = let_in(h)) < 0)
		return r;
	return h->is_sealed != 0 ? export(h, context) : 0;
}
