/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "client/auth.h"
#include "client/connect.h"
#include "client/remote.h"
#include "client/ssh.h"
#include "client/state.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "wire/limits.h"
#include "wire/lzo.h"
#include "wire/request.h"
#include "wire/token.h"

#define HEAD_MAX_BYTES	(WIRE_ARGV_MAX_BYTES + WIRE_CDIR_MAX_BYTES + \
			 WIRE_ARGC_MAX * TOKEN_LEN + 64)
#define READ_BYTES	(64 * 1024)
#define UNPACK_MIN_BYTES (16 * 1024)
#define UNPACK_FIRST	4	/* first guess: plain text per packed byte */
#define IOV_BATCH	512	/* pieces of one sendmsg() */

struct remote {
	const struct env *env;
	const struct host *host;
	struct cpp *cpp;
	const struct fileset *files;
	struct connect conn;
	struct ssh ssh;
	struct auth *auth;		/* owns: a sealed connection, or NULL */
	struct buf sealed;		/* records on their way out */
	unsigned int protocol;
	struct buf head;		/* still to be sent; then empty */
	unsigned char *packed;		/* owns: the compressed source */
	bool has_reply;			/* some of it */
	struct remote_result *res;
};

void
remote_result_init(struct remote_result *res)
{
	memset(res, 0, sizeof(*res));
	for (size_t i = 0; i < REMOTE_PARTS; i++)
		buf_init(&res->part[i], WIRE_BODY_MAX_BYTES);
}

void
remote_result_free(struct remote_result *res)
{
	for (size_t i = 0; i < REMOTE_PARTS; i++)
		buf_free(&res->part[i]);
}

static int
explain(struct remote *r, int err, const char *what)
{
	(void)snprintf(r->res->why, sizeof(r->res->why), "%s: %s", what,
	    err_text(err));
	return err;
}

static int64_t
idle_deadline(const struct remote *r)
{
	return clock_ms() + r->env->io_timeout_s * 1000;
}

/* ---- sending ---- */

/* Skip what has been sent of n pieces. */
static void
advance(struct iovec *piece, size_t n, size_t sent)
{
	for (size_t i = 0; i < n && sent != 0; i++) {
		size_t step = sent < piece[i].iov_len ? sent : piece[i].iov_len;

		piece[i].iov_base = (char *)piece[i].iov_base + step;
		piece[i].iov_len -= step;
		sent -= step;
	}
}

/*
 * Wait until more can be sent.  A server that answers before it has read
 * everything refuses the job: ERR_BUSY, and its answer tells why.
 */
static int
wait_to_send(struct remote *r)
{
	int e;

	state_phase(STATE_SEND);
	e = fd_wait(r->conn.fd, POLLIN | POLLOUT, idle_deadline(r));
	if (e < 0)
		return e;
	return (e & POLLOUT) == 0 && (e & POLLIN) != 0 ? ERR_BUSY : 0;
}

static int
send_clear(struct remote *r, struct iovec *piece, size_t n)
{
	struct msghdr msg = { .msg_iov = piece, .msg_iovlen = n };
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		left += piece[i].iov_len;
	while (left != 0) {
		ssize_t sent = sendmsg(r->conn.fd, &msg, MSG_NOSIGNAL);
		int e = 0;

		if (sent >= 0) {
			advance(piece, n, (size_t)sent);
			left -= (size_t)sent;
		} else if (errno == EAGAIN) {
			e = wait_to_send(r);
		} else if (errno != EINTR) {
			e = err_from_errno(errno);
		}
		if (e < 0)
			return e;
	}
	return 0;
}

static struct iovec piece_of(const void *p, size_t len);

/* Each piece as records; nothing follows the last of the last pieces. */
static int
send_sealed(struct remote *r, const struct iovec *piece, size_t n, bool last)
{
	for (size_t i = 0; i < n; i++) {
		struct iovec out;
		int e = auth_pack(r->auth, view_of(piece[i].iov_base,
		    piece[i].iov_len), last && i == n - 1, &r->sealed);

		if (e < 0)
			return e;
		out = piece_of(r->sealed.ptr, r->sealed.len);
		if ((e = send_clear(r, &out, 1)) < 0)
			return e;
	}
	return 0;
}

