/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "server/listener/announce.h"
#include "server/listener/spawn.h"
#include "server/msg.h"

#define PROGRAM	"distccd-zeroconf"

int
announce_start(struct server *s)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	const char *bus = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	AUTOFREE char *port = mem_printf(MSG_ZEROCONF_PORT "=%u", s->opt.port);
	AUTOFREE char *jobs = mem_printf(MSG_ZEROCONF_JOBS "=%u", s->opt.jobs);
	AUTOFREE char *address = mem_printf("DBUS_SYSTEM_BUS_ADDRESS=%s",
	    bus != NULL ? bus : "");
	char *env[] = { path, port, jobs, bus != NULL ? address : NULL, NULL };
	struct spawn spawn = {
		.name = PROGRAM, .chan = -1,
		.in = -1, .out = -1, .env = env, .ids = &s->ids,
		.err = s->opt.log_stderr ? STDERR_FILENO : -1,
	};
	int r;

	if (!s->opt.zeroconf)
		return 0;
	r = spawn_start(&spawn, &s->announcer_pid);
	if (r < 0)
		log_errx("--zeroconf: " PROGRAM ": %s", err_text(r));
	return r;
}

void
announce_stop(struct server *s)
{
	if (s->announcer_pid > 0)
		(void)kill(s->announcer_pid, SIGKILL);
}

bool
announce_reaped(struct server *s, pid_t pid, int status)
{
	if (pid != s->announcer_pid)
		return false;
	s->announcer_pid = 0;
	if (s->stop_at_ms < 0)
		log_errx("event=announcer_ended status=%d", status);
	return true;
}
