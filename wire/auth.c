/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "wire/auth.h"

int
auth_decode_length(const unsigned char p[TOKEN_LEN], uint32_t *len)
{
	struct token t;

	if (token_decode(p, &t) < 0 || !token_is(&t, "TLEN") || t.val == 0)
		return ERR_SYNTAX;
	if (t.val > AUTH_TOKEN_MAX_BYTES)
		return ERR_LIMIT;
	*len = t.val;
	return 0;
}

int
auth_put_token(struct buf *b, struct view token)
{
	if (token.len == 0 || token.len > AUTH_TOKEN_MAX_BYTES)
		return ERR_LIMIT;
	return token_put_body(b, "TLEN", token);
}

int
auth_put_hello(struct buf *b, const unsigned char nonce[AUTH_NONCE_BYTES])
{
	int r = token_put(b, "SEAL", AUTH_SEAL_VERSION);

	return r < 0 ? r : token_put_body(b, "NONC",
	    view_of(nonce, AUTH_NONCE_BYTES));
}

int
auth_decode_hello(const unsigned char p[AUTH_HELLO_BYTES],
    unsigned char nonce[AUTH_NONCE_BYTES])
{
	struct token t;

	if (token_decode(p, &t) < 0 || !token_is(&t, "SEAL"))
		return ERR_SYNTAX;
	if (t.val != AUTH_SEAL_VERSION)
		return ERR_UNSUPPORTED;
	if (token_decode(p + TOKEN_LEN, &t) < 0 || !token_is(&t, "NONC") ||
	    t.val != AUTH_NONCE_BYTES)
		return ERR_SYNTAX;
	memcpy(nonce, p + 2 * TOKEN_LEN, AUTH_NONCE_BYTES);
	return 0;
}

size_t
auth_binding(const unsigned char *nonce, unsigned char out[AUTH_BINDING_BYTES])
{
	static const char plain[] = "distcc plain 1", sealed[] =
	    "distcc seal 1 ";

	_Static_assert(sizeof(sealed) - 1 + AUTH_NONCE_BYTES <=
	    AUTH_BINDING_BYTES, "room for the label and the nonce");
	if (nonce == NULL) {
		memcpy(out, plain, sizeof(plain) - 1);
		return sizeof(plain) - 1;
	}
	memcpy(out, sealed, sizeof(sealed) - 1);
	memcpy(out + sizeof(sealed) - 1, nonce, AUTH_NONCE_BYTES);
	return sizeof(sealed) - 1 + AUTH_NONCE_BYTES;
}
