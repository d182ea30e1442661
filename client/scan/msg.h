/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msg - what a client and the scanner's daemon say to each other.
 *
 * A message is a header of two 32-bit numbers in the machine's order (they are
 * two programs of one build on one machine), its kind and its body's length,
 * then the body: numbers and strings, each string with its length before it.
 * A client asks, the daemon answers; then the client may ask again, unless it has
 * all it asked for: then the daemon ends the connection.
 */
#ifndef SCAN_MSG_H
#define SCAN_MSG_H

#include <stdint.h>

#include "client/scan/scan.h"
#include "lib/buf.h"
#include "lib/err.h"

/* part of the socket's name: two versions never meet */
#define MSG_VERSION		5
#define MSG_HEADER_BYTES	8
#define MSG_BODY_MAX_BYTES	((size_t)32 * 1024 * 1024)

enum msg_kind {
	MSG_SCAN = 1,	/* a request */
	MSG_LEARN,	/* a request, queries, what the probe said */
	MSG_STOP,	/* end; no body */
	MSG_ANSWER,	/* a scan_answer */
	MSG_DONE,	/* MSG_LEARN was taken in; no body */
	MSG_REFUSED,	/* one string: why */
	MSG_NAME,	/* an answer's numbers; MSG_ANSWER follows, with the
			   entries that they stand for */
};

/* Where the asker stands: the daemon must see the same file system. */
struct msg_place {
	uint64_t root_dev, root_ino, cwd_dev, cwd_ino;
};

/* A request as it came in; free with msg_request_free(). */
struct msg_request {
	struct scan_request req;
	struct msg_place place;
	char **argv, **env;	/* own the vectors; words are in arena */
	struct arena arena;
	struct view queries, text;	/* MSG_LEARN; lent by the body */
};

/* msg_place_of - this process's view of "/" and of cwd. */
int msg_place_of(const char *cwd, struct msg_place *p) MUST_CHECK;

/* msg_begin, msg_end - a message is built in b between the two. */
int msg_begin(struct buf *b, enum msg_kind kind) MUST_CHECK;
void msg_end(struct buf *b, size_t start);

int msg_put_request(struct buf *b, const struct scan_request *req,
    const struct msg_place *place) MUST_CHECK;
int msg_put_bytes(struct buf *b, struct view v) MUST_CHECK;
int msg_put_numbers(struct buf *b, const struct scan_answer *a) MUST_CHECK;
int msg_put_answer(struct buf *b, const struct scan_answer *a) MUST_CHECK;

/* All msg_get_*: v is untrusted and advanced; ERR_SYNTAX, ERR_LIMIT. */
int msg_get_request(struct view *v, enum msg_kind kind,
    struct msg_request *m) MUST_CHECK;
void msg_request_free(struct msg_request *m);
int msg_get_bytes(struct view *v, struct view *out) MUST_CHECK;
/* msg_get_numbers - in  a: zeroed, or without numbers */
int msg_get_numbers(struct view *v, struct scan_answer *a) MUST_CHECK;
int msg_get_answer(struct view *v, struct scan_answer *a) MUST_CHECK;

/* msg_get_header - kind and body length of MSG_HEADER_BYTES. */
int msg_get_header(const unsigned char *p, enum msg_kind *kind, size_t *len)
    MUST_CHECK;

#endif
