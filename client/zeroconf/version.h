/* SPDX-License-Identifier: GPL-2.0-or-later */
/* version - which gcc this machine has. */
#ifndef CLIENT_ZEROCONF_VERSION_H
#define CLIENT_ZEROCONF_VERSION_H

#include "client/env.h"

#define VERSION_BYTES	32

/*
 * version_ask - what the first gcc on PATH, which is not distcc, answers to
 * -dumpversion.
 * out     version: "": it is not known
 */
void version_ask(const struct env *env, char version[VERSION_BYTES]);

#endif
