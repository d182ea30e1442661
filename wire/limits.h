/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits - every number that a peer chooses has its cap here.
 *
 * These are the format's own caps: no configuration raises them.  The
 * administrator's quotas (policy/limits.h) may only be tighter.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#define WIRE_ARGC_MAX		4096	/* words of a command line */
#define WIRE_ARG_MAX_BYTES	(64 * 1024)	/* one word */
#define WIRE_ARGV_MAX_BYTES	(256 * 1024)	/* all words with their NULs */
#define WIRE_CDIR_MAX_BYTES	4096
#define WIRE_NFIL_MAX		20000	/* files of one protocol 3 request */
#define WIRE_NAME_MAX_BYTES	4096	/* one NAME or LINK */
#define WIRE_NAMES_MAX_BYTES	(4 * 1024 * 1024)	/* all of them */
#define WIRE_BODY_MAX_BYTES	(1024U * 1024 * 1024)	/* one body as sent */
#define WIRE_STAT_MAX		0xffffU	/* a wait status: (exit << 8) | signal */

#endif
