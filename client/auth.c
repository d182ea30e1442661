/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/auth.h"

#ifdef NO_GSSAPI

const char *
auth_missing(void)
{
	return "authentication (,auth and ,seal) is not built in";
}

int
auth_begin(struct auth **out, int fd, const struct host *host,
    const struct env *env, char why[AUTH_WHY_BYTES])
{
	(void)fd;
	(void)host;
	(void)env;
	*out = NULL;
	(void)snprintf(why, AUTH_WHY_BYTES, "%s", auth_missing());
	return ERR_UNSUPPORTED;
}

void
auth_free(struct auth *a)
{
	(void)a;
}

const char *
auth_why(const struct auth *a)
{
	(void)a;
	return "";
}

int
auth_pack(struct auth *a, struct view in, bool last, struct buf *out)
{
	(void)a;
	(void)in;
	(void)last;
	(void)out;
	return ERR_UNSUPPORTED;
}

ssize_t
auth_read(struct auth *a, void *ptr, size_t size, int64_t deadline_ms)
{
	(void)a;
	(void)ptr;
	(void)size;
	(void)deadline_ms;
	return ERR_UNSUPPORTED;
}

int
auth_read_end(struct auth *a, int64_t deadline_ms)
{
	(void)a;
	(void)deadline_ms;
	return ERR_UNSUPPORTED;
}

#else

#include <dlfcn.h>
#include <limits.h>
#include <sys/random.h>
#include <unistd.h>

#include "auth/plugin.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "wire/auth.h"

#define HANDSHAKE_MS	10000	/* all of it: the server has as long */
#define REPLY_BYTES	(SEAL_RECORD_MAX_BYTES + TOKEN_LEN)

#ifndef LIBEXECDIR
#define LIBEXECDIR	"/usr/local/libexec/distcc"
#endif

static const struct auth_plugin *gss;

struct auth {
	int fd;				/* borrowed */
	struct stream *stream;		/* owns */
	unsigned char raw[REPLY_BYTES];
	struct view unread;		/* of raw */
	struct view clear;		/* lent by stream */
	char why[AUTH_WHY_BYTES];
};

/* A handshake on its way. */
struct handshake {
	int fd;
	const struct host *host;
	const struct env *env;
	int64_t deadline_ms;
	struct context *context;	/* owns */
	bool is_sealed;
	bool has_begun;			/* the hello was sent */
	bool has_hello;			/* the server's was read */
	const char *service;
	unsigned char nonce[AUTH_NONCE_BYTES];
	unsigned char server_nonce[AUTH_NONCE_BYTES];
	char *why;			/* AUTH_WHY_BYTES */
};

const char *
auth_missing(void)
{
	return NULL;
}

/* --- the plugin ---------------------------------------------------------- */

/* In a build tree it is in ../libexec beside our bin. */
static void *
load_near(void)
{
	char path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	for (int i = 0; i < 2; i++) {
		if ((slash = strrchr(path, '/')) == NULL)
			return NULL;
		*slash = '\0';
	}
	n = (ssize_t)strlen(path);
	(void)snprintf(path + n, sizeof(path) - (size_t)n, "/libexec/%s",
	    PLUGIN_FILE);
	return access(path, R_OK) == 0 ? dlopen(path, RTLD_NOW) : NULL;
}

static int
load(char why[AUTH_WHY_BYTES])
{
	const struct auth_plugin *found;
	void *so;

	if (gss != NULL)
		return 0;
	so = load_near();
	if (so == NULL)
		so = dlopen(LIBEXECDIR "/" PLUGIN_FILE, RTLD_NOW);
	if (so == NULL) {
		(void)snprintf(why, AUTH_WHY_BYTES, "can't load GSSAPI: %s",
		    dlerror());
		return ERR_UNSUPPORTED;
	}
	found = dlsym(so, PLUGIN_SYMBOL);
	if (found == NULL || strcmp(found->version, VERSION) != 0) {
		(void)snprintf(why, AUTH_WHY_BYTES,
		    "%s is of another version", PLUGIN_FILE);
		return ERR_UNSUPPORTED;
	}
	gss = found;
	return 0;
}

/* --- handshake ----------------------------------------------------------- */

static int
explain(struct handshake *h, int err, const char *why)
{
	(void)snprintf(h->why, AUTH_WHY_BYTES, "%s", why);
	return err;
}

static int
refused_by_library(struct handshake *h, int err)
{
	return explain(h, err, gss->context_why(h->context));
}

