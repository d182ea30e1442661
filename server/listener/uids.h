/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uids - user ids for the jails of a daemon that was started as root. */
#ifndef SERVER_LISTENER_UIDS_H
#define SERVER_LISTENER_UIDS_H

#include <stdint.h>

#include "lib/err.h"

/* one for each jail that may exist at one time; a power of two */
#define UIDS_COUNT	8192U

/*
 * uids_take - a range that no other running daemon on this host has taken.  It
 * is ours until this process ends, however it ends.
 * in      file: names the lock; NULL: the usual place.  Borrowed
 * out     base: the first of UIDS_COUNT ids
 * returns 0; what could not be locked is only logged, since a range drawn at
 *         random is all but certainly free
 */
int uids_take(const char *file, uint32_t *base) MUST_CHECK;

#endif
