/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lzo_none - stands in for lzo.c in a build with NO_LZO=1: an empty body is
 * still fine, anything else is ERR_UNSUPPORTED.
 */
#include "wire/lzo.h"

size_t
lzo_bound(size_t len)
{
	return len;
}

int
lzo_pack(const void *src, size_t len, void *dst, size_t *out_len)
{
	(void)src;
	(void)dst;
	*out_len = 0;
	return len == 0 ? 0 : ERR_UNSUPPORTED;
}

int
lzo_unpack(const void *src, size_t len, void *dst, size_t cap,
    size_t *out_len)
{
	(void)src;
	(void)dst;
	(void)cap;
	*out_len = 0;
	return len == 0 ? 0 : ERR_UNSUPPORTED;
}
