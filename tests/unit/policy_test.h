/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy_test - what the tests of policy/ share.  Include it first. */
#ifndef TESTS_UNIT_POLICY_TEST_H
#define TESTS_UNIT_POLICY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/cmdline.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX	96
#define TEXT_MAX_BYTES	2048

struct words {
	char text[TEXT_MAX_BYTES];
	char *v[WORDS_MAX + 1];
};

/*
 * split - a command at its blanks; "''" is an empty word.  A command without
 * a compiler gets "cc".
 */
static inline char *const *
split(struct words *w, const char *command)
{
	static char cc[] = "cc", empty[] = "";
	char *save, *p;
	size_t n = 0;

	assert_true(strlen(command) < sizeof(w->text));
	memcpy(w->text, command, strlen(command) + 1);
	for (p = strtok_r(w->text, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save)) {
		assert_true(n + 1 < WORDS_MAX);
		if (n == 0 && cmdline_lacks_compiler(p))
			w->v[n++] = cc;
		w->v[n++] = strcmp(p, "''") == 0 ? empty : p;
	}
	w->v[n] = NULL;
	return w->v;
}

/* join - the words with one blank between them. */
static inline const char *
join(char *const *v, char *to, size_t size)
{
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; v[i] != NULL; i++) {
		len += (size_t)snprintf(to + len, size - len, "%s%s",
		    i != 0 ? " " : "", v[i]);
		assert_true(len < size);
	}
	return to;
}

#endif
