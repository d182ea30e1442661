/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * searchpath - whether a host's compiler looks for headers where ours does.
 *
 * That each side has the same headers is not enough: of several C++ libraries
 * clang takes the newest that it finds, so a host that has ours and a newer one
 * would compile with that.
 */
#ifndef CLIENT_SEARCHPATH_H
#define CLIENT_SEARCHPATH_H

#include <stdbool.h>

#include "client/scan/opts.h"
#include "lib/buf.h"
#include "lib/err.h"

/*
 * searchpath_words - the command that has a host show its search path on standard
 * error, as it is for a job.
 * in      argv: the job's words for the host; borrowed
 *         source, object: file names; borrowed
 * out     words: NULL-terminated; free(words->ptr)
 *         o: what some of them belong to; opts_free() later, whatever is
 *         returned
 * returns 0, ERR_SYNTAX
 */
int searchpath_words(char *const *argv, const char *source,
    const char *object, struct words *words, struct opts *o) MUST_CHECK;

/*
 * searchpath_compare - whether the host looks in our directories, in our order.
 * in      ours: each ended by a newline
 *         said: the host's standard error; untrusted
 * out     odd: the first directory that only one of us has there; lent
 * returns 0; ERR_NOENT: they differ; ERR_SYNTAX: said shows no path
 */
int searchpath_compare(const char *ours, struct view said, struct view *odd)
    MUST_CHECK;

#endif
