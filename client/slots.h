/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slots - how many jobs run at one time, kept by locks on files.
 *
 * Slot N of a host is a POSIX write lock on lock/cpu_HOST_N.  The kernel drops
 * it when its process ends, however it ends, so that there are no stale
 * slots; an exec keeps it.  Clients that find all slots taken stand in line
 * behind one more lock; only the first in line looks for a free slot.
 */
#ifndef CLIENT_SLOTS_H
#define CLIENT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/env.h"
#include "client/hosts.h"

/*
 * slots_take - wait for a slot of one of the hosts, in the list's order: first
 * everybody's slot 0, then everybody's slot 1, …
 * in      skip: as many flags as hosts; those set are passed over
 * out     *host: its index
 *         *fd: owns the lock, CLOEXEC; -1 when locks cannot be had (no home
 *         directory, a full disk): the job then goes on without
 * returns 0; ERR_NOENT: every host is to be skipped
 */
int slots_take(const struct env *env, const struct host_list *list,
    const bool *skip, size_t *host, int *fd) MUST_CHECK;

/* slots_last - the number of the slot that this process took last. */
unsigned int slots_last(void);

/* slots_take_local - the same for one of n slots of the local machine. */
void slots_take_local(const struct env *env, unsigned int n, int *fd);

#endif
