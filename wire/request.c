/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/request.h"

enum state {
	WANT_DIST, WANT_CDIR, WANT_ARGC, WANT_ARGV, WANT_DOTI, WANT_NFIL,
	WANT_NAME, WANT_CONTENT,	/* a header must come next */
	IN_STRING,			/* string_left more bytes into string */
	IN_BODY,			/* body_left more bytes to lend */
	AT_END,				/* REQUEST_DONE is still to be told */
	IS_DONE,
	HAS_FAILED,			/* for good; error says how */
};

struct request {
	enum state state;
	int error;
	char why[96];
	const char *packet;		/* the present one's name, for why */
	struct token_gather gather;

	unsigned int protocol;
	size_t argc;			/* words announced */
	size_t argc_read;		/* words complete */
	uint32_t *arg_at;		/* argc offsets into argv */
	struct buf argv;		/* each word with its NUL */
	struct buf cdir;

	struct buf *string;		/* IN_STRING: what it goes to */
	uint32_t string_left;
	int (*string_end)(struct request *);

	uint32_t nfil, nfil_read;
	struct buf name, target;
	size_t names_len;		/* of all names and targets so far */
	uint32_t body_len, body_left;
	uint64_t bodies_left;		/* cap of this body and all to come */
	struct view chunk;
};

/* what a step returns when the caller need not hear of it */
#define GO_ON	(REQUEST_DONE + 1)

struct request *
request_new(void)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	buf_init(&r->argv, WIRE_ARGV_MAX_BYTES);
	buf_init(&r->cdir, WIRE_CDIR_MAX_BYTES + 1);
	buf_init(&r->name, WIRE_NAME_MAX_BYTES + 1);
	buf_init(&r->target, WIRE_NAME_MAX_BYTES + 1);
	r->bodies_left = WIRE_BODY_MAX_BYTES;
	return r;
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	buf_free(&r->argv);
	buf_free(&r->cdir);
	buf_free(&r->name);
	buf_free(&r->target);
	free(r->arg_at);
	free(r);
}

void
request_set_body_max(struct request *r, uint64_t bytes)
{
	r->bodies_left = bytes < WIRE_BODY_MAX_BYTES ? bytes :
	    WIRE_BODY_MAX_BYTES;
}

/* ---- errors: text of ours only, never a byte of the peer ---- */

/* What may come in each state, for request_why(). */
static const char *const wanted[] = {
	[WANT_DIST] = "DIST",	[WANT_CDIR] = "CDIR",	[WANT_ARGC] = "ARGC",
	[WANT_ARGV] = "ARGV",	[WANT_DOTI] = "DOTI",	[WANT_NFIL] = "NFIL",
	[WANT_NAME] = "NAME",	[WANT_CONTENT] = "FILE or LINK",
};

/* Record an error in the packet that is being read; returns it. */
static int
fail(struct request *r, int error, const char *what)
{
	(void)snprintf(r->why, sizeof(r->why), "%s: %s", r->packet, what);
	r->state = HAS_FAILED;
	r->error = error;
	return error;
}

const char *
request_why(const struct request *r)
{
	return r->why;
}

/* ---- strings ---- */

/*
 * Begin to collect len bytes behind string's present contents.  Memory grows
 * with what arrives, not with what was announced.
 */
static int
begin_string(struct request *r, struct buf *string, uint32_t len,
    int (*end)(struct request *))
{
	r->string = string;
	r->string_left = len;
	r->string_end = end;
	r->state = IN_STRING;
	return GO_ON;
}

static int
end_string(struct request *r)
{
	int error = buf_append(r->string, "", 1);

	if (error < 0)
		return fail(r, error, "no memory for a string");
	return r->string_end(r);
}

static int
step_string(struct request *r, struct view *in)
{
	struct view part;
	size_t n = r->string_left < in->len ? r->string_left : in->len;
	int error;

	if (view_take(in, n, &part) < 0)
		return REQUEST_MORE;
	if (view_has_nul(part))		/* P-004 */
		return fail(r, ERR_SYNTAX, "a NUL inside a string");
	error = buf_append(r->string, part.ptr, part.len);
	if (error < 0)
		return fail(r, error, "no memory for a string");
	r->string_left -= (uint32_t)n;
	return r->string_left == 0 ? end_string(r) : REQUEST_MORE;
}

/* ---- one function a token ---- */

static int
take_dist(struct request *r, uint32_t val)
{
	if (val < 1 || val > 3)		/* P-011 */
		return fail(r, ERR_UNSUPPORTED, "unknown protocol version");
	r->protocol = val;
	r->state = val == 3 ? WANT_CDIR : WANT_ARGC;
	return REQUEST_VERSION;
}

