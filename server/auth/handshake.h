/* SPDX-License-Identifier: GPL-2.0-or-later */
/* handshake - one client, from its first byte to the verdict. */
#ifndef SERVER_AUTH_HANDSHAKE_H
#define SERVER_AUTH_HANDSHAKE_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "server/msg.h"

#define HANDSHAKE_REPLY_MAX_BYTES (160 * 1024)	/* hello, token, refusal */

struct handshake {
	const struct msg_config *config;
	int in, out;			/* the client */
	uint32_t job;			/* the listener's number */
	int64_t deadline_ms;		/* of the whole handshake */
	struct context *context;	/* owns */
	struct buf reply;		/* not yet sent */
	uint32_t is_sealed;
	unsigned char client_nonce[32];
	unsigned char server_nonce[32];
	struct msg_auth_over over;	/* what came of it */
};

/*
 * handshake_run - all of it; h->over says how it ended.
 * out     *context: a sealed memfd, struct msg_context and what belongs to it,
 *         owned by the caller; -1 unless it ended well and is sealed
 * returns 0, or an error when h->over.end is not MSG_AUTH_OK
 */
int handshake_run(struct handshake *h, int *context) MUST_CHECK;

/* handshake_log - a log sink; arg is the handshake. */
void handshake_log(enum log_level level, const char *line, void *arg);

#endif
