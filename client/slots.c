/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/slots.h"
#include "client/state.h"
#include "lib/fd.h"
#include "lib/hash.h"
#include "lib/log.h"

/* The first in line looks again after 1, 2, 4 … ms, at most this many. */
#define LOOK_MAX_MS	8

static unsigned int last_slot;	/* one process is one job */

struct want {
	const struct env *env;
	const struct host_list *list;
	const bool *skip;	/* NULL: none */
};

/* returns ERR_BUSY when another process has it */
static int
lock_whole(int fd, int how)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, how, &lock) < 0) {
		if (errno == EACCES || errno == EAGAIN)
			return ERR_BUSY;
		if (errno != EINTR)
			return err_from_errno(errno);
	}
	return 0;
}

/* returns the locked fd, ERR_BUSY, or what stands in the way of locking */
static int
try_slot(const struct env *env, const struct host *host, unsigned int slot)
{
	char path[DIRS_PATH_BYTES];
	AUTOFD fd = -1;
	int r = dirs_lock(env, "cpu", host, slot, path, sizeof(path));

	if (r < 0)
		return r;
	fd = dirs_open(env, path, O_WRONLY | O_CREAT | O_CLOEXEC);
	if (fd < 0)
		return fd;
	r = lock_whole(fd, F_SETLK);
	return r < 0 ? r : fd_take(&fd);
}

/* One row: slot number slot of every host. Sets *more if a host has higher. */
static int
try_row(const struct want *w, unsigned int slot, size_t *host, bool *more)
{
	int result = ERR_NOENT;

	for (size_t i = 0; i < w->list->n; i++) {
		const struct host *h = &w->list->host[i];
		int r;

		if (slot >= h->slots || (w->skip != NULL && w->skip[i]))
			continue;
		*more = *more || slot + 1 < h->slots;
		r = try_slot(w->env, h, slot);
		if (r != ERR_BUSY) {
			*host = i;
			last_slot = slot;
			return r;
		}
		result = ERR_BUSY;
	}
	return result;
}

/* returns the locked fd; ERR_NOENT no host; ERR_BUSY; or no locks here */
static int
try_all(const struct want *w, size_t *host)
{
	bool more = true;
	int r = ERR_NOENT;

	for (unsigned int slot = 0; more; slot++) {
		more = false;
		r = try_row(w, slot, host, &more);
		if (r != ERR_BUSY)
			break;
	}
	return r;
}

/* Those who want the same hosts stand in the same line. */
static int
line_path(const struct want *w, char *path, size_t size)
{
	uint64_t hash = HASH_FIRST;
	char tail[64];

	for (size_t i = 0; i < w->list->n; i++) {
		const char *s = w->list->host[i].spec;

		hash = hash_bytes(hash, s, strlen(s) + 1);
		hash ^= w->list->host[i].slots;
	}
	(void)snprintf(tail, sizeof(tail), "/lock/line_%016llx",
	    (unsigned long long)hash);
	return dirs_top(w->env, path, size, tail);
}

static void
pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000 };

	(void)nanosleep(&ts, NULL);
}

/* Look until there is a slot: the first in line only. */
static int
look(const struct want *w, size_t *host)
{
	long most = w->env->pause_ms < LOOK_MAX_MS ? w->env->pause_ms :
	    LOOK_MAX_MS;
	int r;

	if (most < 1)
		most = 1;
	for (long ms = 1; (r = try_all(w, host)) == ERR_BUSY;
	    ms = ms < most ? ms * 2 : most) {
		state_blocked(w->env);
		pause_ms(ms < most ? ms : most);
	}
	return r;
}

/*
 * If somebody ever stood in line, join it: a newcomer must not snatch the slot
 * that the first in line waits for.  Otherwise look once, then start a line.
 */
static int
take(const struct want *w, size_t *host)
{
	char path[DIRS_PATH_BYTES];
	AUTOFD line = -1;
	int r = line_path(w, path, sizeof(path));

	if (r < 0)
		return r;
	line = open(path, O_WRONLY | O_CLOEXEC);
	if (line < 0) {
		r = try_all(w, host);
		if (r != ERR_BUSY)
			return r;
		line = dirs_open(w->env, path, O_WRONLY | O_CREAT | O_CLOEXEC);
		if (line < 0)
			return line;
	}
	r = lock_whole(line, F_SETLK);
	if (r == ERR_BUSY) {
		state_blocked(w->env);
		r = lock_whole(line, F_SETLKW);
	}
	if (r < 0)
		log_debug("cannot stand in line at %s", path);
	return look(w, host);
}

/* Without locks: any host, but not everybody the same. */
static int
take_unlocked(const struct want *w, size_t *host)
{
	for (size_t i = 0; i < w->list->n; i++) {
		size_t at = ((size_t)getpid() + i) % w->list->n;

		if (w->skip == NULL || !w->skip[at]) {
			*host = at;
			return 0;
		}
	}
	return ERR_NOENT;
}

int
slots_take(const struct env *env, const struct host_list *list,
    const bool *skip, size_t *host, int *fd)
{
	struct want w = { env, list, skip };
	int r = take(&w, host);

	*fd = r >= 0 ? r : -1;
	if (r >= 0)
		return 0;
	/* ERR_NOENT: every host is skipped, or there is no home directory */
	if (r != ERR_NOENT)
		log_info("no lock can be had in DISTCC_DIR (%s); "
		    "going on without", err_text(r));
	return take_unlocked(&w, host);
}

unsigned int
slots_last(void)
{
	return last_slot;
}

void
slots_take_local(const struct env *env, unsigned int n, int *fd)
{
	static char name[] = "localhost";
	struct host local = {
		.kind = HOST_LOCAL, .spec = name, .name = name, .slots = n,
	};
	struct host_list list = { .host = &local, .n = 1 };
	size_t host;

	if (slots_take(env, &list, NULL, &host, fd) < 0)
		*fd = -1;	/* cannot happen: there is a host */
}