/* in      last: the request ends here */
static int
send_pieces(struct remote *r, struct iovec *piece, size_t n, bool last)
{
	return r->auth != NULL ? send_sealed(r, piece, n, last) :
	    send_clear(r, piece, n);
}

static struct iovec
piece_of(const void *p, size_t len)
{
	union { const void *in; void *out; } base = { p };

	return (struct iovec){ base.out, len };
}

/*
 * As many pieces at one time as a call takes; the present one is copied, since
 * sending changes it.  Sealed, they are one: a record a header would be dear.
 */
static int
send_batches(struct remote *r, const struct fileset *fs)
{
	struct iovec piece[IOV_BATCH + 1] = {
		piece_of(r->head.ptr, r->head.len),
	};
	size_t n, first = 1;
	int e = 0;

	for (size_t i = 0; e == 0 && i < fs->npieces; i += n) {
		n = fs->npieces - i < IOV_BATCH ? fs->npieces - i : IOV_BATCH;
		memcpy(piece + first, fs->piece + i, n * sizeof(*piece));
		e = send_pieces(r, piece, first + n, i + n == fs->npieces);
		first = 0;
	}
	return e;
}

static int
send_joined(struct remote *r, const struct fileset *fs)
{
	size_t bytes = r->head.len + (size_t)fs->bytes;
	struct buf all = BUF_INIT(bytes);
	struct iovec piece;
	int e = buf_reserve(&all, bytes);

	if (e == 0)
		e = buf_append(&all, r->head.ptr, r->head.len);
	for (size_t i = 0; e == 0 && i < fs->npieces; i++)
		e = buf_append(&all, fs->piece[i].iov_base,
		    fs->piece[i].iov_len);
	if (e == 0) {
		piece = piece_of(all.ptr, all.len);
		e = send_pieces(r, &piece, 1, true);
	}
	buf_free(&all);
	return e;
}

/* While the preprocessor runs: the server can start its side. */
static int
send_head(struct remote *r)
{
	struct iovec piece = piece_of(r->head.ptr, r->head.len);
	int e = send_pieces(r, &piece, 1, false);

	buf_reset(&r->head);
	return e;
}

static int
pack(struct remote *r, struct view *body)
{
	size_t len = 0;
	int e;

	if (r->protocol == 1 || body->len == 0)
		return 0;
	r->packed = malloc(lzo_bound(body->len));
	if (r->packed == NULL)
		return ERR_NOMEM;
	e = lzo_pack(body->ptr, body->len, r->packed, &len);
	*body = view_of(r->packed, len);
	return e;
}

static int
send_source(struct remote *r)
{
	struct view body = view_of(r->cpp->text, r->cpp->len);
	unsigned char token[TOKEN_LEN];
	int e = pack(r, &body);

	if (e < 0)
		return e;
	token_encode(token, "DOTI", (uint32_t)body.len);
	{
		struct iovec piece[] = {
			piece_of(r->head.ptr, r->head.len),
			piece_of(token, sizeof(token)),
			piece_of(body.ptr, body.len),
		};

		e = send_pieces(r, piece, sizeof(piece) / sizeof(piece[0]),
		    true);
	}
	return e;
}

static int
send_files(struct remote *r)
{
	return r->auth != NULL ? send_joined(r, r->files) :
	    send_batches(r, r->files);
}

/* ---- connecting while the preprocessor runs ---- */

static int
wait_for_either(struct remote *r)
{
	struct pollfd p[CONNECT_ADDRS_MAX + 1];
	size_t n;

	if (r->conn.is_done && r->cpp->pidfd < 0) {
		cpp_finish(r->cpp, r->env);
		return 0;
	}
	n = connect_poll(&r->conn, p);
	p[n] = (struct pollfd){ r->cpp->is_done ? -1 : r->cpp->pidfd, POLLIN,
	    0 };
	if (poll(p, n + 1, clock_poll_timeout(connect_wake_ms(&r->conn))) < 0)
		return errno == EINTR ? 0 : err_from_errno(errno);
	if (p[n].revents != 0)
		cpp_finish(r->cpp, r->env);
	return r->conn.is_done ? 0 : connect_step(&r->conn);
}

