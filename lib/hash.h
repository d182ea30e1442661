/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash - FNV-1a, for names of files and places in tables: the same in each
 * process.  Whoever chooses the bytes can choose two with the same hash.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_FIRST	UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME	UINT64_C(0x100000001b3)

/* hash_bytes - in  h: HASH_FIRST, or what came before. */
static inline uint64_t
hash_bytes(uint64_t h, const void *ptr, size_t len)
{
	const unsigned char *p = ptr;

	while (len-- != 0)
		h = (h ^ *p++) * HASH_PRIME;
	return h;
}

#endif
