/* SPDX-License-Identifier: GPL-2.0-or-later */
/* includes - "distcc --scan-includes COMMAND": what pump mode would send. */
#ifndef CLIENT_INCLUDES_H
#define CLIENT_INCLUDES_H

#include "client/env.h"

/* includes_main - argv: the command's words; returns the exit status. */
int includes_main(const struct env *env, char *const *argv);

#endif
