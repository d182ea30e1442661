/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backoff - hosts that failed are left alone for DISTCC_BACKOFF_PERIOD.
 * The time of the failure is that of the file lock/backoff_HOST_0, as in stock
 * distcc.
 */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H

#include <stdbool.h>

#include "client/env.h"
#include "client/hosts.h"

enum backoff { BACKOFF_NONE, BACKOFF_OVER, BACKOFF_ON };

/* backoff_state - never failed; failed long ago; or to be left alone now. */
enum backoff backoff_state(const struct env *env, const struct host *host);

/* backoff_mark - the host failed just now. */
void backoff_mark(const struct env *env, const struct host *host);

/* backoff_clear - the host did well again; needed after BACKOFF_OVER only. */
void backoff_clear(const struct env *env, const struct host *host);

#endif
