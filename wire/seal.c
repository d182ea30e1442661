/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "wire/seal.h"

#define FIXED_BYTES	10

void
seal_init(struct seal *s, bool is_client, const unsigned char *client,
    const unsigned char *server)
{
	memset(s, 0, sizeof(*s));
	s->is_client = is_client;
	memcpy(s->nonces, client, AUTH_NONCE_BYTES);
	memcpy(s->nonces + AUTH_NONCE_BYTES, server, AUTH_NONCE_BYTES);
}

/* The fixed part; returns its bytes. */
static void
encode_fixed(unsigned char p[FIXED_BYTES], bool from_client, int kind,
    uint64_t number)
{
	p[0] = from_client ? 'C' : 'S';
	p[1] = (unsigned char)kind;
	for (size_t i = FIXED_BYTES; i-- > 2; number >>= 8)
		p[i] = (unsigned char)number;
}

int
seal_put_head(struct seal *s, enum seal_kind kind, struct buf *b)
{
	unsigned char p[FIXED_BYTES];
	int r;

	if (s->wrote_last)
		return ERR_PROTOCOL;
	encode_fixed(p, s->is_client, (int)kind, s->wrote);
	r = buf_append(b, p, sizeof(p));
	if (r == 0 && s->wrote == 0)
		r = buf_append(b, s->nonces, sizeof(s->nonces));
	if (r < 0)
		return r;
	s->wrote++;
	s->wrote_last = kind != SEAL_MORE;
	return 0;
}

static bool
is_expected(struct view got, const void *want, size_t len)
{
	return got.len == len && memcmp(got.ptr, want, len) == 0;
}

int
seal_check(struct seal *s, struct view *plain)
{
	unsigned char want[FIXED_BYTES];
	struct view fixed, nonces;
	int kind;

	if (s->read_last || plain->len > SEAL_PLAIN_MAX_BYTES)
		return ERR_PROTOCOL;
	if (view_take(plain, FIXED_BYTES, &fixed) < 0)
		return ERR_SYNTAX;
	kind = fixed.ptr[1];
	if (kind > (s->is_client ? SEAL_REFUSED : SEAL_LAST))
		return ERR_SYNTAX;
	encode_fixed(want, !s->is_client, kind, s->read);
	if (!is_expected(fixed, want, sizeof(want)))
		return ERR_PROTOCOL;
	if (s->read == 0) {
		if (view_take(plain, sizeof(s->nonces), &nonces) < 0)
			return ERR_SYNTAX;
		if (!is_expected(nonces, s->nonces, sizeof(s->nonces)))
			return ERR_PROTOCOL;
	}
	/* it would cost its writer nothing to go on like that for ever */
	if (kind == SEAL_MORE && plain->len == 0)
		return ERR_PROTOCOL;
	s->read++;
	s->read_last = kind != SEAL_MORE;
	return kind;
}

int
seal_decode_length(const unsigned char p[TOKEN_LEN], uint32_t *len)
{
	struct token t;

	if (token_decode(p, &t) < 0 || !token_is(&t, "SREC") || t.val == 0)
		return ERR_SYNTAX;
	if (t.val > SEAL_RECORD_MAX_BYTES)
		return ERR_LIMIT;
	*len = t.val;
	return 0;
}

int
seal_put_record(struct buf *b, struct view wrapped)
{
	if (wrapped.len == 0 || wrapped.len > SEAL_RECORD_MAX_BYTES)
		return ERR_LIMIT;
	return token_put_body(b, "SREC", wrapped);
}
