/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compilers - the list of programs that a client may ask for, made once at
 * start: name, path and the file behind it.  Only files that nobody but root
 * (or the user who runs distccd) can change are taken.
 */
#ifndef SERVER_LISTENER_COMPILERS_H
#define SERVER_LISTENER_COMPILERS_H

#include "lib/err.h"
#include "server/listener/options.h"
#include "server/msg.h"

/*
 * compilers_find - fill c's compilers, name_words and toolchains.
 * Reads DISTCCD_PATH, DISTCC_CMDLIST, DISTCC_CMDLIST_NUMWORDS.
 * returns 0 (ncompilers may be 0); an unusable DISTCC_CMDLIST has been
 *         reported
 */
int compilers_find(struct msg_config *c, const struct options *o) MUST_CHECK;

/*
 * compilers_check_file - whether path leads to a program that is safe to run.
 * out     file: 1024 bytes, the regular file behind it
 *         why: a static English clause when it is not
 * returns 0, ERR_ACCESS, ERR_NOENT
 */
int compilers_check_file(const char *path, char file[1024],
    const char **why) MUST_CHECK;

#endif
