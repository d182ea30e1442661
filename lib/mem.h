/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mem - allocation for start-up and for processes that serve one peer, where
 * running out of memory may end the process (exit status 105, as distcc's).
 * The listener's per-connection code uses calloc() and handles failure.
 */
#ifndef LIB_MEM_H
#define LIB_MEM_H

#include <stddef.h>
#include <stdlib.h>

void *mem_calloc(size_t n, size_t size) __attribute__((malloc));
void *mem_realloc(void *ptr, size_t n, size_t size);
char *mem_strdup(const char *s) __attribute__((malloc));
char *mem_strndup(const char *s, size_t n) __attribute__((malloc));
char *mem_printf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc));

static inline void
mem_auto_free(void *p)
{
	free(*(void **)p);
}
#define AUTOFREE __attribute__((cleanup(mem_auto_free)))

#endif
