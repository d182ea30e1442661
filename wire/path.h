/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path - names of files in protocol 3 requests. */
#ifndef WIRE_PATH_H
#define WIRE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define PATH_DEPTH_MAX	128	/* components of one name */
#define PATH_PART_MAX	255	/* bytes of one component (NAME_MAX) */

/*
 * path_check_name - whether name may be put below the job's root.
 * in      name: untrusted, NUL-terminated
 * returns 0; ERR_SYNTAX unless absolute and clean: no empty, "." or ".."
 *         component, no trailing slash, not "/" itself; ERR_LIMIT past the
 *         caps above
 */
int path_check_name(const char *name) MUST_CHECK;

/* path_check_cdir - the same for a working directory; "/" is allowed. */
int path_check_cdir(const char *cdir) MUST_CHECK;

/*
 * path_check_link - a link at name whose target is target.
 * A target that stays below the root when resolved lexically from name's
 * directory is an ordinary link.  One that climbs to the root (stock's include
 * server writes ../../../usr/include/x) is a typed request for the server's own
 * file: *system is set and *resolved (size >= 4097 bytes) is the clean
 * absolute path that it asks for, for policy to judge.
 * returns 0, ERR_SYNTAX, ERR_LIMIT
 */
int path_check_link(const char *name, const char *target, bool *system,
    char *resolved, size_t size) MUST_CHECK;

#endif
