/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notice - the kernel tells of changes to directories and files (inotify).
 *
 * An event is queued within the system call that makes the change: whoever
 * waits for the call to return and then asks for a scan has the event taken
 * before that scan looks at anything.  A watch tells nothing of the time
 * before it was made, so it counts from a look that was made after it.
 *
 * Any doubt ends a watch: what it was on is looked at in each scan again, until
 * it has kept still for a while.  Two things that the kernel does not tell of
 * are asked for:
 *
 * - A file that somebody has mapped for writing changes without an event.  It
 *   is not watched while anybody has it open for writing, and no longer once
 *   anybody opens it.
 * - What is mounted hides what was there: /proc/self/mountinfo tells.
 */
#ifndef SCAN_NOTICE_H
#define SCAN_NOTICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/err.h"

/* A directory or file that may be watched: a part of what is known of it. */
struct notice {
	struct notice *next;	/* in the table's bucket */
	int wd;			/* 0: it is not watched */
	uint32_t round;		/* in which the watch was made */
	uint16_t looks;		/* made without a watch */
	uint8_t doubts;		/* times that a watch ended */
	bool is_dir;
};

struct notices;

/*
 * notices_open - for the life of a process, before it is confined.
 * SIGIO is ignored from here on.
 * returns NULL where the kernel gives no watches: all goes by looking then
 */
struct notices *notices_open(void);
void notices_close(struct notices *n);

/*
 * What a change calls: w is one that was added; name is one in the directory w,
 * which came, went or was replaced, or NULL if w itself changed or its watch
 * is gone.  May call notice_drop().
 */
typedef void notice_told(void *arg, struct notice *w, const char *name);

/*
 * notices_take - all that was told since the last time.
 * returns false if something may have gone untold: no watch holds any more
 */
bool notices_take(struct notices *n, notice_told *told, void *arg);

/*
 * notice_is_due - count one more look; whether a watch would now be worth its
 * cost.  n may be NULL: never.
 */
bool notice_is_due(const struct notices *n, struct notice *w);

/*
 * notice_is_due_at_once - whether to watch a file when it is first read.  The
 * system's headers: it costs a system call while they are open anyway, and the
 * watch is not ended by our clients' reading them.
 * in      st: the file's
 */
bool notice_is_due_at_once(const struct notices *n, const struct notice *w,
    const struct stat *st);

/* notice_holds - false: the watch must be dropped before anything is kept. */
bool notice_holds(const struct notices *n, const struct notice *w);

/*
 * notice_add_dir - watch the directory behind fd, which may be an O_PATH one.
 * The caller looks at it now, since this counts only from then on.
 * returns 0; ERR_LIMIT, or another error that leaves it unwatched
 */
int notice_add_dir(struct notices *n, struct notice *w, int fd) MUST_CHECK;

/*
 * notice_add_file - the same for a file; fd is open for reading.
 * in      st: of fd
 * returns as notice_add_dir(); ERR_BUSY if somebody may be writing to it
 */
int notice_add_file(struct notices *n, struct notice *w, int fd,
    const struct stat *st) MUST_CHECK;

/* notice_drop - end the watch; in is_doubtful: it is due the later for it. */
void notice_drop(struct notices *n, struct notice *w, bool is_doubtful);

#endif
