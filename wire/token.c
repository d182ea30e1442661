/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "wire/token.h"

/* The value of one hex digit, or -1: no locale, no sign, no blank (P-002). */
static int
digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_name_char(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int
token_decode(const unsigned char p[TOKEN_LEN], struct token *t)
{
	uint32_t val = 0;

	for (size_t i = 0; i < TOKEN_NAME_LEN; i++)
		if (!is_name_char(p[i]))
			return ERR_SYNTAX;
	for (size_t i = TOKEN_NAME_LEN; i < TOKEN_LEN; i++) {
		int d = digit(p[i]);

		if (d < 0)
			return ERR_SYNTAX;
		val = val << 4 | (uint32_t)d;
	}
	memcpy(t->name, p, TOKEN_NAME_LEN);
	t->name[TOKEN_NAME_LEN] = '\0';
	t->val = val;
	return 0;
}

bool
token_is(const struct token *t, const char *name)
{
	return strcmp(t->name, name) == 0;
}

void
token_encode(unsigned char p[TOKEN_LEN], const char *name, uint32_t val)
{
	static const char hex[] = "0123456789abcdef";

	memcpy(p, name, TOKEN_NAME_LEN);
	for (size_t i = TOKEN_LEN; i-- > TOKEN_NAME_LEN; val >>= 4)
		p[i] = (unsigned char)hex[val & 15];
}

int
token_put(struct buf *b, const char *name, uint32_t val)
{
	unsigned char p[TOKEN_LEN];

	token_encode(p, name, val);
	return buf_append(b, p, sizeof(p));
}

int
token_put_body(struct buf *b, const char *name, struct view body)
{
	size_t before = b->len;
	int r;

	if (body.len > UINT32_MAX)
		return ERR_LIMIT;
	r = token_put(b, name, (uint32_t)body.len);
	if (r == 0)
		r = buf_append(b, body.ptr, body.len);
	if (r < 0)
		b->len = before;	/* no header without its body */
	return r;
}

int
token_gather(struct token_gather *g, struct view *in, struct token *t)
{
	size_t n = TOKEN_LEN - g->have;
	struct view part;

	if (n > in->len)
		n = in->len;
	if (view_take(in, n, &part) < 0)
		return ERR_TRUNCATED;
	if (n != 0)
		memcpy(g->bytes + g->have, part.ptr, n);
	g->have += n;
	if (g->have < TOKEN_LEN)
		return 0;
	g->have = 0;
	return token_decode(g->bytes, t) < 0 ? ERR_SYNTAX : 1;
}
