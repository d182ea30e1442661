/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chan - a message channel between two of our processes.
 *
 * SOCK_SEQPACKET keeps message boundaries; a message is a fixed struct of
 * known size plus a known number of descriptors.  Both are checked on receipt,
 * so a receiver never sees a message that its sender could not have meant.
 */
#ifndef LIB_CHAN_H
#define LIB_CHAN_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

#define CHAN_FDS_MAX	4	/* descriptors in one message */

/* chan_pair - a connected pair, CLOEXEC both. */
int chan_pair(int fds[2]) MUST_CHECK;

/*
 * chan_send - send one message; blocks unless the socket is non-blocking.
 * in      fds: nfds descriptors to pass, borrowed; nfds <= CHAN_FDS_MAX
 * returns 0, ERR_BUSY (would block), ERR_CLOSED, …
 */
int chan_send(int chan, const void *msg, size_t len, const int *fds,
    size_t nfds) MUST_CHECK;

/*
 * chan_recv - receive one message.
 * out     msg: at most size bytes; a longer message is ERR_PROTOCOL
 *         fds: room for CHAN_FDS_MAX; *nfds received; the caller owns them,
 *         CLOEXEC.  Unused entries are -1.  NULL fds: any descriptor is
 *         closed and the message refused with ERR_PROTOCOL
 * returns the length, ERR_CLOSED at end of file, ERR_BUSY, ERR_PROTOCOL, …
 */
ssize_t chan_recv(int chan, void *msg, size_t size, int *fds, size_t *nfds)
    MUST_CHECK;

#endif
