/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/compilers.h"
#include "server/listener/config.h"
#include "server/listener/uids.h"

/* Every jail that may exist has a uid of its own, or limits would be shared. */
static int
fill_identity(struct msg_config *c, const struct options *o,
    const struct ids *ids)
{
	c->is_root = ids->is_root ? 1 : 0;
	c->worker_uid = ids->uid;
	c->worker_gid = ids->gid;
	c->jails = o->jobs + o->pool + 2;
	if (!ids->is_root)
		return 0;
	if (o->jail_uid_base == 0) {
		_Static_assert(UIDS_COUNT >= OPTIONS_JOBS_MAX +
		    OPTIONS_POOL_MAX + 2, "an id for each jail");
		return uids_take(NULL, &c->jail_uid_base);
	}
	c->jail_uid_base = o->jail_uid_base;
	if (o->jail_uid_count < c->jails) {
		log_errx("--jail-uids: %u ids; %u jobs and %u ready jails "
		    "need %u", o->jail_uid_count, o->jobs, o->pool, c->jails);
		return ERR_LIMIT;
	}
	return 0;
}

static int
build_filters(struct msg_config *c, const struct options *o)
{
	enum sandbox_mode mode = o->filter_mode;
	int r = sandbox_filter_build(SANDBOX_WORKER, mode, &c->worker_filter);

	if (r == 0 && o->auth != AUTH_OFF)
		r = sandbox_filter_build(SANDBOX_AUTH, mode, &c->auth_filter);
	if (r < 0)
		log_errx("can't build a system call filter: %s", err_text(r));
	return r;
}

static int
fill(struct msg_config *c, const struct options *o, const struct ids *ids)
{
	int r;

	c->magic = MSG_CONFIG_MAGIC;
	c->limits = o->limits;
	c->log_level = (uint32_t)o->log_level;
	c->slots = o->jobs;
	c->is_reduced = o->is_reduced ? 1 : 0;
	c->any_command = o->any_command ? 1 : 0;
	c->filter_mode = (uint32_t)o->filter_mode;
	c->pool = o->pool;
	c->nice = o->nice;
	c->auth = (uint32_t)o->auth;
	if ((r = fill_identity(c, o, ids)) < 0 ||
	    (r = compilers_find(c, o)) < 0)
		return r;
	return build_filters(c, o);
}

int
config_make(const struct options *o, const struct ids *ids, int *out,
    const struct msg_config **map)
{
	AUTOFD fd = fd_memfd("config");
	struct msg_config *c;
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(*c)) < 0) {
		log_err("can't make the configuration's memory");
		return fd < 0 ? fd : err_from_errno(errno);
	}
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c == MAP_FAILED)
		return err_from_errno(errno);
	r = fill(c, o, ids);
	(void)munmap(c, sizeof(*c));
	if (r < 0 || (r = fd_seal(fd)) < 0)
		return r;
	c = mmap(NULL, sizeof(*c), PROT_READ, MAP_SHARED, fd, 0);
	if (c == MAP_FAILED)
		return err_from_errno(errno);
	*map = c;
	*out = fd_take(&fd);
	return 0;
}
