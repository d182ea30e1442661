/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper - where the programs and libraries are that distcc starts or loads. */
#ifndef CLIENT_HELPER_H
#define CLIENT_HELPER_H

#include <stddef.h>

#include "lib/err.h"

/*
 * helper_path - in a build tree ../libexec/NAME beside our bin; else, or if it
 * is not there, LIBEXECDIR/NAME.
 * returns 0; ERR_NOENT: in neither place; ERR_LIMIT
 */
int helper_path(const char *name, char *path, size_t size) MUST_CHECK;

#endif
