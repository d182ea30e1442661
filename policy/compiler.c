/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include "policy/compiler.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static const struct tool {
	const char *name;
	enum compiler_family family;
} tools[] = {
	{ "gcc", FAMILY_GCC },
	{ "g++", FAMILY_GCC },
	{ "cc", FAMILY_GCC },
	{ "c++", FAMILY_GCC },
	{ "clang", FAMILY_CLANG },
	{ "clang++", FAMILY_CLANG },
};

const char *
compiler_base(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

/* has_version - whether the last word of len bytes is only digits and dots,
 * with a digit first; *stem is the length of what stands before its '-'. */
static bool
has_version(const char *base, size_t len, size_t *stem)
{
	size_t i = len;

	while (i > 0 && base[i - 1] != '-') {
		if (base[i - 1] != '.' &&
		    (base[i - 1] < '0' || base[i - 1] > '9'))
			return false;
		i--;
	}
	if (i == 0 || i == len || base[i] == '.')
		return false;
	*stem = i - 1;
	return true;
}

/* is_triple - two or more words of [A-Za-z0-9_.]+, each with its '-' behind. */
static bool
is_triple(const char *p, size_t len)
{
	size_t word = 0, words = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '-') {
			if (word == 0)
				return false;
			word = 0;
			words++;
		} else if (is_alnum(p[i]) || p[i] == '_' ||
		    (p[i] == '.' && word != 0)) {
			word++;
		} else {
			return false;
		}
	}
	return word == 0 && words >= 2;
}

/* find_tool - the row that the first len bytes of base end in. */
static const struct tool *
find_tool(const char *base, size_t len)
{
	size_t start = len;

	while (start > 0 && base[start - 1] != '-')
		start--;
	if (start != 0 && !is_triple(base, start))
		return NULL;
	for (size_t i = 0; i < NELEM(tools); i++) {
		if (strlen(tools[i].name) == len - start &&
		    memcmp(base + start, tools[i].name, len - start) == 0)
			return &tools[i];
	}
	return NULL;
}

static const struct tool *
lookup(const char *base)
{
	size_t len = strlen(base);

	(void)has_version(base, len, &len);
	return find_tool(base, len);
}

bool
compiler_name_is_known(const char *base)
{
	return lookup(base) != NULL;
}

enum compiler_family
compiler_family(const char *base)
{
	const struct tool *t = lookup(base);

	return t != NULL ? t->family : FAMILY_OTHER;
}
