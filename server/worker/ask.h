/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask - the worker's side of the channel to the listener.  While it waits for
 * an answer it watches the client.
 */
#ifndef SERVER_WORKER_ASK_H
#define SERVER_WORKER_ASK_H

#include "lib/log.h"
#include "server/worker/session.h"

/* what a compile gave; the descriptors are owned by the caller, -1: none */
struct ask_result {
	struct msg_compiled m;
	int err, out, object, deps;
};

/* ask_hello - the configuration; maps it for ever. */
int ask_hello(struct session *s) MUST_CHECK;

/* ask_memory - wait until so many bytes more may be held. */
int ask_memory(struct session *s, uint64_t bytes) MUST_CHECK;

/* ask_compile - wait for a slot, hand over the job, wait for its end. */
int ask_compile(struct session *s, struct ask_result *out) MUST_CHECK;

/* ask_log - a log sink; arg is the session. */
void ask_log(enum log_level level, const char *line, void *arg);

/* ask_summary - the last message. */
void ask_summary(struct session *s);

#endif
