/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/helper.h"
#include "client/spawn.h"
#include "client/zeroconf.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"

#define FILE_MAX_BYTES	(64 * 1024)

const char *
zeroconf_missing(void)
{
#ifdef NO_ZEROCONF
	return "zeroconf is not built in";
#else
	char path[PATH_MAX];

	return helper_path(ZEROCONF_PROGRAM, path, sizeof(path)) < 0 ?
	    ZEROCONF_PROGRAM " is not installed" : NULL;
#endif
}

/* Whether the process runs; if so, note that it is needed. */
static bool
is_running(const struct env *env)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[DIRS_PATH_BYTES];
	AUTOFD fd = -1;
	struct stat st;

	if (dirs_top(env, path, sizeof(path), ZEROCONF_LOCK) < 0)
		return false;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 ||
	    lock.l_type == F_UNLCK || fstat(fd, &st) < 0)
		return false;
	if (time(NULL) - st.st_mtime >= ZEROCONF_TOUCH_S)
		(void)futimens(fd, NULL);
	return true;
}

static int
start(void)
{
	char path[PATH_MAX];
	char *argv[] = { path, NULL };
	AUTOFD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int fds[3] = { null, null, null };
	pid_t pid;
	int r = helper_path(ZEROCONF_PROGRAM, path, sizeof(path));

	if (r < 0 || null < 0)
		return r < 0 ? r : ERR_SYS;
	log_info("starting %s", path);
	return spawn_search(argv, fds, &pid);
}

/* The answer as it is now. returns ERR_NOENT while there is none */
static int
read_hosts(const char *path, struct buf *b)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ERR_NOENT;
	if (st.st_size >= FILE_MAX_BYTES)
		return ERR_LIMIT;
	return fd_read_text(fd, (size_t)st.st_size, b);
}

static int
wait_for_hosts(const char *path, struct buf *b)
{
	const struct timespec moment = { 0, 10000000 };
	int64_t end = clock_ms() + ZEROCONF_WAIT_MS;
	int r;

	while ((r = read_hosts(path, b)) == ERR_NOENT && clock_ms() < end)
		(void)nanosleep(&moment, NULL);
	return r;
}

void
zeroconf_add(const struct env *env, struct host_list *list)
{
	struct buf b = BUF_INIT(FILE_MAX_BYTES);
	struct host_list found;
	char path[DIRS_PATH_BYTES], why[HOSTS_WHY_BYTES];
	const char *text = NULL;
	int r;

	if (zeroconf_missing() != NULL ||
	    dirs_top(env, path, sizeof(path), ZEROCONF_HOSTS) < 0)
		return;
	if (!is_running(env) && start() < 0)
		return;
	if (wait_for_hosts(path, &b) == 0)
		text = buf_str(&b);
	if (text == NULL) {
		log_info("+zeroconf: no answer yet");
	} else {
		r = hosts_parse(text, &found, why);
		log_debug("+zeroconf: %zu hosts", r == 0 ? found.n : 0);
		if (r == 0)
			hosts_append(list, &found);
		hosts_free(&found);
	}
	buf_free(&b);
}
