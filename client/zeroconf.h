/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zeroconf - hosts that announce themselves on the local network.
 *
 * distcc-zeroconf, a process of its own, asks Avahi and keeps the answer in
 * DISTCC_DIR/zeroconf/hosts, in the host list's syntax, as stock distcc does.
 * A job reads that file, and starts the process if it does not run.
 */
#ifndef CLIENT_ZEROCONF_H
#define CLIENT_ZEROCONF_H

#include "client/env.h"
#include "client/hosts.h"

#define ZEROCONF_PROGRAM	"distcc-zeroconf"
#define ZEROCONF_LOCK		"/zeroconf/lock"
#define ZEROCONF_HOSTS		"/zeroconf/hosts"

/* Its lock's time says when a job needed it last: it ends when that is long
 * ago.  Jobs set it so often. */
#define ZEROCONF_IDLE_S		900
#define ZEROCONF_TOUCH_S	60

/* The first job of all waits for the first answer so long. */
#define ZEROCONF_WAIT_MS	3000

/* zeroconf_missing - NULL, or what this build lacks. */
const char *zeroconf_missing(void);

/*
 * zeroconf_add - append the hosts that are known now to a list.  What goes
 * wrong is logged; the list's other hosts are good without it.
 */
void zeroconf_add(const struct env *env, struct host_list *list);

#endif
