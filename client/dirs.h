/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dirs - DISTCC_DIR (~/.distcc) and the names of what is kept in it. */
#ifndef CLIENT_DIRS_H
#define CLIENT_DIRS_H

#include <stddef.h>

#include "client/env.h"
#include "client/hosts.h"
#include "lib/err.h"

#define DIRS_PATH_BYTES	4096

/*
 * dirs_top - the directory's own path with tail behind it.
 * returns 0; ERR_NOENT: neither DISTCC_DIR nor HOME is set; ERR_LIMIT
 */
int dirs_top(const struct env *env, char *path, size_t size, const char *tail)
    MUST_CHECK;

/*
 * dirs_lock - the name of one lock file: "lock/KIND_HOST_N", where HOST is
 * "localhost", "tcp_NAME_PORT" or "ssh_NAME": the names that stock distcc
 * gives them, so that both keep the same limits.
 * in      host: NULL for the local machine
 */
int dirs_lock(const struct env *env, const char *kind, const struct host *host,
    unsigned int n, char *path, size_t size) MUST_CHECK;

/* dirs_open - open a file for writing below the directory; when it is not
 * there, make the directory that it belongs in and try again. */
int dirs_open(const struct env *env, const char *path, int flags) MUST_CHECK;

#endif
