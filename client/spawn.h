/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spawn - run a program, or become one. */
#ifndef CLIENT_SPAWN_H
#define CLIENT_SPAWN_H

#include <sys/types.h>

#include "lib/err.h"

/*
 * spawn_start - start file with argv and our environment.
 * in      out, err: descriptors for its stdout and stderr; -1: ours
 * returns 0; ERR_NOENT and the like, after logging "failed to exec"
 */
int spawn_start(const char *file, char *const *argv, int out, int err,
    pid_t *pid) MUST_CHECK;

/*
 * spawn_search - start argv[0], searched for on PATH, and leave it alone: a
 * signal that ends us does not end it.
 * in      fds: for its stdin, stdout and stderr; -1: ours
 */
int spawn_search(char *const *argv, const int fds[3], pid_t *pid) MUST_CHECK;

/* spawn_wait - its wait status; -1 if it cannot be had. */
int spawn_wait(pid_t pid);

/* spawn_exec - become file; returns only if that fails, logged. */
int spawn_exec(const char *file, char *const *argv);

/* spawn_exit_code - a wait status as a shell tells it: code, or 128+signal. */
int spawn_exit_code(int status);

#endif
