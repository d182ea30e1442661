/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/helper.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR	"/usr/local/libexec/distcc"
#endif

static int
append(char *path, size_t size, const char *sub, const char *name)
{
	size_t len = strlen(path);
	int n = snprintf(path + len, size - len, "%s/%s", sub, name);

	if (n < 0 || (size_t)n >= size - len)
		return ERR_LIMIT;
	return access(path, R_OK) == 0 ? 0 : ERR_NOENT;
}

/* The directory above the one that we are in. */
static int
find_tree(char *tree, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", tree, size - 1);

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
	if (find_tree(path, size) == 0 &&
	    append(path, size, "/libexec", name) == 0)
		return 0;
	(void)snprintf(path, size, "%s", LIBEXECDIR);
	return append(path, size, "", name);
}
