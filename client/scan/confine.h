/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine - the scanner's daemon gives up all but reading files. */
#ifndef SCAN_CONFINE_H
#define SCAN_CONFINE_H

#include "lib/err.h"

/*
 * confine_self - from here on: files can be read, and removed in socket_dir;
 * connections to the listening socket can be taken; nothing can be written,
 * run, or connected to.
 * in      socket_dir: a directory fd, borrowed; -1: nothing is removed
 * returns 0; ERR_UNSUPPORTED if the kernel has no seccomp; ERR_SYS
 */
int confine_self(int socket_dir) MUST_CHECK;

#endif
