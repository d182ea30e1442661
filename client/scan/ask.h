/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask - a client's way to the scanner: the daemon if there is one or one can
 * be started, else a scanner in this process.
 */
#ifndef SCAN_ASK_H
#define SCAN_ASK_H

#include <stdbool.h>

#include "client/scan/scan.h"
#include "lib/err.h"

struct ask_where {
	const char *dir;	/* private directory for the socket, or NULL:
				   no daemon */
	const char *daemon;	/* path of distcc-scand, or NULL: start none */
};

/*
 * ask_dir - the directory for the socket, made if need be.
 * in      runtime_dir: XDG_RUNTIME_DIR's value or NULL, tried first;
 *         distcc_dir: taken if there is no runtime_dir to be used, or NULL
 * out     path: size bytes
 * returns 0; ERR_ACCESS unless it is our own and nobody else can enter;
 *         ERR_LIMIT if the name is too long for a socket
 */
int ask_dir(const char *runtime_dir, const char *distcc_dir, char *path,
    size_t size) MUST_CHECK;

/*
 * ask_scan - the files of one job; runs the compiler where that is needed.
 * A daemon that fails or that sees other files is done without.
 * out     a: SCAN_ANSWERED or SCAN_UNSURE; scan_answer_free()
 */
int ask_scan(const struct ask_where *w, const struct scan_request *req,
    struct scan_answer *a) MUST_CHECK;

/*
 * ask_name - add to a brief answer, behind all others, the entries that its
 * numbers stand for, in their order.  The daemon that gave them is asked.
 * returns 0; ERR_ACCESS if it does not know them, as after a new start; …
 */
int ask_name(const struct ask_where *w, struct scan_answer *a) MUST_CHECK;

/* ask_stop - end the daemon; ERR_NOENT if there is none. */
int ask_stop(const struct ask_where *w) MUST_CHECK;

/* ask_start - start the daemon if there is none. */
int ask_start(const struct ask_where *w) MUST_CHECK;

#endif