static int
end_cdir(struct request *r)
{
	r->state = WANT_ARGC;
	return GO_ON;
}

static int
take_cdir(struct request *r, uint32_t val)
{
	if (val > WIRE_CDIR_MAX_BYTES)
		return fail(r, ERR_LIMIT, "directory name too long");
	return begin_string(r, &r->cdir, val, end_cdir);
}

static int
take_argc(struct request *r, uint32_t val)
{
	if (val == 0)			/* P-012 */
		return fail(r, ERR_SYNTAX, "no words");
	if (val > WIRE_ARGC_MAX)
		return fail(r, ERR_LIMIT, "too many words");
	r->arg_at = calloc(val, sizeof(*r->arg_at));
	if (r->arg_at == NULL)
		return fail(r, ERR_NOMEM, "no memory for the words");
	r->argc = val;
	r->state = WANT_ARGV;
	return GO_ON;
}

static int
end_argv(struct request *r)
{
	r->argc_read++;
	if (r->argc_read < r->argc) {
		r->state = WANT_ARGV;
		return GO_ON;
	}
	r->state = r->protocol == 3 ? WANT_NFIL : WANT_DOTI;
	return REQUEST_COMMAND;
}

static int
take_argv(struct request *r, uint32_t val)
{
	if (val > WIRE_ARG_MAX_BYTES)
		return fail(r, ERR_LIMIT, "word too long");
	if (val + 1 > r->argv.cap - r->argv.len)
		return fail(r, ERR_LIMIT, "command line too long");
	r->arg_at[r->argc_read] = (uint32_t)r->argv.len;
	return begin_string(r, &r->argv, val, end_argv);
}

static int
take_body(struct request *r, uint32_t val)
{
	if (val > r->bodies_left)	/* P-014 */
		return fail(r, ERR_LIMIT, "more bytes than allowed");
	r->bodies_left -= val;
	r->body_len = r->body_left = val;
	r->state = IN_BODY;
	return REQUEST_FILE;
}

static int
take_nfil(struct request *r, uint32_t val)
{
	if (val == 0)			/* P-031 */
		return fail(r, ERR_SYNTAX, "no files");
	if (val > WIRE_NFIL_MAX)
		return fail(r, ERR_LIMIT, "too many files");
	r->nfil = val;
	r->state = WANT_NAME;
	return GO_ON;
}

/* A NAME or a LINK's target: count it, then collect it. */
static int
take_path(struct request *r, struct buf *path, uint32_t val,
    int (*end)(struct request *))
{
	if (val > WIRE_NAME_MAX_BYTES)
		return fail(r, ERR_LIMIT, "name too long");
	if (val > WIRE_NAMES_MAX_BYTES - r->names_len)
		return fail(r, ERR_LIMIT, "names too long together");
	r->names_len += val;
	buf_reset(path);
	return begin_string(r, path, val, end);
}

static int
end_name(struct request *r)
{
	r->state = WANT_CONTENT;
	return GO_ON;
}

static int
take_name(struct request *r, uint32_t val)
{
	return take_path(r, &r->name, val, end_name);
}

/* A file or a link is complete: what is to come? */
static void
end_entry(struct request *r)
{
	r->nfil_read++;
	r->state = r->nfil_read < r->nfil ? WANT_NAME : AT_END;
}

static int
end_link(struct request *r)
{
	end_entry(r);
	return REQUEST_LINK;
}

static int
take_link(struct request *r, uint32_t val)
{
	return take_path(r, &r->target, val, end_link);
}

static const struct row {
	enum state state;
	const char *name;
	int (*take)(struct request *, uint32_t);
} rows[] = {
	{ WANT_DIST,	"DIST",	take_dist },
	{ WANT_CDIR,	"CDIR",	take_cdir },
	{ WANT_ARGC,	"ARGC",	take_argc },
	{ WANT_ARGV,	"ARGV",	take_argv },
	{ WANT_DOTI,	"DOTI",	take_body },
	{ WANT_NFIL,	"NFIL",	take_nfil },
	{ WANT_NAME,	"NAME",	take_name },
	{ WANT_CONTENT,	"FILE",	take_body },
	{ WANT_CONTENT,	"LINK",	take_link },
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

static int
step_token(struct request *r, struct view *in)
{
	struct token t;
	int got = token_gather(&r->gather, in, &t);

	r->packet = wanted[r->state];
	if (got < 0)
		return fail(r, ERR_SYNTAX, "not a packet header");
	if (got == 0)
		return REQUEST_MORE;
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].state == r->state && token_is(&t, rows[i].name))
			return rows[i].take(r, t.val);
	return fail(r, ERR_SYNTAX, "another packet came instead");	/* P-005 */
}

