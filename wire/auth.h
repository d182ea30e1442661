/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * auth - the packets of the two handshakes that come before anything else.
 *
 *	plain	C '*'   S '*'
 *		C TLEN token, S TLEN token, ... until both sides are content
 *		S 'y' or 'n'		then an ordinary job, in clear
 *
 *	sealed	C SEAL 1, NONC 32 bytes, TLEN token	in one piece
 *		S SEAL 1, NONC 32 bytes, TLEN token	in one piece
 *		... more TLEN, if the mechanism wants; then sealed records
 *		(wire/seal.h) and nothing else
 */
#ifndef WIRE_AUTH_H
#define WIRE_AUTH_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "wire/token.h"

#define AUTH_STAR		'*'	/* wants to authenticate */
#define AUTH_YES		'y'
#define AUTH_NO			'n'
#define AUTH_SEAL_FIRST		'S'	/* first byte of a sealed hello */
#define AUTH_SEAL_VERSION	1

#define AUTH_TOKEN_MAX_BYTES	(64 * 1024)	/* one mechanism token */
#define AUTH_ROUNDS_MAX		8	/* tokens from one side */
#define AUTH_NONCE_BYTES	32
#define AUTH_HELLO_BYTES	(2 * TOKEN_LEN + AUTH_NONCE_BYTES)
#define AUTH_BINDING_BYTES	64	/* room for auth_binding() */

/*
 * auth_decode_length - the header in front of a mechanism token.
 * in      p: TOKEN_LEN bytes, untrusted
 * out     *len: 1 to AUTH_TOKEN_MAX_BYTES
 * returns 0; ERR_SYNTAX; ERR_LIMIT: before anything is allocated
 */
int auth_decode_length(const unsigned char p[TOKEN_LEN], uint32_t *len)
    MUST_CHECK;

/* auth_put_token - append TLEN and a mechanism token to b. */
int auth_put_token(struct buf *b, struct view token) MUST_CHECK;

/* auth_put_hello - append SEAL and NONC to b. */
int auth_put_hello(struct buf *b, const unsigned char nonce[AUTH_NONCE_BYTES])
    MUST_CHECK;

/*
 * auth_decode_hello - SEAL and NONC of the other side.
 * in      p: untrusted
 * returns 0; ERR_SYNTAX; ERR_UNSUPPORTED: another version of sealing
 */
int auth_decode_hello(const unsigned char p[AUTH_HELLO_BYTES],
    unsigned char nonce[AUTH_NONCE_BYTES]) MUST_CHECK;

/*
 * auth_binding - the channel binding's application data.  A token that was
 * made for one kind of handshake, or for one hello, is worth nothing in
 * another.
 * in      nonce: the client's; NULL: the plain handshake
 * returns how many bytes of out are used
 */
size_t auth_binding(const unsigned char *nonce,
    unsigned char out[AUTH_BINDING_BYTES]);

#endif