static int
get(struct handshake *h, void *ptr, size_t len)
{
	int r = fd_read_exact(h->fd, ptr, len, h->deadline_ms);

	if (r == ERR_TIMEOUT)
		return explain(h, r, "the server does not answer the "
		    "handshake");
	return r < 0 ? explain(h, r, h->is_sealed ?
	    "the server closed the connection: it does not accept us, or "
	    "does not seal" : "the server closed the connection: it does not "
	    "accept us, or does not authenticate") : 0;
}

/*
 * Whom to reach.  DISTCC_PRINCIPAL with a "/" or "@" is a whole principal, else
 * a service on the host.  The default is distcc; stock's client asks for host,
 * so ",auth" tries that too if the KDC knows of no distcc there.
 */
static int
set_target(struct handshake *h)
{
	const char *name = h->env->principal;
	const char *host = h->host->auth_name != NULL ? h->host->auth_name :
	    h->host->name;
	AUTOFREE char *service = NULL;
	bool is_whole = name != NULL && strpbrk(name, "/@") != NULL;
	int r;

	if (!is_whole)
		service = mem_printf("%s@%s", name != NULL ? name :
		    h->service, host);
	r = gss->set_target(h->context, is_whole ? name : service, is_whole);
	return r < 0 ? refused_by_library(h, r) : 0;
}

/* Our first bytes go out in front of the first token, in the same write. */
static int
put_hello(struct handshake *h, struct buf *out)
{
	static const unsigned char star = AUTH_STAR;

	if (h->has_begun)
		return 0;
	h->has_begun = true;
	return h->is_sealed ? auth_put_hello(out, h->nonce) :
	    buf_append(out, &star, 1);
}

static int
send_token(struct handshake *h, struct view token)
{
	struct buf out = BUF_INIT(AUTH_TOKEN_MAX_BYTES + 2 * AUTH_HELLO_BYTES);
	int r = put_hello(h, &out);

	if (r == 0)
		r = auth_put_token(&out, token);
	if (r == 0)
		r = fd_write_all(h->fd, out.ptr, out.len, h->deadline_ms);
	buf_free(&out);
	return r < 0 ? explain(h, r, "can't send the handshake") : 0;
}

static int
get_hello(struct handshake *h)
{
	unsigned char p[AUTH_HELLO_BYTES];
	int r;

	if (h->has_hello)
		return 0;
	h->has_hello = true;
	if ((r = get(h, p, h->is_sealed ? sizeof(p) : 1)) < 0)
		return r;
	if (!h->is_sealed)
		return p[0] == AUTH_STAR ? 0 : explain(h, ERR_PROTOCOL,
		    "the server does not authenticate");
	r = auth_decode_hello(p, h->server_nonce);
	return r < 0 ? explain(h, ERR_PROTOCOL, "the server does not seal, "
	    "or in another way") : 0;
}

/* The server's token; the caller frees *token. */
static int
get_token(struct handshake *h, unsigned char **token, uint32_t *len)
{
	unsigned char header[TOKEN_LEN];
	int r = get_hello(h);

	if (r == 0)
		r = get(h, header, sizeof(header));
	if (r < 0)
		return r;
	if (auth_decode_length(header, len) < 0)
		return explain(h, ERR_PROTOCOL, "no token of the server "
		    "where one belongs");
	*token = mem_calloc(*len, 1);
	return get(h, *token, *len);
}

/* One token of ours, and if more is needed one of the server's. */
static int
initiate(struct handshake *h, struct view token, struct buf *out, bool *done)
{
	int r = gss->initiate(h->context, token, out, done);

	if (r == ERR_NOENT && !h->has_begun && !h->is_sealed &&
	    h->env->principal == NULL && strcmp(h->service, "host") != 0) {
		h->service = "host";
		log_debug("%s; trying host@ as stock's client does",
		    gss->context_why(h->context));
		if ((r = set_target(h)) < 0)
			return r;
		r = gss->initiate(h->context, token, out, done);
	}
	return r < 0 ? refused_by_library(h, ERR_ACCESS) : 0;
}

static int
establish(struct handshake *h)
{
	AUTOFREE unsigned char *token = NULL;
	bool is_done = false;
	uint32_t len = 0;

	for (int round = 0; round <= AUTH_ROUNDS_MAX; round++) {
		struct buf out = BUF_INIT(AUTH_TOKEN_MAX_BYTES);
		int r = initiate(h, view_of(token, len), &out, &is_done);

		free(token);
		token = NULL;
		if (r == 0 && out.len != 0)
			r = send_token(h, buf_view(&out));
		buf_free(&out);
		if (r < 0 || is_done)
			return r;
		if ((r = get_token(h, &token, &len)) < 0)
			return r;
	}
	return explain(h, ERR_LIMIT, "too many tokens");
}

