/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/hostfile.h"
#include "client/zeroconf.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define FILE_MAX_BYTES	(1024 * 1024)

/* returns ERR_NOENT when there is no such file */
static int
read_file(const char *path, struct buf *b)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			log_warn("cannot read host list %s", path);
		return ERR_NOENT;
	}
	r = fd_read_all(fd, b);
	if (r < 0)
		log_warnx("cannot read host list %s: %s", path, err_text(r));
	else
		log_debug("read hosts from %s", path);
	return r;
}

static int
read_files(const struct env *env, struct buf *b)
{
	char path[DIRS_PATH_BYTES];
	int r = ERR_NOENT;

	if (dirs_top(env, path, sizeof(path), "/hosts") == 0)
		r = read_file(path, b);
	if (r == ERR_NOENT)
		r = read_file(SYSCONFDIR "/distcc/hosts", b);
	return r;
}

int
hostfile_read(const struct env *env, struct host_list *list,
    char why[HOSTS_WHY_BYTES])
{
	struct buf b = BUF_INIT(FILE_MAX_BYTES);
	const char *text = env->hosts;
	int r = 0;

	*list = (struct host_list){ .localslots = HOSTS_DEFAULT_LOCALSLOTS };
	if (text == NULL) {
		r = read_files(env, &b);
		text = r == 0 ? buf_str(&b) : NULL;
	}
	if (text != NULL)
		r = hosts_parse(text, list, why);
	else if (r == 0)
		r = ERR_NOENT;
	buf_free(&b);
	if (r < 0 && r != ERR_SYNTAX)
		(void)snprintf(why, HOSTS_WHY_BYTES, "$DISTCC_HOSTS is empty "
		    "or not defined; can't distribute work");
	return r;
}

int
hostfile_load(const struct env *env, struct host_list *list,
    char why[HOSTS_WHY_BYTES])
{
	int r = hostfile_read(env, list, why);

	if (r < 0)
		return r;
	if (list->zeroconf)
		zeroconf_add(env, list);
	if (list->randomize)
		hosts_shuffle(list, (unsigned long)clock_us() ^
		    (unsigned long)getpid() << 20);
	return 0;
}
