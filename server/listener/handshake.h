/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handshake - one process of distccd-auth and the client that it has: its
 * messages, and the judgement.  auth.c says which process has which client.
 */
#ifndef SERVER_LISTENER_HANDSHAKE_H
#define SERVER_LISTENER_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/listener/server.h"

enum handshake_state {
	HANDSHAKE_STARTING	= 1 << 0,	/* is to be forked */
	HANDSHAKE_READY		= 1 << 1,	/* waits for a client */
	HANDSHAKE_BUSY		= 1 << 2,	/* reads tokens */
	HANDSHAKE_JUDGED	= 1 << 3,
	HANDSHAKE_OVER		= 1 << 4,
};

struct handshake {
	struct handshake *next;
	struct server *server;
	struct loop_item chan;		/* owns the fd; -1: closed */
	pid_t pid;			/* 0: reaped */
	int exit_status;
	enum handshake_state state;
	uint32_t nlogs;
	uint32_t id;			/* of MSG_FORK */
	uint32_t job;			/* 0: no client yet */
	int in, out;			/* owns; -1: none */
	bool has_client;
	bool is_stale;			/* of a first process that was renewed */
	uint32_t generation;		/* which one that was */
	bool is_allowed;
	bool is_sealed;
	uint32_t source;		/* by address, then by principal */
	int64_t since_ms;		/* of the present state */
	struct sockaddr_storage peer;
	char principal[MSG_PRINCIPAL_BYTES];
};

/* handshake_enter - a state, which is counted. */
void handshake_enter(struct handshake *h, enum handshake_state state);

/* handshake_give - let the process have the client that was put down for it. */
int handshake_give(struct handshake *h) MUST_CHECK;

/*
 * handshake_receive - one message of the process, which may be in anybody's
 * hands: exact sizes, in its states only, about its own client only.
 * returns 0; ERR_BUSY: there is none; ERR_CLOSED; ERR_PROTOCOL: lose it
 */
int handshake_receive(struct handshake *h) MUST_CHECK;

/* handshake_lose - close everything; the process ends when it sees that, or is
 * ended.  h may be gone afterwards, as with handshake_free_if_gone(). */
void handshake_lose(struct handshake *h);
void handshake_free_if_gone(struct handshake *h);

/* handshake_peer - the client's address, for people; static buffer. */
const char *handshake_peer(const struct handshake *h);

/* handshake_escape - what a process said, for the log; static buffer. */
const char *handshake_escape(const char *text, size_t size);

#endif
