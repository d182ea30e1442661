/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config - the sealed memfd that workers and the jailer get. */
#ifndef SERVER_LISTENER_CONFIG_H
#define SERVER_LISTENER_CONFIG_H

#include "lib/err.h"
#include "server/listener/ids.h"
#include "server/listener/options.h"
#include "server/msg.h"

/*
 * config_make - find the compilers, build the worker's filter, seal it all.
 * out     *fd: owned by the caller; *map: the same, mapped read-only for ever
 * returns 0; what failed has been reported
 */
int config_make(const struct options *o, const struct ids *ids, int *fd,
    const struct msg_config **map) MUST_CHECK;

#endif