/* ---- bodies ---- */

static int
step_body(struct request *r, struct view *in)
{
	size_t n = r->body_left < in->len ? r->body_left : in->len;

	if (r->body_left == 0) {
		if (r->protocol == 3)
			end_entry(r);
		else
			r->state = AT_END;
		return REQUEST_FILE_END;
	}
	if (n == 0 || view_take(in, n, &r->chunk) < 0)
		return REQUEST_MORE;
	r->body_left -= (uint32_t)n;
	return REQUEST_BODY;
}

uint32_t
request_body_left(const struct request *r)
{
	return r->state == IN_BODY ? r->body_left : 0;
}

int
request_body_skip(struct request *r, uint32_t n)
{
	if (n > request_body_left(r))
		return ERR_LIMIT;
	r->body_left -= n;
	return 0;
}

/* ---- the machine ---- */

static int
step(struct request *r, struct view *in)
{
	switch (r->state) {
	case HAS_FAILED:
		return r->error;
	case AT_END:
		r->state = IS_DONE;
		return REQUEST_DONE;
	case IS_DONE:			/* P-006 */
		if (in->len == 0)
			return REQUEST_MORE;
		r->packet = "end of the request";
		return fail(r, ERR_SYNTAX, "more bytes follow");
	case IN_STRING:
		return step_string(r, in);
	case IN_BODY:
		return step_body(r, in);
	default:
		return step_token(r, in);
	}
}

int
request_feed(struct request *r, struct view *in)
{
	int event;

	r->chunk = view_of(NULL, 0);
	do {
		event = step(r, in);
	} while (event == GO_ON);
	return event;
}

/* ---- getters ---- */

unsigned int
request_protocol(const struct request *r)
{
	return r->protocol;
}

size_t
request_argc(const struct request *r)
{
	return r->argc;
}

const char *
request_arg(const struct request *r, size_t i)
{
	return i < r->argc_read ? (const char *)r->argv.ptr + r->arg_at[i] :
	    NULL;
}

struct view
request_argv_bytes(const struct request *r)
{
	return buf_view(&r->argv);
}

const char *
request_cdir(const struct request *r)
{
	return r->protocol == 3 ? (const char *)r->cdir.ptr : NULL;
}

const char *
request_name(const struct request *r)
{
	return (const char *)r->name.ptr;
}

const char *
request_target(const struct request *r)
{
	return (const char *)r->target.ptr;
}

uint32_t
request_body_len(const struct request *r)
{
	return r->body_len;
}

struct view
request_chunk(const struct request *r)
{
	return r->chunk;
}

uint32_t
request_files(const struct request *r)
{
	return r->protocol == 3 ? r->nfil : 1;
}

/* ---- the sending side ---- */

/* One string packet, within the cap that the receiver will hold it to. */
static int
put_string(struct buf *b, const char *name, const char *s, size_t max)
{
	size_t len = strlen(s);

	if (len > max)
		return ERR_LIMIT;
	return token_put_body(b, name, view_of(s, len));
}

static int
put_argv(struct buf *b, char *const *argv)
{
	size_t argc = 0, bytes = 0;
	int r;

	for (; argv[argc] != NULL; argc++)
		bytes += strlen(argv[argc]) + 1;
	if (argc == 0)
		return ERR_SYNTAX;
	if (argc > WIRE_ARGC_MAX || bytes > WIRE_ARGV_MAX_BYTES)
		return ERR_LIMIT;
	r = token_put(b, "ARGC", (uint32_t)argc);
	for (size_t i = 0; r == 0 && i < argc; i++)
		r = put_string(b, "ARGV", argv[i], WIRE_ARG_MAX_BYTES);
	return r;
}

int
request_put_head(struct buf *b, unsigned int protocol, const char *cdir,
    char *const *argv)
{
	size_t before = b->len;
	int r;

	if (protocol < 1 || protocol > 3 || (protocol == 3) != (cdir != NULL))
		return ERR_UNSUPPORTED;
	r = token_put(b, "DIST", protocol);
	if (r == 0 && cdir != NULL)
		r = put_string(b, "CDIR", cdir, WIRE_CDIR_MAX_BYTES);
	if (r == 0)
		r = put_argv(b, argv);
	if (r < 0)
		b->len = before;
	return r;
}
