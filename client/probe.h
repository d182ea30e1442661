/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe - ask a server whether it is there and whether it compiles: one TCP
 * connection that never blocks, so that a caller can have many in one poll(2).
 */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/buf.h"
#include "lib/err.h"

#define PROBE_REQUEST_MAX_BYTES	(64 * 1024)
#define PROBE_WHY_BYTES		128

enum probe_phase {
	PROBE_CONNECT,
	PROBE_SEND,
	PROBE_RECEIVE,
	PROBE_OK,
	PROBE_FAILED,		/* why says how */
};

struct probe {
	enum probe_phase phase;
	int fd;			/* owns; -1 when it is over */
	short events;		/* what to poll fd for */
	struct view request;	/* borrowed; what is still to be sent */
	struct reply *reply;	/* owns; NULL: only connect */
	uint32_t object_bytes;	/* as sent */
	int64_t start_us;
	int64_t connect_us;	/* how long connecting took; -1: it did not */
	int64_t total_us;	/* from start to end, when it is over */
	char why[PROBE_WHY_BYTES];
};

/*
 * probe_request - a whole job: a function of one line to be compiled to an
 * object.
 * in      protocol: 1 to 3; compiler: the name to send
 * out     b: to be freed with buf_free(), also after an error
 * returns 0; ERR_UNSUPPORTED: compression is not built in
 */
int probe_request(unsigned int protocol, const char *compiler, struct buf *b)
    MUST_CHECK;

/*
 * probe_start - begin; p->phase says if it is over already.  probe_free() in
 * any case.
 * in      protocol: the request's; 0: connect only
 *         request: borrowed until probe_free()
 */
void probe_start(struct probe *p, const struct sockaddr *addr, socklen_t len,
    unsigned int protocol, struct view request);

/* probe_step - fd is ready: go on. */
void probe_step(struct probe *p);

/* probe_stop - give up; why: for people. */
void probe_stop(struct probe *p, const char *why);
bool probe_is_over(const struct probe *p);
void probe_free(struct probe *p);

/*
 * probe_run - the whole of it, waiting at most timeout_ms.
 */
void probe_run(struct probe *p, const struct sockaddr *addr, socklen_t len,
    unsigned int protocol, struct view request, int64_t timeout_ms);

#endif
