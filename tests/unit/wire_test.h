/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wire_test - what the tests of wire/ share. Include it first. */
#ifndef TESTS_UNIT_WIRE_TEST_H
#define TESTS_UNIT_WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/buf.h"

#define DATA_MAX_BYTES	65536

/* load - a recording below tests/unit/data; the caller frees b. */
static inline void
load(struct buf *b, const char *name)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "tests/unit/data/%s", name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s: run this from the top of the tree", path);
	buf_init(b, DATA_MAX_BYTES);
	assert_int_equal(buf_reserve(b, DATA_MAX_BYTES), 0);
	b->len = fread(b->ptr, 1, b->size, f);
	assert_true(b->len != 0);
	(void)fclose(f);
}

static inline void
assert_view(struct view v, const char *s)
{
	if (!view_equal(v, s))
		fail_msg("got \"%.*s\", want \"%s\"", (int)v.len,
		    (const char *)v.ptr, s);
}

#endif
