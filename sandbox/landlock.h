/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * landlock - rights on files, TCP ports, signals and abstract sockets that a
 * process gives up for good.  Thin: one ruleset, rules by path, restrict.
 * What a kernel's Landlock is too old for is left out; landlock_abi() tells.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdint.h>

#include "lib/err.h"

/* classes of rights that a ruleset takes away unless a rule gives them back */
#define LANDLOCK_EXEC	(1U << 0)	/* execute a file */
#define LANDLOCK_READ	(1U << 1)	/* read files, list directories */
#define LANDLOCK_WRITE	(1U << 2)	/* write, make, remove, rename */
#define LANDLOCK_NET	(1U << 3)	/* TCP bind and connect */
#define LANDLOCK_SCOPE	(1U << 4)	/* signals, abstract sockets outside */

/* landlock_abi - the kernel's version; 0 without Landlock. */
int landlock_abi(void);

/* landlock_new - a ruleset that handles these classes; a descriptor (CLOEXEC). */
int landlock_new(unsigned int classes) MUST_CHECK;

/*
 * landlock_allow - give classes back for a file or below a directory.
 * returns 0; ERR_NOENT when the path is not there
 */
int landlock_allow(int ruleset, const char *path, unsigned int classes)
    MUST_CHECK;

/* landlock_enforce - restrict this process; no_new_privs must be set. */
int landlock_enforce(int ruleset) MUST_CHECK;

#endif
