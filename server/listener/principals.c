/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "server/listener/principals.h"

#define FILE_MAX_BYTES	(16 * 1024 * 1024)

struct reading {
	const char *file;
	struct buf text;
};

static int
refuse(const char *file, const char *why)
{
	log_errx("%s is refused: %s", file, why);
	return ERR_ACCESS;
}

/* Whether only root and we can change what st describes. */
static bool
is_ours(const struct stat *st)
{
	bool is_shared = (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;

	/* in a sticky directory others cannot replace what is not theirs */
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0)
		is_shared = false;
	return !is_shared && (st->st_uid == 0 || st->st_uid == geteuid() ||
	    st->st_uid == getuid());
}

static int
check(const char *file, int fd)
{
	AUTOFREE char *copy = mem_strdup(file);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_from_errno(errno);
	if (!S_ISREG(st.st_mode))
		return refuse(file, "it is no regular file");
	if (!is_ours(&st))
		return refuse(file, "others can write it, or own it");
	if (stat(dirname(copy), &st) < 0)
		return err_from_errno(errno);
	return is_ours(&st) ? 0 :
	    refuse(file, "others can write its directory, or own it");
}

static int
read_file(void *arg)
{
	struct reading *rd = arg;
	AUTOFD fd = open(rd->file, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	int r;

	if (fd < 0)
		return err_from_errno(errno);
	buf_reset(&rd->text);
	r = check(rd->file, fd);
	return r < 0 ? r : fd_read_all(fd, &rd->text);
}

static int
add_file(struct principal_list *l, const char *file, const struct ids *ids)
{
	struct reading rd = { .file = file, .text = BUF_INIT(FILE_MAX_BYTES) };
	size_t line = 0;
	/* a root-only file is read as root, another as the workers' user */
	int r = read_file(&rd);

	if (r < 0 && ids->is_root)
		r = ids_as_user(ids, read_file, &rd);
	if (r < 0) {
		log_errx("can't read %s: %s", file, err_text(r));
	} else {
		r = principal_add_lines(l, buf_view(&rd.text), &line);
		if (r < 0)
			log_errx("%s, line %zu: no name or pattern (%s)", file,
			    line, err_text(r));
	}
	buf_free(&rd.text);
	return r;
}

static int
add(struct principals *p, const struct principal_option *o,
    const struct ids *ids)
{
	struct principal_list *l = o->is_deny ? &p->deny : &p->allow;
	int r;

	if (o->is_file)
		return add_file(l, o->value, ids);
	r = principal_add(l, view_str(o->value));
	if (r < 0)
		log_errx("\"%s\" is no principal's name or pattern", o->value);
	return r;
}

int
principals_load(struct principals *p, const struct options *o,
    const struct ids *ids)
{
	struct principals fresh = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->nprincipals; i++)
		r = add(&fresh, &o->principals[i], ids);
	if (r < 0) {
		principals_free(&fresh);
		return r;
	}
	principals_free(p);
	*p = fresh;
	return 0;
}

void
principals_free(struct principals *p)
{
	principal_free(&p->allow);
	principal_free(&p->deny);
}