static int
explain_connect(struct remote *r, int e)
{
	(void)snprintf(r->res->why, sizeof(r->res->why), "%s",
	    r->conn.why[0] != '\0' ? r->conn.why : err_text(e));
	return e;
}

/* SSH has done this in its own way. */
static int
authenticate(struct remote *r)
{
	if (r->host->kind == HOST_SSH ||
	    (!r->host->has_auth && !r->host->has_seal))
		return 0;
	return auth_begin(&r->auth, r->conn.fd, r->host, r->env, r->res->why);
}

/* What can be done while the preprocessor goes on. */
static int
use_connection(struct remote *r)
{
	int e = authenticate(r);

	if (e < 0 || r->cpp->is_done)
		return e;
	e = send_head(r);
	return e < 0 ? explain(r, e, "sending the command") : 0;
}

static int
prepare(struct remote *r)
{
	bool is_used = false;

	while (!is_used || !r->cpp->is_done) {
		int e;

		if (r->conn.is_done && !is_used) {
			e = use_connection(r);
			is_used = true;
		} else {
			e = wait_for_either(r);
			if (e < 0)
				return explain_connect(r, e);
		}
		if (r->cpp->has_failed)
			return ERR_ACCESS;
		if (e < 0)
			return e;
	}
	return 0;
}

/* ---- the reply ---- */

static ssize_t
read_some(struct remote *r, void *ptr, size_t size)
{
	ssize_t n = r->auth != NULL ?
	    auth_read(r->auth, ptr, size, idle_deadline(r)) :
	    fd_read_some(r->conn.fd, ptr, size, idle_deadline(r));

	if (n > 0)
		r->has_reply = true;
	else if (!r->has_reply)
		r->res->is_silent = n == ERR_CLOSED || n == ERR_TRUNCATED;
	return n;
}

/* The rest of a long part goes straight to its place. */
static ssize_t
read_part(struct remote *r, struct reply *reply, size_t left)
{
	struct buf *b = &r->res->part[reply_part(reply)];
	ssize_t n = read_some(r, b->ptr + b->len, left);
	int e;

	if (n < 0)
		return n;
	b->len += (size_t)n;
	e = reply_body_skip(reply, (uint32_t)n);
	return e < 0 ? e : 0;
}

/* returns bytes in *in, or 0 with nothing new for the parser, or an error */
static ssize_t
read_more(struct remote *r, struct reply *reply, struct view *in)
{
	static unsigned char bytes[READ_BYTES];
	uint32_t left = reply_body_left(reply);
	ssize_t n;

	*in = view_of(bytes, 0);
	if (left >= READ_BYTES)
		return read_part(r, reply, left);
	n = read_some(r, bytes, sizeof(bytes));
	if (n > 0)
		in->len = (size_t)n;
	return n;
}

static int
on_event(struct remote *r, struct reply *reply, int event)
{
	struct remote_result *res = r->res;
	struct view chunk;

	switch (event) {
	case REPLY_STATUS:
		res->status = reply_status(reply);
		return 0;
	case REPLY_PART:
		if (reply_part(reply) >= REMOTE_PARTS)
			return ERR_PROTOCOL;
		return buf_reserve(&res->part[reply_part(reply)],
		    reply_body_len(reply));
	case REPLY_BODY:
		chunk = reply_chunk(reply);
		return buf_append(&res->part[reply_part(reply)], chunk.ptr,
		    chunk.len);
	default:
		return 0;
	}
}

static int
explain_seal(struct remote *r, int e)
{
	(void)snprintf(r->res->why, sizeof(r->res->why), "%s",
	    auth_why(r->auth));
	return e;
}

/* What is not sealed to its end may have lost its end. */
static int
check_end(struct remote *r)
{
	int e = auth_read_end(r->auth, idle_deadline(r));

	if (e == ERR_ACCESS)
		return explain_seal(r, e);
	return e < 0 ? explain(r, e, "the reply's end") : 0;
}

