/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jailer - the listener's side of distccd-jail.  If it dies, running jobs fail
 * and another one is started; the listener lives on.
 */
#ifndef SERVER_LISTENER_JAILER_H
#define SERVER_LISTENER_JAILER_H

#include <stdbool.h>

#include "server/listener/server.h"

/* jailer_init - room for the runs; ERR_NOMEM. */
int jailer_init(struct server *s) MUST_CHECK;

/*
 * jailer_start - start it and wait until it is ready (at start-up only).
 * returns 0; what failed has been reported
 */
int jailer_start(struct server *s) MUST_CHECK;

/*
 * jailer_verdict - the required layers that do not hold here, reported.
 * returns 0 when none is missing, ERR_UNSUPPORTED otherwise
 */
int jailer_verdict(const struct server *s) MUST_CHECK;

/* jailer_print - --show-sandbox, to stdout. */
void jailer_print(const struct server *s, bool as_json);

/*
 * jailer_run - start a compile in slot.
 * in      m: checked by the caller; job: sealed memfd, borrowed
 * returns 0; an error means that nothing was started
 */
int jailer_run(struct server *s, const struct msg_compile *m, uint32_t slot,
    int job) MUST_CHECK;

/* jailer_kill - end a job's compile, if it has one; whether it had. */
bool jailer_kill(struct server *s, uint32_t job);

bool jailer_is_ready(const struct server *s);

/* jailer_reaped - whether pid was the jailer; notes that it has ended. */
bool jailer_reaped(struct server *s, pid_t pid, int status);

/* jailer_tick - overdue compiles, a restart that is due. */
void jailer_tick(struct server *s, int64_t now_ms);

/* jailer_stop - for the listener's own end: it goes, and with it all jails. */
void jailer_stop(struct server *s);

#endif
