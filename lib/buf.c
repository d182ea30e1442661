/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

#define BUF_FIRST_BYTES	256

struct view
view_of(const void *ptr, size_t len)
{
	return (struct view){ ptr, len };
}

struct view
view_str(const char *s)
{
	return view_of(s, strlen(s));
}

int
view_take(struct view *v, size_t n, struct view *out)
{
	if (v->len < n)
		return ERR_TRUNCATED;
	*out = view_of(v->ptr, n);
	if (n != 0)
		v->ptr += n;
	v->len -= n;
	return 0;
}

bool
view_has_nul(struct view v)
{
	return v.len != 0 && memchr(v.ptr, '\0', v.len) != NULL;
}

bool
view_equal(struct view v, const char *s)
{
	size_t n = strlen(s);

	return v.len == n && (n == 0 || memcmp(v.ptr, s, n) == 0);
}

void
buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf)BUF_INIT(cap);
}

void
buf_free(struct buf *b)
{
	free(b->ptr);
	buf_init(b, b->cap);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
}

int
buf_reserve(struct buf *b, size_t n)
{
	size_t want, size;
	unsigned char *p;

	if (n > b->cap - b->len)
		return ERR_LIMIT;
	want = b->len + n;
	if (want <= b->size)
		return 0;
	size = b->size != 0 ? b->size : BUF_FIRST_BYTES;
	while (size < want)
		size = size > b->cap / 2 ? b->cap : size * 2;
	if (size > b->cap)
		size = b->cap;
	p = realloc(b->ptr, size);
	if (p == NULL)
		return ERR_NOMEM;
	b->ptr = p;
	b->size = size;
	return 0;
}

int
buf_append(struct buf *b, const void *ptr, size_t n)
{
	int r;

	if (n == 0)
		return 0;
	r = buf_reserve(b, n);
	if (r < 0)
		return r;
	memcpy(b->ptr + b->len, ptr, n);
	b->len += n;
	return 0;
}

int
buf_append_str(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n, r;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	r = n < 0 ? ERR_SYS : buf_reserve(b, (size_t)n + 1);
	if (r == 0) {
		(void)vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, fmt,
		    again);
		b->len += (size_t)n;
	}
	va_end(again);
	return r;
}

struct view
buf_view(const struct buf *b)
{
	return view_of(b->ptr, b->len);
}

const char *
buf_str(struct buf *b)
{
	if (buf_reserve(b, 1) < 0)
		return NULL;
	b->ptr[b->len] = '\0';
	return (const char *)b->ptr;
}
