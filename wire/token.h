/* SPDX-License-Identifier: GPL-2.0-or-later */
/* token - the 12-byte packet header: 4 letters, 8 hex digits. */
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

#define TOKEN_LEN	12
#define TOKEN_NAME_LEN	4

struct token {
	char name[TOKEN_NAME_LEN + 1];	/* untrusted: any bytes, NUL added */
	uint32_t val;			/* untrusted: a length or a count */
};

/*
 * token_decode - decode one packet header.
 * in      p: exactly TOKEN_LEN bytes, untrusted, borrowed
 * out     t: name and value; no cap has been applied to the value
 * returns 0; ERR_SYNTAX unless all eight digits are [0-9a-fA-F] and the name
 *         is four ASCII upper-case letters or digits
 * wire    P-001, P-002
 */
int token_decode(const unsigned char p[TOKEN_LEN], struct token *t) MUST_CHECK;

/*
 * A header that arrives in pieces.  Zeroed: nothing gathered yet.
 */
struct token_gather {
	unsigned char bytes[TOKEN_LEN];
	size_t have;
};

/*
 * token_gather - go on collecting one header.
 * in      in: untrusted; advanced past what was used, at most to the header's
 *         end
 * returns 1 and the header in *t, g ready for the next; 0 when all input is
 *         used and bytes are still missing; ERR_SYNTAX as token_decode()
 * wire    P-001, P-002
 */
int token_gather(struct token_gather *g, struct view *in, struct token *t)
    MUST_CHECK;

/* token_is - whether t's name is this four-letter name. */
bool token_is(const struct token *t, const char *name);

/* token_encode - write a header; name is exactly four letters, ours. */
void token_encode(unsigned char p[TOKEN_LEN], const char *name, uint32_t val);

/*
 * token_put, token_put_body - append a header, or a header and its body, to b.
 * returns 0; ERR_LIMIT (b's cap, or a body of more than 32 bits of length),
 *         ERR_NOMEM; b is unchanged on error
 */
int token_put(struct buf *b, const char *name, uint32_t val) MUST_CHECK;
int token_put_body(struct buf *b, const char *name, struct view body)
    MUST_CHECK;

#endif
