/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <lzo/lzo1x.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/lzo.h"

/* The library checks here that it agrees with its header on type sizes. */
static bool
is_ready(void)
{
	static bool has_tried, is_good;

	if (!has_tried) {
		has_tried = true;
		is_good = lzo_init() == LZO_E_OK;
	}
	return is_good;
}

/*
 * The compressor's table, made once and kept: our processes have one thread,
 * and a fresh allocation for each body would be paid for in page faults.
 */
static void *
work_memory(void)
{
	static void *work;

	if (work == NULL)
		work = malloc(LZO1X_1_MEM_COMPRESS);
	return work;
}

size_t
lzo_bound(size_t len)
{
	size_t extra = len / 16 + 64 + 3;

	return len > SIZE_MAX - extra ? SIZE_MAX : len + extra;
}

int
lzo_pack(const void *src, size_t len, void *dst, size_t *out_len)
{
	void *work;
	lzo_uint used = 0;

	*out_len = 0;
	if (len == 0)		/* P-062 */
		return 0;
	if (!is_ready())
		return ERR_UNSUPPORTED;
	work = work_memory();
	if (work == NULL)
		return ERR_NOMEM;
	if (lzo1x_1_compress(src, len, dst, &used, work) != LZO_E_OK)
		return ERR_NOMEM;	/* it has no other reason to fail */
	*out_len = used;
	return 0;
}

int
lzo_unpack(const void *src, size_t len, void *dst, size_t cap, size_t *out_len)
{
	lzo_uint used = cap;

	*out_len = 0;
	if (len == 0)		/* P-062 */
		return 0;
	if (!is_ready())
		return ERR_UNSUPPORTED;
	/* P-063: only the checking decoder ever sees a peer's bytes */
	switch (lzo1x_decompress_safe(src, len, dst, &used, NULL)) {
	case LZO_E_OK:
		*out_len = used;
		return 0;
	case LZO_E_OUTPUT_OVERRUN:
		return ERR_LIMIT;
	default:
		return ERR_COMPRESSED;
	}
}
