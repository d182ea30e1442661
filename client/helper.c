/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/helper.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR	"/usr/local/libexec/distcc"
#endif

static int
join(char *path, size_t size, const char *dir, const char *sub,
    const char *name)
{
	int n = snprintf(path, size, "%s%s/%s", dir, sub, name);

	if (n < 0 || (size_t)n >= size)
		return ERR_LIMIT;
	return access(path, R_OK) == 0 ? 0 : ERR_NOENT;
}

/* The directory above the one that we are in. */
static int
find_tree(char tree[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", tree, PATH_MAX - 1);

	if (n <= 0)
		return ERR_NOENT;
	tree[n] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(tree, '/');

		if (slash == NULL)
			return ERR_NOENT;
		*slash = '\0';
	}
	return 0;
}

int
helper_path(const char *name, char *path, size_t size)
{
	char tree[PATH_MAX];

	if (find_tree(tree) == 0 &&
	    join(path, size, tree, "/libexec", name) == 0)
		return 0;
	return join(path, size, LIBEXECDIR, "", name);
}
