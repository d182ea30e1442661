/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show - options of distcc itself that print something and end. */
#ifndef CLIENT_SHOW_H
#define CLIENT_SHOW_H

#include "client/env.h"
#include "lib/err.h"

/*
 * show_option - whether argv[0] is an option of distcc itself; if so, it is
 * done, with the words behind it where it takes any.
 * out     *code: the exit status
 */
bool show_option(const struct env *env, char *const *argv, int *code);

#endif
