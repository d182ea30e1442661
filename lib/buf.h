/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buf - bytes that somebody else chose (view) and bytes that we build (buf).
 *
 * Untrusted bytes travel only as a struct view; only view_*() advance one, so
 * that no caller does arithmetic on an untrusted length.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct view {
	const unsigned char *ptr;	/* borrowed */
	size_t len;			/* bytes left */
};

struct view view_of(const void *ptr, size_t len);
struct view view_str(const char *s);

/*
 * view_take - split the first n bytes off v.
 * returns 0 and the bytes in *out; ERR_TRUNCATED (v untouched) if there are fewer
 */
int view_take(struct view *v, size_t n, struct view *out) MUST_CHECK;

/* view_has_nul - whether any byte is NUL. */
bool view_has_nul(struct view v);
bool view_equal(struct view v, const char *s);

/*
 * A growable buffer with a cap that is fixed when it is made.  buf_free() may
 * be called on a zeroed struct.
 */
struct buf {
	unsigned char *ptr;	/* owns; NULL while empty */
	size_t len;
	size_t size;
	size_t cap;		/* never grows past this many bytes */
};

#define BUF_INIT(cap_bytes) { NULL, 0, 0, (cap_bytes) }

void buf_init(struct buf *b, size_t cap);
void buf_free(struct buf *b);
void buf_reset(struct buf *b);		/* length 0, memory kept */

/* buf_reserve - room for n more bytes behind len. ERR_LIMIT, ERR_NOMEM. */
int buf_reserve(struct buf *b, size_t n) MUST_CHECK;
int buf_append(struct buf *b, const void *ptr, size_t n) MUST_CHECK;
int buf_append_str(struct buf *b, const char *s) MUST_CHECK;
int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))) MUST_CHECK;
struct view buf_view(const struct buf *b);
/* buf_str - the contents as a C string (NUL kept behind len); NULL: no memory. */
const char *buf_str(struct buf *b);

#endif
