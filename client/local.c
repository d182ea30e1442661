/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/exits.h"
#include "client/local.h"
#include "client/slots.h"
#include "client/spawn.h"
#include "client/state.h"
#include "lib/fd.h"
#include "lib/log.h"

static int
exec_failed(int err)
{
	return err == ERR_NOENT ? EXIT_COMPILER_MISSING : EXIT_DISTCC_FAILED;
}

static void
tell(const struct job *job, int code)
{
	if (code == 0)
		log_info("compile %s on localhost completed ok", job->file);
	else
		log_info("compile %s on localhost failed with exit code %d",
		    job->file, code);
}

int
local_run(const struct job *job)
{
	pid_t pid;
	int code;
	int r = spawn_start(job->compiler.file, job->argv, -1, -1, &pid);

	if (r < 0)
		return exec_failed(r);
	code = spawn_exit_code(spawn_wait(pid));
	tell(job, code);
	return code;
}

int
local_become(const struct job *job, int lock)
{
	if (log_get_level() >= LOG_LVL_INFO)
		return local_run(job);
	/* the lock is this process's, whatever program runs in it */
	if (lock >= 0 && fd_set_cloexec(lock, false) < 0)
		return local_run(job);
	return exec_failed(spawn_exec(job->compiler.file, job->argv));
}

void
local_take_slot(struct job *job, int *lock)
{
	slots_take_local(job->env, job->hosts.localslots, lock);
	if (*lock >= 0)
		state_start(job->env, STATE_COMPILE, NULL, slots_last());
}
