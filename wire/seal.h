/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seal - the records of a sealed connection, but for the cryptography.
 *
 * On the wire a record is SREC, its length, and that many bytes that the
 * mechanism wrapped.  Inside is a head, then the payload:
 *
 *	1 byte	'C' or 'S': who wrote it
 *	1 byte	enum seal_kind
 *	8 bytes	its number, from 0, most significant byte first
 *	record 0 only: the client's nonce, the server's nonce
 *
 * The mechanism proves that the peer wrote the record in this session; the
 * head proves that it stands where its writer put it.
 */
#ifndef WIRE_SEAL_H
#define WIRE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "wire/auth.h"
#include "wire/token.h"

#define SEAL_RECORD_MAX_BYTES	(64 * 1024)	/* wrapped */
#define SEAL_OVERHEAD_BYTES	512	/* most that wrapping may add */
#define SEAL_PLAIN_MAX_BYTES	(SEAL_RECORD_MAX_BYTES - SEAL_OVERHEAD_BYTES)
#define SEAL_HEAD_MAX_BYTES	(10 + 2 * AUTH_NONCE_BYTES)
#define SEAL_PAYLOAD_MAX_BYTES	(SEAL_PLAIN_MAX_BYTES - SEAL_HEAD_MAX_BYTES)

enum seal_kind {
	SEAL_MORE,		/* more records follow */
	SEAL_LAST,		/* the writer's last one */
	SEAL_REFUSED,		/* last too: the server's reason, for people */
};

struct seal {
	bool is_client;
	bool wrote_last;
	bool read_last;
	uint64_t wrote;		/* records so far */
	uint64_t read;
	unsigned char nonces[2 * AUTH_NONCE_BYTES];	/* client's, server's */
};

void seal_init(struct seal *s, bool is_client, const unsigned char *client,
    const unsigned char *server);

/*
 * seal_put_head - append the next record's head to b, an empty buffer; the
 * payload, at most SEAL_PAYLOAD_MAX_BYTES, comes behind it.
 * returns 0; ERR_PROTOCOL after the last record, …
 */
int seal_put_head(struct seal *s, enum seal_kind kind, struct buf *b)
    MUST_CHECK;

/*
 * seal_check - judge an unwrapped record.
 * in      plain: proved to be the peer's; advanced to the payload
 * returns its enum seal_kind; ERR_PROTOCOL: reflected, out of order, of another
 *         session, behind the last one, or empty without being it; ERR_SYNTAX
 */
int seal_check(struct seal *s, struct view *plain) MUST_CHECK;

/*
 * seal_decode_length - the header of a record.
 * in      p: untrusted
 * returns 0; ERR_SYNTAX: anything but a record; ERR_LIMIT
 */
int seal_decode_length(const unsigned char p[TOKEN_LEN], uint32_t *len)
    MUST_CHECK;

/* seal_put_record - append SREC and a wrapped record to b. */
int seal_put_record(struct buf *b, struct view wrapped) MUST_CHECK;

#endif
