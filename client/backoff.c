/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/backoff.h"
#include "client/dirs.h"
#include "lib/fd.h"
#include "lib/log.h"

static int
file_path(const struct env *env, const struct host *host, char *path)
{
	if (host->kind == HOST_LOCAL || env->backoff_s == 0)
		return ERR_NOENT;
	return dirs_lock(env, "backoff", host, 0, path, DIRS_PATH_BYTES);
}

enum backoff
backoff_state(const struct env *env, const struct host *host)
{
	char path[DIRS_PATH_BYTES];
	struct stat st;
	time_t age;

	if (file_path(env, host, path) < 0 || stat(path, &st) < 0)
		return BACKOFF_NONE;
	/* a time in the future is a clock that was set back: take it as old */
	age = time(NULL) - st.st_mtime;
	return age >= 0 && age < env->backoff_s ? BACKOFF_ON : BACKOFF_OVER;
}

void
backoff_mark(const struct env *env, const struct host *host)
{
	char path[DIRS_PATH_BYTES];
	AUTOFD fd = -1;

	if (file_path(env, host, path) < 0)
		return;
	fd = dirs_open(env, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
	/* an empty file that is truncated would keep its old time */
	if (fd < 0 || write(fd, "\n", 1) != 1)
		log_info("cannot note that %s failed: %s", host->spec, path);
}

void
backoff_clear(const struct env *env, const struct host *host)
{
	char path[DIRS_PATH_BYTES];

	if (file_path(env, host, path) < 0)
		return;
	if (unlink(path) < 0 && errno != ENOENT)
		log_info("cannot remove %s", path);
}
