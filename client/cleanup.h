/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cleanup - what a signal that ends us must leave behind: no half-written
 * file, no preprocessor.
 */
#ifndef CLIENT_CLEANUP_H
#define CLIENT_CLEANUP_H

#include <sys/types.h>

/* cleanup_init - catch the signals that end a build; be told of children's
 * ends even if our parent did not want to be. */
void cleanup_init(void);

/* cleanup_child - end this process too; 0: there is none any more. */
void cleanup_child(pid_t pid);

/* cleanup_file - remove this file too; NULL: there is none any more.
 * path: copied; longer than PATH_MAX is not remembered. */
void cleanup_file(const char *path);

#endif
