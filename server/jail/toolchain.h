/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain - what a compiler needs besides its own file: the programs that it
 * runs, the libraries of all of these, and its header directories.
 *
 * The compilers themselves are asked, once at start, before any client is
 * served; they run as the unprivileged user.
 */
#ifndef SERVER_JAIL_TOOLCHAIN_H
#define SERVER_JAIL_TOOLCHAIN_H

#include <stddef.h>

#include "lib/err.h"
#include "sandbox/rootfs.h"
#include "server/msg.h"

#define TOOLCHAIN_PROGRAMS_MAX	256

struct toolchain {
	size_t nprograms;
	char *programs[TOOLCHAIN_PROGRAMS_MAX];	/* may be executed; owned */
	size_t nloaders;
	char *loaders[16];	/* dynamic loaders: executed by the kernel */
	size_t ndata;
	char *data[TOOLCHAIN_PROGRAMS_MAX];	/* may be read; owned */
	char *a_library;	/* executable file that is none of the above */
	char library_path[4096];	/* LD_LIBRARY_PATH for libraries in
					   unusual places, or "" */
};

/*
 * toolchain_collect - fill fs and tc from the compilers of config.
 * A compiler that cannot be resolved is logged and left out; the compile that
 * asks for it fails on exec.
 * returns 0; ERR_NOENT when not one compiler is usable
 */
int toolchain_collect(const struct msg_config *config, struct rootfs *fs,
    struct toolchain *tc) MUST_CHECK;

#endif
