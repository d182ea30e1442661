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
 *         caps above and WIRE_NAME_MAX_BYTES
 * wire    P-035
 */
int path_check_name(const char *name) MUST_CHECK;

/* path_check_cdir - the same for a working directory; "/" is allowed. */
int path_check_cdir(const char *cdir) MUST_CHECK;

/*
 * path_check_link - a link at name whose target is target.
 * A target that is absolute, or relative and stays below the root when
 * resolved lexically from name's directory, is an ordinary link between places
 * of the job.  One with more ".." than lead to the root (stock's include
 * server writes ../../../../../usr/include) is a typed request for the server's
 * own file, which policy judges.
 * in      name, target: untrusted, NUL-terminated
 *         size: bytes of room at resolved, at least 4097
 * out     *system: it is such a request
 *         *resolved: the clean absolute path that the link stands for, in
 *         either case; "/" if it is the root.  Lexical only: where name's
 *         directory is a link itself, the kernel goes another way, so nothing
 *         but a confined lookup may open it
 * returns 0; ERR_SYNTAX (name as path_check_name(), an empty target);
 *         ERR_LIMIT
 * wire    P-034, P-036, P-037
 */
int path_check_link(const char *name, const char *target, bool *system,
    char *resolved, size_t size) MUST_CHECK;

#endif
