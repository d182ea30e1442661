/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server - what the listener's parts share: one struct, made in main.c.
 */
#ifndef SERVER_LISTENER_SERVER_H
#define SERVER_LISTENER_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/listener/ids.h"
#include "server/listener/loop.h"
#include "server/listener/net.h"
#include "server/listener/options.h"
#include "server/listener/principals.h"
#include "server/listener/reserve.h"
#include "server/listener/slots.h"
#include "server/listener/sources.h"
#include "server/msg.h"

/* where a connection is; a message is allowed in some of these */
enum client_state {
	CLIENT_READING		= 1 << 0,	/* the worker reads the request */
	CLIENT_RESERVING	= 1 << 1,	/* waits for memory */
	CLIENT_QUEUED		= 1 << 2,	/* waits for a slot */
	CLIENT_GRANTED		= 1 << 3,	/* may send COMPILE now */
	CLIENT_COMPILING	= 1 << 4,
	CLIENT_REPLYING		= 1 << 5,
	CLIENT_ENDED		= 1 << 6,	/* has sent its SUMMARY */
};

struct client {
	struct client *next;
	struct server *server;
	struct loop_item chan;		/* owns the fd; -1: closed */
	struct loop_item door;		/* owns the connection until its client
					   speaks; -1: a worker has it */
	pid_t pid;			/* 0: reaped, or not started */
	int exit_status;		/* wait status, once reaped */
	uint32_t job;			/* this connection's number, > 0 */
	uint32_t source;
	enum client_state state;
	uint32_t seen;			/* rows of the dispatch table used */
	uint32_t nlogs;
	int64_t started_ms;
	int64_t granted_ms;
	int64_t compile_ms;		/* from COMPILE to COMPILED */
	char peer[NET_NAME_BYTES];
	char principal[PRINCIPAL_BYTES];	/* escaped; "": not known */
	bool is_sealed;
	/* sealed, until its process is there: context, the client's two; owns */
	int held[3];
	bool is_starting;
	uint32_t generation;		/* of its process's parent */
};

/* a compile that the jailer has been asked for; one a slot */
struct run {
	uint32_t job;			/* 0: none */
	int64_t kill_at_ms;		/* KILL at that time, if still there */
	int64_t give_up_ms;		/* no RAN by then: the jailer hangs */
};

enum jailer_state { JAILER_DOWN, JAILER_STARTING, JAILER_READY };

#define JAILER_LAYERS_MAX	48

struct jailer {
	struct loop_item chan;
	pid_t pid;
	enum jailer_state state;
	struct run *runs;		/* owns; nslots of them */
	struct msg_layer layers[JAILER_LAYERS_MAX];
	uint32_t nlayers;
	int64_t up_since_ms;
	int64_t restart_at_ms;
	uint32_t backoff_ms;
};

/* distccd-jail's first process, which forks the jailer */
struct keeper {
	bool is_started;
	pid_t pid;			/* 0: it is gone */
	int chan;			/* owns; -1: it is gone */
};

/* a helper's first process, from which others are forked: master.c */
struct master {
	struct loop_item chan;		/* owns the fd; -1: there is none */
	pid_t pid;			/* of the latest */
	bool is_ready;			/* it has said so */
	uint32_t generation;		/* how many there have been */
	int64_t retry_at_ms;		/* none is started before that */
};

struct handshake;

/* distccd-auth's processes, some waiting for a client */
struct auth {
	struct master master;
	char realm[MSG_PRINCIPAL_BYTES];	/* the default one */
	uint32_t last_id;
	struct handshake *list;
	uint32_t nready;		/* confined, without a client */
	uint32_t nbusy;
	uint32_t nstarting;
	int keytab_fd;
	int replay_fd;
	struct principals principals;
};

/* at most so many lines of one kind a minute */
struct ration {
	int64_t minute;
	uint32_t used;
	uint32_t held_back;
};

struct server {
	struct options opt;
	struct ids ids;
	int config_fd;
	const struct msg_config *config;
	struct loop_item sockets[NET_SOCKETS_MAX];
	size_t nsockets;
	int spare_fd;			/* given up to accept and close one */
	struct client *clients;
	uint32_t nclients;
	uint32_t last_job;
	struct sources sources;
	struct slots slots;
	struct reserve reserve;
	struct keeper keeper;
	struct jailer jailer;
	struct auth auth;
	struct master workers;		/* distccd-worker-gss */
	struct ration refusals;
	struct ration violations;
	struct loop_item signals;
	pid_t announcer_pid;		/* 0: there is none */
	int64_t started_ms;
	int64_t stop_at_ms;		/* >= 0: ending; the latest end */
	bool is_inetd;
	bool is_lost;			/* no jailer can be had any more */
	int outcome;			/* of the last job: --inetd's exit code */
};

#endif
