/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lzo - one LZO1X block a body, without a size in front (protocols 2 and 3).
 * An empty body is zero bytes, not a compressed block.
 */
#ifndef WIRE_LZO_H
#define WIRE_LZO_H

#include <stddef.h>

#include "lib/err.h"

/* lzo_bound - most bytes that len plain bytes can become. */
size_t lzo_bound(size_t len);

/*
 * lzo_pack - compress.
 * in      src: len bytes; len 0 gives 0 bytes
 * out     dst: lzo_bound(len) bytes of room; *out_len: bytes used
 * returns 0, ERR_NOMEM, ERR_UNSUPPORTED (the library is not the one that we
 *         were built for)
 * wire    P-061, P-062
 * Not for two threads at a time: the work memory is shared.
 */
int lzo_pack(const void *src, size_t len, void *dst, size_t *out_len)
    MUST_CHECK;

/*
 * lzo_unpack - decompress with the checking decoder.
 * in      src: untrusted
 * out     dst: cap bytes of room (never written beyond); *out_len: bytes used
 * returns 0; ERR_LIMIT when the plain text is longer than cap;
 *         ERR_COMPRESSED when src is no valid block, or has bytes behind it
 * wire    P-061 … P-064
 */
int lzo_unpack(const void *src, size_t len, void *dst, size_t cap,
    size_t *out_len) MUST_CHECK;

#endif
