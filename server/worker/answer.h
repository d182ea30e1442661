/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer - what the client gets. */
#ifndef SERVER_WORKER_ANSWER_H
#define SERVER_WORKER_ANSWER_H

#include "server/worker/ask.h"
#include "server/worker/session.h"

/* answer_result - a compile has ended, whichever way. */
int answer_result(struct session *s, const struct ask_result *res) MUST_CHECK;

/* answer_refusal - status 1 and one line on stderr: s->summary.why. */
void answer_refusal(struct session *s);

#endif
