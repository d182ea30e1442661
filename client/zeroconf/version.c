/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/find.h"
#include "client/spawn.h"
#include "client/zeroconf/version.h"
#include "lib/fd.h"

static void
run(const struct find *gcc, int out)
{
	static char name[] = "gcc", option[] = "-dumpversion";
	char *argv[] = { name, option, NULL };
	pid_t pid;

	if (spawn_start(gcc->file, argv, out, -1, &pid) == 0)
		(void)spawn_wait(pid);
}

void
version_ask(const struct env *env, char version[VERSION_BYTES])
{
	AUTOFD out = memfd_create("version", MFD_CLOEXEC);
	struct find gcc = { NULL, NULL };
	ssize_t n = 0;

	if (out >= 0 && find_program(env, "gcc", &gcc) == 0) {
		run(&gcc, out);
		n = pread(out, version, VERSION_BYTES - 1, 0);
	}
	version[n > 0 ? n : 0] = '\0';
	version[strcspn(version, " \n")] = '\0';
	find_free(&gcc);
}
