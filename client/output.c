/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cleanup.h"
#include "client/output.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "policy/compiler.h"

/* Not made from path's own name, which may be as long as names can be. */
static char *
temporary_name(const char *path)
{
	int dir = (int)(compiler_base(path) - path);

	return mem_printf("%.*s.distcc-%d-%llx", dir, path, (int)getpid(),
	    (unsigned long long)clock_us());
}

static int
write_and_close(int *fd, struct view v)
{
	int r = fd_write_all(*fd, v.ptr, v.len, -1);

	/* some file systems tell of a full disk only now */
	if (close(fd_take(fd)) < 0 && r == 0)
		r = err_from_errno(errno);
	return r;
}

static int
write_in_place(const char *path, struct view v)
{
	AUTOFD fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? err_from_errno(errno) : write_and_close(&fd, v);

	if (r < 0)
		log_warnx("cannot write %s: %s", path, err_text(r));
	return r;
}

/*
 * in      is_old: path is a regular file.  If a rename were to replace it, ext4
 *         would write the new one to the disk at once (auto_da_alloc), which
 *         takes longer than all else here; and power loss spares no compiler's
 *         objects either.  If it cannot be removed, the rename says so.
 */
static int
write_and_rename(int *fd, const char *temporary, const char *path,
    bool is_old, struct view v)
{
	int r = write_and_close(fd, v);

	if (r == 0 && is_old)
		(void)unlink(path);
	if (r == 0 && rename(temporary, path) < 0)
		r = err_from_errno(errno);
	if (r < 0) {
		log_warnx("cannot write %s: %s", path, err_text(r));
		(void)unlink(temporary);
	}
	return r;
}

int
output_write(const char *path, struct view v)
{
	AUTOFREE char *temporary = NULL;
	AUTOFD fd = -1;
	struct stat st;
	bool exists = lstat(path, &st) == 0;
	bool is_old = exists && S_ISREG(st.st_mode);
	int r;

	if (exists && S_ISLNK(st.st_mode))
		exists = stat(path, &st) == 0;
	if (exists && !S_ISREG(st.st_mode))
		return write_in_place(path, v);
	temporary = temporary_name(path);
	cleanup_file(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0) {
		r = write_and_rename(&fd, temporary, path, is_old, v);
	} else if (exists) {
		r = write_in_place(path, v);
	} else {
		log_warn("cannot make %s", path);
		r = err_from_errno(errno);
	}
	cleanup_file(NULL);
	return r;
}
