/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output - put the object in its place, whole or not at all. */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include "lib/buf.h"
#include "lib/err.h"

/*
 * output_write - write a file under a temporary name beside path and rename
 * it.  What is no regular file (/dev/null, a pipe) is written to directly, as
 * is a file in a directory where nothing can be made.
 * in      v: untrusted, may be empty
 * returns 0; an error, logged; nothing new is left behind then
 */
int output_write(const char *path, struct view v) MUST_CHECK;

#endif
