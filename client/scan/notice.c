/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "client/scan/notice.h"
#include "lib/fd.h"
#include "lib/mem.h"

#define WATCHES_MAX	32768
#define WATCHES_FEW	1024	/* where the kernel's limit cannot be read */
#define SHARE		4	/* of the user's watches: others need them, too */
#define LIMIT_FILE	"/proc/sys/fs/inotify/max_user_watches"

#define LOOKS_FIRST	2	/* before a watch is worth its cost … */
#define DOUBTS_MAX	6	/* … and twice as many after each doubt */

#define BUCKETS		4096
#define EVENTS_BYTES	((size_t)32 * 1024)
#define EVENT_MAX_BYTES	(sizeof(struct inotify_event) + NAME_MAX + 1)
#define READS_MAX	256	/* then something makes them as fast as we read */

#define DIR_EVENTS	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define SELF_EVENTS	(IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define FILE_EVENTS	(IN_MODIFY | IN_CLOSE_WRITE)

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE	0x10000000
#endif

struct notices {
	int fd, mounts;		/* owns */
	uid_t user;
	uint32_t round;		/* ends when events were lost */
	size_t count, max;
	struct notice *buckets[BUCKETS];
	_Alignas(struct inotify_event) char events[EVENTS_BYTES];
};

/* ---- the table ------------------------------------------------------- */

static struct notice **
slot(struct notices *n, int wd)
{
	struct notice **p = &n->buckets[(unsigned int)wd % BUCKETS];

	while (*p != NULL && (*p)->wd != wd)
		p = &(*p)->next;
	return p;
}

static void
put_off(struct notice *w)
{
	w->looks = 0;
	if (w->doubts < DOUBTS_MAX)
		w->doubts++;
}

void
notice_drop(struct notices *n, struct notice *w, bool is_doubtful)
{
	if (w->wd == 0)
		return;
	/* an error says that the kernel has ended it itself */
	(void)inotify_rm_watch(n->fd, w->wd);
	*slot(n, w->wd) = w->next;
	w->wd = 0;
	n->count--;
	if (is_doubtful)
		put_off(w);
}

bool
notice_is_due(const struct notices *n, struct notice *w)
{
	return n != NULL && n->count < n->max &&
	    ++w->looks > LOOKS_FIRST << w->doubts;
}

bool
notice_is_due_at_once(const struct notices *n, const struct notice *w,
    const struct stat *st)
{
	return n != NULL && n->count < n->max && w->wd == 0 &&
	    w->doubts == 0 && st->st_uid == 0 && n->user != 0;
}

bool
notice_holds(const struct notices *n, const struct notice *w)
{
	return w->round == n->round;
}

/* ---- watches --------------------------------------------------------- */

/*
 * By way of the descriptor, so that it is the inode that was looked at.  One
 * that has a watch already, since it has two names (a bind mount), keeps that.
 */
static int
add(struct notices *n, struct notice *w, int fd, uint32_t events)
{
	char path[32];
	int wd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(n->fd, path, events | SELF_EVENTS |
	    IN_MASK_CREATE);
	if (wd < 0 && errno == ENOSPC)
		n->max = n->count;	/* others have the rest */
	/* a kernel that does not know IN_MASK_CREATE returns the first one's */
	if (wd <= 0 || *slot(n, wd) != NULL) {
		put_off(w);
		return wd < 0 ? err_from_errno(errno) : ERR_BUSY;
	}
	w->wd = wd;
	w->round = n->round;
	w->next = n->buckets[(unsigned int)wd % BUCKETS];
	n->buckets[(unsigned int)wd % BUCKETS] = w;
	n->count++;
	return 0;
}

int
notice_add_dir(struct notices *n, struct notice *w, int fd)
{
	w->is_dir = true;
	return add(n, w, fd, DIR_EVENTS | IN_ONLYDIR);
}

