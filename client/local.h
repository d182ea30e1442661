/* SPDX-License-Identifier: GPL-2.0-or-later */
/* local - run the user's command on this machine. */
#ifndef CLIENT_LOCAL_H
#define CLIENT_LOCAL_H

#include "client/job.h"

/*
 * local_become - run the command in our place, or, when messages are wanted
 * of how it ends, wait for it.
 * in      lock: the slot, kept until the compiler's end; -1: none
 * returns the exit status, if at all
 */
int local_become(const struct job *job, int lock) MUST_CHECK;

/* local_take_slot - wait for a slot of this machine, and show that it is used. */
void local_take_slot(struct job *job, int *lock);

/* local_run - run the command and wait; returns the exit status. */
int local_run(const struct job *job) MUST_CHECK;

#endif