static int
get_verdict(struct handshake *h)
{
	unsigned char verdict;
	int r = get(h, &verdict, 1);

	if (r < 0)
		return r;
	if (verdict == AUTH_YES)
		return 0;
	return explain(h, ERR_ACCESS, verdict == AUTH_NO ?
	    "the server refuses this principal" : "no verdict of the server");
}

static int
prepare(struct handshake *h)
{
	unsigned char binding[AUTH_BINDING_BYTES];
	size_t len;
	int r;

	h->context = gss->context_new();
	if (h->context == NULL)
		return explain(h, ERR_NOMEM, "no memory");
	if ((r = set_target(h)) < 0 || !h->is_sealed)
		return r;
	if (getrandom(h->nonce, sizeof(h->nonce), 0) !=
	    (ssize_t)sizeof(h->nonce))
		return explain(h, ERR_SYS, "no random numbers");
	len = auth_binding(h->nonce, binding);
	return gss->set_binding(h->context, binding, len);
}

static int
become_sealed(struct handshake *h, struct auth **out)
{
	struct auth *a = mem_calloc(1, sizeof(*a));

	a->fd = h->fd;
	a->stream = gss->stream_new(h->context, true, h->nonce,
	    h->server_nonce);
	h->context = NULL;
	*out = a;
	return a->stream != NULL ? 0 : explain(h, ERR_NOMEM, "no memory");
}

static int
shake_hands(struct handshake *h, struct auth **out)
{
	int r;

	if ((r = prepare(h)) < 0 || (r = establish(h)) < 0)
		return r;
	r = h->is_sealed ? gss->check_sealed(h->context) :
	    gss->check_mutual(h->context);
	if (r < 0)
		return refused_by_library(h, r);
	return h->is_sealed ? become_sealed(h, out) : get_verdict(h);
}

int
auth_begin(struct auth **out, int fd, const struct host *host,
    const struct env *env, char why[AUTH_WHY_BYTES])
{
	struct handshake h = { .fd = fd, .host = host, .env = env,
	    .is_sealed = host->has_seal, .service = "distcc", .why = why,
	    .deadline_ms = clock_ms() + HANDSHAKE_MS };
	int r = load(why);

	*out = NULL;
	if (r < 0)
		return r;
	r = shake_hands(&h, out);
	gss->context_free(h.context);
	return r;
}

/* --- a sealed connection ------------------------------------------------- */

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	gss->stream_free(a->stream);
	free(a);
}

const char *
auth_why(const struct auth *a)
{
	return a->why;
}

static int
spoilt(struct auth *a, int err)
{
	(void)snprintf(a->why, sizeof(a->why), err == ERR_CLOSED ?
	    "the server refuses us: %s" : "sealed connection: %s",
	    gss->stream_why(a->stream));
	return ERR_ACCESS;
}

int
auth_pack(struct auth *a, struct view in, bool last, struct buf *out)
{
	int r;

	buf_reset(out);
	do {
		r = gss->pack(a->stream, &in, last ? SEAL_LAST : SEAL_MORE,
		    out);
	} while (r == 0 && in.len != 0);
	return r < 0 ? spoilt(a, ERR_ACCESS) : 0;
}

/* One record's clear bytes, reading what it needs. */
static int
next_record(struct auth *a, int64_t deadline_ms)
{
	for (;;) {
		int r = gss->feed(a->stream, &a->unread, &a->clear);
		ssize_t n;

		if (r < 0)
			return spoilt(a, r);
		if (r == 1)
			return 0;
		n = fd_read_some(a->fd, a->raw, sizeof(a->raw), deadline_ms);
		if (n < 0)
			return n == ERR_CLOSED ? ERR_TRUNCATED : (int)n;
		a->unread = view_of(a->raw, (size_t)n);
	}
}

ssize_t
auth_read(struct auth *a, void *ptr, size_t size, int64_t deadline_ms)
{
	struct view part;
	int r;

	while (a->clear.len == 0) {
		if (gss->is_over(a->stream) && a->unread.len == 0)
			return ERR_CLOSED;
		if ((r = next_record(a, deadline_ms)) < 0)
			return r;
	}
	if (view_take(&a->clear, a->clear.len < size ? a->clear.len : size,
	    &part) < 0)
		return ERR_TRUNCATED;
	memcpy(ptr, part.ptr, part.len);
	return (ssize_t)part.len;
}

int
auth_read_end(struct auth *a, int64_t deadline_ms)
{
	unsigned char byte;
	ssize_t n = auth_read(a, &byte, 1, deadline_ms);

	if (n == ERR_CLOSED)
		return 0;
	if (n >= 0)
		(void)snprintf(a->why, sizeof(a->why),
		    "sealed connection: more bytes behind the reply");
	return n < 0 ? (int)n : ERR_ACCESS;
}

#endif
