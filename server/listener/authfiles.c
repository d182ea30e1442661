/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/authfiles.h"

#define KEYTAB_MAX_BYTES	(4 * 1024 * 1024)

static const char *
keytab_name(void)
{
	static const char prefix[] = "FILE:";
	const char *name = getenv("KRB5_KTNAME");

	if (name == NULL || name[0] == '\0')
		return "/etc/krb5.keytab";
	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ?
	    name + sizeof(prefix) - 1 : name;
}

static int
copy(int from, int to)
{
	struct stat st;
	off_t left;

	if (fstat(from, &st) < 0)
		return err_from_errno(errno);
	if (!S_ISREG(st.st_mode) || st.st_size > KEYTAB_MAX_BYTES)
		return ERR_LIMIT;
	for (left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return n < 0 ? err_from_errno(errno) : ERR_TRUNCATED;
		left -= n;
	}
	return 0;
}

int
authfiles_keytab(int *fd)
{
	const char *name = keytab_name();
	AUTOFD from = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	AUTOFD to = fd_memfd("keytab");
	int r = from < 0 ? err_from_errno(errno) : to < 0 ? to : 0;

	if (r == 0)
		r = copy(from, to);
	if (r == 0)
		r = fd_seal(to);
	if (r < 0) {
		log_errx("--auth: can't read the keytab %s (set KRB5_KTNAME "
		    "for another): %s", name, err_text(r));
		return r;
	}
	*fd = fd_take(&to);
	return 0;
}

struct replay {
	char path[PATH_MAX];
	int fd;
};

static int
open_replay(void *arg)
{
	struct replay *rp = arg;

	rp->fd = open(rp->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY, 0600);
	return rp->fd < 0 ? err_from_errno(errno) : 0;
}

/* Somebody else may have put something there: the directory can be
 * everybody's.  In one of root's own it was root who made the file. */
static int
check_replay(const struct replay *rp, const struct ids *ids)
{
	struct stat st;

	if (fstat(rp->fd, &st) < 0)
		return err_from_errno(errno);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_mode & 077) != 0)
		return ERR_ACCESS;
	if (st.st_uid == ids->uid)
		return 0;
	if (!ids->is_root || st.st_uid != 0)
		return ERR_ACCESS;
	return fchown(rp->fd, ids->uid, ids->gid) < 0 ?
	    err_from_errno(errno) : 0;
}

const char *
authfiles_replay_dir(void)
{
	const char *dir = getenv("KRB5RCACHEDIR");

	return dir != NULL && dir[0] != '\0' ? dir : "/var/tmp";
}

int
authfiles_replay(const struct ids *ids, int *fd)
{
	struct replay rp = { .fd = -1 };
	int r;

	(void)snprintf(rp.path, sizeof(rp.path), "%s/distccd_%u.rcache2",
	    authfiles_replay_dir(), (unsigned int)ids->uid);
	r = ids_as_user(ids, open_replay, &rp);
	if (r == 0)
		r = check_replay(&rp, ids);
	if (r < 0) {
		log_errx("--auth: can't use the replay cache %s (set "
		    "KRB5RCACHEDIR for another directory): %s", rp.path,
		    err_text(r));
		fd_close(&rp.fd);
		return r;
	}
	*fd = rp.fd;
	return 0;
}
