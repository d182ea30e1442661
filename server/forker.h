/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forker - a helper that loads and confines itself once, and then forks a
 * process for each connection.  The first process sees no connection's
 * descriptor but the channel that it passes on.
 */
#ifndef SERVER_FORKER_H
#define SERVER_FORKER_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * forker_child - fork a child of our parent's, which can wait for it and end it.
 * in      chan: becomes the child's MSG_CHAN_FD
 * returns as fork(2)
 */
pid_t forker_child(int chan) MUST_CHECK;

/*
 * forker_serve - answer MSG_FORK on MSG_CHAN_FD until the listener is gone.
 * returns 1 in each forked process, whose MSG_CHAN_FD is then its own channel,
 *         and which ends with the listener; ERR_CLOSED in the first process
 *         at the end; another error when the listener was not understood
 */
int forker_serve(void) MUST_CHECK;

#endif
