/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"

#define EXIT_NO_MEMORY	105	/* distcc's exit code for it */

static void *
check(void *p)
{
	if (p == NULL) {
		log_errx("out of memory");
		_exit(EXIT_NO_MEMORY);
	}
	return p;
}

void *
mem_calloc(size_t n, size_t size)
{
	return check(calloc(n != 0 ? n : 1, size != 0 ? size : 1));
}

void *
mem_realloc(void *ptr, size_t n, size_t size)
{
	return check(reallocarray(ptr, n != 0 ? n : 1, size));
}

char *
mem_strdup(const char *s)
{
	return check(strdup(s));
}

char *
mem_strndup(const char *s, size_t n)
{
	return check(strndup(s, n));
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return check(n < 0 ? NULL : s);
}
