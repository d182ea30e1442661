/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostfile - where the host list comes from. */
#ifndef CLIENT_HOSTFILE_H
#define CLIENT_HOSTFILE_H

#include "client/env.h"
#include "client/hosts.h"

/*
 * hostfile_read - the list of $DISTCC_HOSTS if that is set, even to nothing;
 * else of DISTCC_DIR/hosts (~/.distcc/hosts); else of SYSCONFDIR/distcc/hosts.
 * out     list: to be freed with hosts_free(), also after an error
 *         why: on error the message for the user
 * returns 0; ERR_NOENT: no list, or an empty one; ERR_SYNTAX
 */
int hostfile_read(const struct env *env, struct host_list *list,
    char why[HOSTS_WHY_BYTES]) MUST_CHECK;

/* hostfile_load - the same, with "+zeroconf" replaced by the hosts found. */
int hostfile_load(const struct env *env, struct host_list *list,
    char why[HOSTS_WHY_BYTES]) MUST_CHECK;

#endif
