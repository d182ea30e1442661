/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify - whether a host's own headers are ours.
 *
 * In protocol 3 the compiler's own headers are not sent: the host reads what it
 * has.  So before a job goes out every header of that sort that it could
 * read must have been compared with the host's, byte for byte, and what is not
 * here must not be there.  A job of our own does that: a source that lets the
 * host's assembler put its headers into an object.  Another has the host's compiler
 * show where it looks for them.  What they said is kept in the store, so only new
 * or changed headers are asked for again.
 */
#ifndef CLIENT_VERIFY_H
#define CLIENT_VERIFY_H

#include "client/env.h"
#include "client/hosts.h"
#include "client/incbin.h"
#include "client/remote.h"
#include "client/scan/scan.h"
#include "client/store.h"

#define VERIFY_WHY_BYTES	256

struct verify {
	const struct env *env;
	const struct host *host;
	char *const *argv;		/* borrowed: the words that are sent */
	struct store *store;
	const char *dir;		/* the store's */
	bool wants_rooted;		/* verify_rooted() has to know */
};

/*
 * verify_headers - in  a: what the scanner named; where that was by number and
 *         the host is not known to have all of it, the entries are added
 * out     why: why not; names the first such header
 *         res: on other errors, its why and is_silent
 * returns 0: all are known to be the same; ERR_UNSUPPORTED: not all are, or
 *         the host cannot tell; else the host has failed
 */
int verify_headers(const struct verify *v, struct scan_answer *a,
    char why[VERIFY_WHY_BYTES], struct remote_result *res) MUST_CHECK;

/* verify_rooted - INCBIN_SAME, INCBIN_ELSEWHERE: whether what is sent to the host
 * is found by its full name there; INCBIN_UNKNOWN. */
enum incbin_state verify_rooted(const struct verify *v);

/*
 * verify_distrust - send this host no more headers for a while.
 * verify_is_distrusted - whether that was said, and why.
 */
void verify_distrust(const struct verify *v, const char *why);
bool verify_is_distrusted(const struct verify *v,
    char why[VERIFY_WHY_BYTES]);

#endif
