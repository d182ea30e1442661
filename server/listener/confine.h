/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine - how the listener shuts itself in, once everything is started. */
#ifndef SERVER_LISTENER_CONFINE_H
#define SERVER_LISTENER_CONFINE_H

#include "server/listener/server.h"

/*
 * confine_listener - give up: capabilities but three, gaining any by exec, all
 * programs but the worker and distccd-auth, all files but the log's and pid
 * file's directory, TCP connections of our own, and every system call that
 * neither the listener nor those programs need.  What they start inherits it,
 * the keeper and so the jails do not: they run already.
 * returns 0; what failed has been reported
 */
int confine_listener(const struct server *s) MUST_CHECK;

#endif
