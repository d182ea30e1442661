/* SPDX-License-Identifier: GPL-2.0-or-later */
/* choose - which hosts a job may go to, and which one is next. */
#ifndef CLIENT_CHOOSE_H
#define CLIENT_CHOOSE_H

#include "client/backoff.h"
#include "client/job.h"

/*
 * choose_load - the list of hosts, and which of them this build cannot use.
 * returns 0; else there is no valid list, which has been said
 */
int choose_load(struct job *job) MUST_CHECK;

/*
 * choose_next - wait for a free slot of a host that did not fail lately.
 * out     *host: its index; *lock: owns the slot, or -1
 *         *state: whether it failed before
 * returns 0; ERR_NOENT when none is left: job->local_why says why
 */
int choose_next(struct job *job, size_t *host, int *lock,
    enum backoff *state) MUST_CHECK;

#endif
