/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request - what a client sends: one compile job, protocols 1, 2 and 3.
 *
 * A push parser without system calls.  The owner feeds bytes as they come, in
 * pieces of any size, and gets events; a file's body is never collected here
 * but lent piece by piece, so memory is bounded by wire/limits.h.
 */
#ifndef WIRE_REQUEST_H
#define WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "wire/limits.h"
#include "wire/token.h"

enum request_event {
	REQUEST_MORE,		/* all input used; feed more */
	REQUEST_VERSION,	/* r->protocol is known (1, 2 or 3) */
	REQUEST_COMMAND,	/* r->argc words are complete, r->cdir too */
	REQUEST_FILE,		/* a body of r->body_len bytes begins; in
				   protocol 3 r->name is its name */
	REQUEST_BODY,		/* r->chunk holds the body's next bytes */
	REQUEST_FILE_END,	/* the body is complete */
	REQUEST_LINK,		/* protocol 3: r->name is a link to r->target */
	REQUEST_DONE,		/* the whole request has been read */
};

struct request;			/* opaque but for the getters */

struct request *request_new(void);	/* NULL: no memory */
void request_free(struct request *r);

/*
 * request_feed - go on parsing.
 * in      in: untrusted bytes; advanced past what was used.  Call again with
 *         what is left until REQUEST_MORE.
 * returns an enum request_event (>= 0); or, final for this request,
 *         ERR_SYNTAX (not the format), ERR_LIMIT (a cap of limits.h or of
 *         request_set_body_max), ERR_UNSUPPORTED (unknown protocol version),
 *         ERR_NOMEM.  request_why() says what and where.
 * After REQUEST_DONE any further byte is ERR_SYNTAX.
 * wire    P-001 … P-033
 */
int request_feed(struct request *r, struct view *in) MUST_CHECK;

/* request_why - one English clause for the log about the last error; static
 * or owned by r; contains no byte of the peer. */
const char *request_why(const struct request *r);

/* request_set_body_max - a tighter cap than WIRE_BODY_MAX_BYTES, in bytes as
 * sent, for all bodies of the request together (and so for each).  To be called
 * before the first request_feed(). */
void request_set_body_max(struct request *r, uint64_t bytes);

/* Getters; each is valid from the event named above on. */
unsigned int request_protocol(const struct request *r);
size_t request_argc(const struct request *r);
/* one word, NUL-terminated, owned by r, without NULs inside, untrusted */
const char *request_arg(const struct request *r, size_t i);
/* all words, each with its NUL, in one piece */
struct view request_argv_bytes(const struct request *r);
const char *request_cdir(const struct request *r);	/* protocol 3, else NULL */
const char *request_name(const struct request *r);	/* lent until next feed */
const char *request_target(const struct request *r);	/* lent until next feed */
uint32_t request_body_len(const struct request *r);	/* as sent */
struct view request_chunk(const struct request *r);	/* lent until next feed */
uint32_t request_files(const struct request *r);	/* NFIL; 1 in 1 and 2 */

/*
 * For a reader that wants to read a large body straight into its place:
 * how many bytes of the present body are still to come, and to say that n of
 * them were read without passing through request_feed() (ERR_LIMIT if more).
 */
uint32_t request_body_left(const struct request *r);
int request_body_skip(struct request *r, uint32_t n) MUST_CHECK;

/* ---- the sending side ---- */

/* request_put_head - DIST, (CDIR,) ARGC and ARGV: everything before the files.
 * in cdir: protocol 3's working directory, else NULL; argv: NULL-terminated */
int request_put_head(struct buf *b, unsigned int protocol, const char *cdir,
    char *const *argv) MUST_CHECK;

#endif
