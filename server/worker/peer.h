/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer - the client's connection: reads and writes with an idle limit and a
 * least rate, and whether anybody is still there.
 */
#ifndef SERVER_WORKER_PEER_H
#define SERVER_WORKER_PEER_H

#include <poll.h>

#include "server/worker/session.h"

/*
 * peer_read - some bytes into ptr, by the deadlines of the request's stage.
 * returns the count (> 0); an error has been noted by session_end()
 */
ssize_t peer_read(struct session *s, void *ptr, size_t size) MUST_CHECK;

/*
 * peer_end_request - the request is complete: nothing may be left of it, and a
 * sealed one must have said that it ends here.
 */
int peer_end_request(struct session *s) MUST_CHECK;

/* peer_pollfd - what to poll for to learn that the client left. */
struct pollfd peer_pollfd(const struct session *s);

/*
 * peer_noticed - poll reported revents while we wait for somebody else.
 * A FIN may come from a client that only closed its writing side, or from one
 * that is gone: DONE is sent at once, which a closed peer answers with a reset.
 * returns 0: it may still be there; an error, noted: it has left, or it sent
 *         bytes behind its request
 * wire    a half-closed client is served, a closed one frees its slot
 */
int peer_noticed(struct session *s, short revents) MUST_CHECK;

/* a writer's account, to hold a slow reader to the least rate */
struct peer_out {
	int64_t began_ms;
	uint64_t sent;
};

void peer_out_begin(struct peer_out *o);
int peer_write(struct session *s, struct peer_out *o, const void *ptr,
    size_t len) MUST_CHECK;
/* peer_end_reply - everything has been written. */
int peer_end_reply(struct session *s, struct peer_out *o) MUST_CHECK;
/* peer_send_file - len bytes of a regular file, from its beginning. */
int peer_send_file(struct session *s, struct peer_out *o, int fd, uint64_t len)
    MUST_CHECK;

/*
 * peer_drain - after an early answer: say that no more comes, and take what
 * the client still sends, so that our closing is no reset that would take
 * the answer from it.
 */
void peer_drain(struct session *s);

#endif