/* Everything up to REPLY_DONE; returns 0 then. */
static int
read_events(struct remote *r, struct reply *reply)
{
	struct view in = view_of("", 0);

	for (;;) {
		int e = reply_feed(reply, &in);

		if (e == REPLY_DONE)
			return r->auth != NULL ? check_end(r) : 0;
		if (e < 0) {
			(void)snprintf(r->res->why, sizeof(r->res->why),
			    "bad reply: %s", reply_why(reply));
			return e;
		}
		if (e == REPLY_MORE) {
			ssize_t n = read_more(r, reply, &in);

			e = n < 0 ? (int)n : 0;
		} else {
			e = on_event(r, reply, e);
		}
		if (e == ERR_ACCESS && r->auth != NULL)
			return explain_seal(r, e);
		if (e < 0)
			return explain(r, e, "reading the reply");
	}
}

static int
unpack_part(struct buf *b)
{
	size_t room = b->len * UNPACK_FIRST < UNPACK_MIN_BYTES ?
	    UNPACK_MIN_BYTES : b->len * UNPACK_FIRST;
	int e = ERR_LIMIT;

	while (e == ERR_LIMIT && room <= WIRE_BODY_MAX_BYTES) {
		/* no more than that: it may fit where the source was */
		struct buf plain = BUF_INIT(room);

		e = buf_reserve(&plain, room);
		if (e == 0)
			e = lzo_unpack(b->ptr, b->len, plain.ptr, room,
			    &plain.len);
		if (e == 0) {
			buf_free(b);
			*b = plain;
		} else {
			buf_free(&plain);
		}
		room *= 2;
	}
	return e;
}

static int
unpack(struct remote *r)
{
	for (size_t i = 0; r->protocol > 1 && i < REMOTE_PARTS; i++) {
		struct buf *b = &r->res->part[i];
		int e = b->len != 0 ? unpack_part(b) : 0;

		if (e < 0)
			return explain(r, e,
			    reply_part_name((enum reply_part)i));
	}
	return 0;
}

static int
read_reply(struct remote *r)
{
	struct reply *reply = reply_new(r->protocol);
	int e = reply != NULL ? read_events(r, reply) : ERR_NOMEM;

	reply_free(reply);
	return e < 0 ? e : unpack(r);
}

static int
converse(struct remote *r)
{
	int e = prepare(r);

	if (e < 0)
		return e;
	e = r->files != NULL ? send_files(r) : send_source(r);
	/* what the server said before it hung up tells more than our error */
	if (e < 0 && e != ERR_BUSY && e != ERR_CLOSED)
		return explain(r, e, "sending the source");
	state_phase(STATE_COMPILE);
	return read_reply(r);
}

static unsigned int
protocol_of(const struct host *host, const struct remote_job *job)
{
	if (job->files != NULL)
		return 3;
#ifdef NO_LZO
	if (host->is_compressed)
		log_info("%s: compression is not built in; sending plain",
		    host->spec);
	return 1;
#else
	return host->is_compressed ? 2 : 1;
#endif
}

/* ssh is as good as connected: what goes wrong shows when it ends. */
static int
start(struct remote *r)
{
	r->ssh.messages = -1;
	if (r->host->kind != HOST_SSH)
		return connect_start(&r->conn, r->host);
	r->conn.fd = -1;
	r->conn.is_done = true;
	return ssh_start(&r->ssh, r->env, r->host, &r->conn.fd);
}

int
remote_run(const struct env *env, const struct host *host,
    const struct remote_job *job, struct remote_result *res)
{
	struct cpp none = { .pidfd = -1, .is_done = true };
	struct remote r = {
		.env = env, .host = host, .res = res, .files = job->files,
		.cpp = job->files != NULL ? &none : job->cpp,
		.protocol = protocol_of(host, job),
		.head = BUF_INIT(HEAD_MAX_BYTES),
		.sealed = BUF_INIT(2 * (size_t)WIRE_BODY_MAX_BYTES),
	};
	int e = start(&r);

	if (e < 0) {
		(void)explain_connect(&r, e);
	} else {
		e = request_put_head(&r.head, r.protocol, job->files != NULL ?
		    job->files->cdir : NULL, job->argv);
		e = e < 0 ? explain(&r, e, "the command") : converse(&r);
	}
	if (e < 0 && host->kind == HOST_SSH) {
		fd_close(&r.conn.fd);
		ssh_explain(&r.ssh, res->why, sizeof(res->why));
	}
	ssh_free(&r.ssh);
	auth_free(r.auth);
	buf_free(&r.sealed);
	connect_free(&r.conn);
	buf_free(&r.head);
	free(r.packed);
	return e;
}
