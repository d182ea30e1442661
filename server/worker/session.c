/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/fd.h"
#include "server/worker/answer.h"
#include "server/worker/ask.h"
#include "server/worker/receive.h"
#include "server/worker/session.h"

int
session_end(struct session *s, enum msg_outcome outcome,
    enum session_answer answer, const char *fmt, ...)
{
	va_list ap;

	if (s->is_over)
		return ERR_CLOSED;
	s->is_over = true;
	s->answer = answer;
	s->summary.outcome = outcome;
	va_start(ap, fmt);
	(void)vsnprintf(s->summary.why, sizeof(s->summary.why), fmt, ap);
	va_end(ap);
	return ERR_CLOSED;
}

static void
compile(struct session *s)
{
	struct ask_result res;

	if (ask_compile(s, &res) < 0)
		return;
	/* what went wrong while the reply was written has been noted */
	(void)!answer_result(s, &res);
}

void
session_serve(struct session *s)
{
	if (receive_request(s) == 0) {
		if (jobfile_seal(&s->file) == 0)
			compile(s);
		else
			(void)session_end(s, MSG_OUTCOME_INTERNAL,
			    ANSWER_NOTHING, "can't seal the job");
	}
	jobfile_close(&s->file);
	if (s->answer == ANSWER_MESSAGE)
		answer_refusal(s);
	/* the client need not wait for our own end */
	(void)close(MSG_PEER_FD);
	(void)close(MSG_PEER_OUT_FD);
}
