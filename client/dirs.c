/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/dirs.h"

int
dirs_top(const struct env *env, char *path, size_t size, const char *tail)
{
	int n;

	if (env->dir != NULL && env->dir[0] != '\0')
		n = snprintf(path, size, "%s%s", env->dir, tail);
	else if (env->home != NULL && env->home[0] != '\0')
		n = snprintf(path, size, "%s/.distcc%s", env->home, tail);
	else
		return ERR_NOENT;
	return n < 0 || (size_t)n >= size ? ERR_LIMIT : 0;
}

int
dirs_lock(const struct env *env, const char *kind, const struct host *host,
    unsigned int n, char *path, size_t size)
{
	char tail[512];
	int len;

	if (host == NULL || host->kind == HOST_LOCAL)
		len = snprintf(tail, sizeof(tail), "/lock/%s_localhost_%u",
		    kind, n);
	else if (host->kind == HOST_TCP)
		len = snprintf(tail, sizeof(tail), "/lock/%s_tcp_%s_%u_%u",
		    kind, host->name, host->port, n);
	else
		len = snprintf(tail, sizeof(tail), "/lock/%s_ssh_%s_%u",
		    kind, host->name, n);
	if (len < 0 || (size_t)len >= sizeof(tail))
		return ERR_LIMIT;
	return dirs_top(env, path, size, tail);
}

/* mkdir of DISTCC_DIR itself, then of the file's own directory */
static int
make_parents(const struct env *env, const char *path)
{
	char dir[DIRS_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	int r = dirs_top(env, dir, sizeof(dir), "");

	if (r < 0)
		return r;
	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return err_from_errno(errno);
	if (slash == NULL || (size_t)(slash - path) >= sizeof(dir))
		return ERR_LIMIT;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		return err_from_errno(errno);
	return 0;
}

int
dirs_open(const struct env *env, const char *path, int flags)
{
	int fd = open(path, flags, 0666);
	int r;

	if (fd >= 0)
		return fd;
	if (errno != ENOENT || (flags & O_CREAT) == 0)
		return err_from_errno(errno);
	r = make_parents(env, path);
	if (r < 0)
		return r;
	fd = open(path, flags, 0666);
	return fd < 0 ? err_from_errno(errno) : fd;
}
