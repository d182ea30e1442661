/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session - one connection, from its first byte to its last.  A worker has
 * one and ends with it, so nothing here is freed before the end but what
 * is large.
 */
#ifndef SERVER_WORKER_SESSION_H
#define SERVER_WORKER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "server/msg.h"
#include "server/worker/jobfile.h"
#include "wire/request.h"

#define SESSION_BUFFER_BYTES	(64 * 1024)

/* what the client is to hear when its job comes to nothing */
enum session_answer {
	ANSWER_NOTHING,		/* just close: clients compile locally then */
	ANSWER_MESSAGE,		/* a failed status, and why on stderr */
};

struct session {
	const struct msg_config *config;
	uint32_t job;			/* the listener's number */
	struct request *request;
	struct jobfile file;
	unsigned char buffer[SESSION_BUFFER_BYTES];
	struct view unread;		/* of buffer */

	int64_t began_ms;
	int64_t body_began_ms;		/* moved on by waits that are ours */
	uint64_t body_bytes;		/* read since then, in clear */
	uint64_t granted;		/* bytes of memory that we may hold */

	uint32_t protocol;
	uint32_t compiler;		/* index, or MSG_COMPILER_ANY */
	int context_fd;			/* of a sealed connection; -1 */
	struct sealed *sealed;		/* NULL: the connection is in clear */
	bool is_complete;		/* the request has been read */
	bool has_eof;			/* the client writes no more */
	bool has_done;			/* DONE has been sent */

	enum session_answer answer;
	struct msg_summary summary;	/* outcome: valid once is_over */
	bool is_over;
};

/* session_serve - everything; s->summary says what became of it. */
void session_serve(struct session *s);

/*
 * session_end - note how it ends; only the first call counts.
 * in      fmt: why, for the log; "" if there is nothing to say
 * returns ERR_CLOSED, for the caller to pass on
 */
int session_end(struct session *s, enum msg_outcome outcome,
    enum session_answer answer, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