/*
 * A read lease is given only while nobody has the file open for writing, which
 * a writable mapping counts as.  It is given back at once: nobody waits.
 */
static bool
has_no_writer(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return false;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

/*
 * Of our own files a lease tells whether there is a writer, and whoever opens
 * one later is told of.  Root's, which nobody else can write, are the
 * system's headers: nobody keeps one mapped.  There is no asking of others'.
 */
int
notice_add_file(struct notices *n, struct notice *w, int fd,
    const struct stat *st)
{
	bool is_ours = st->st_uid == n->user;
	int r;

	w->is_dir = false;
	if (!is_ours &&
	    (st->st_uid != 0 || (st->st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
		put_off(w);
		return ERR_BUSY;
	}
	r = add(n, w, fd, is_ours ? FILE_EVENTS | IN_OPEN : FILE_EVENTS);
	/* asked behind it: who opens it from here on is told of */
	if (r == 0 && is_ours && !has_no_writer(fd)) {
		notice_drop(n, w, true);
		r = ERR_BUSY;
	}
	return r;
}

/* ---- what is told ---------------------------------------------------- */

static void
tell(struct notices *n, const struct inotify_event *e, notice_told *told,
    void *arg)
{
	struct notice *w;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		n->round++;
		return;
	}
	w = *slot(n, e->wd);
	if (w == NULL)
		return;		/* of one that was dropped */
	if (e->len == 0)
		told(arg, w, NULL);
	else if ((e->mask & DIR_EVENTS) != 0)
		told(arg, w, e->name);
}

static void
tell_all(struct notices *n, size_t len, notice_told *told, void *arg)
{
	const struct inotify_event *e;
	size_t at;

	for (at = 0; at + sizeof(*e) <= len; at += sizeof(*e) + e->len) {
		e = (const struct inotify_event *)(const void *)
		    (n->events + at);
		tell(n, e, told, arg);
	}
}

static void
read_all(struct notices *n, notice_told *told, void *arg)
{
	unsigned int i;
	ssize_t got;

	for (i = 0; i < READS_MAX; i++) {
		got = read(n->fd, n->events, sizeof(n->events));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0)
			break;
		tell_all(n, (size_t)got, told, arg);
		if ((size_t)got + EVENT_MAX_BYTES <= sizeof(n->events))
			return;		/* one more would have had room */
	}
	n->round++;
}

bool
notices_take(struct notices *n, notice_told *told, void *arg)
{
	struct pollfd p[2] = { { n->fd, POLLIN, 0 }, { n->mounts, POLLPRI, 0 } };
	uint32_t round = n->round;
	int ready = poll(p, 2, 0);

	if (ready < 0 || p[1].revents != 0)
		n->round++;
	if (ready < 0 || p[0].revents != 0)
		read_all(n, told, arg);
	return n->round == round;
}

/* ---- opening --------------------------------------------------------- */

static size_t
share_of_watches(void)
{
	AUTOFD fd = open(LIMIT_FILE, O_RDONLY | O_CLOEXEC);
	char text[24];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned long limit;

	if (n <= 0)
		return WATCHES_FEW;
	text[n] = '\0';
	limit = strtoul(text, NULL, 10) / SHARE;
	return limit < WATCHES_MAX ? limit : WATCHES_MAX;
}

struct notices *
notices_open(void)
{
	AUTOFD fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	AUTOFD mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct notices *n;

	if (fd < 0 || mounts < 0)
		return NULL;
	/* sent to who has a lease when somebody opens the file */
	(void)signal(SIGIO, SIG_IGN);
	n = mem_calloc(1, sizeof(*n));
	n->fd = fd_take(&fd);
	n->mounts = fd_take(&mounts);
	n->user = geteuid();
	n->round = 1;
	n->max = share_of_watches();
	return n;
}

void
notices_close(struct notices *n)
{
	if (n == NULL)
		return;
	fd_close(&n->fd);
	fd_close(&n->mounts);
	free(n);
}
