/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msg - the whole vocabulary between the server's processes.
 *
 * SOCK_SEQPACKET, one fixed struct a message, exact sizes, descriptors counted.
 * Even numbers ask or tell, odd numbers answer the even number before them.
 * Every struct starts with a struct msg_head; nothing is ever parsed out of a
 * message but its fixed fields.
 *
 *	listener <-> worker (one channel a connection)
 *	  HELLO        L>W  first, once    fds: config[, context, client's two]
 *	  RESERVE      W>L  ask for buffer memory            fds: -
 *	  RESERVED     L>W  granted; or never (worker waits, its deadline rules)
 *	  SLOT         W>L  the request is complete and judged; queue me
 *	  SLOT_GRANTED L>W
 *	  COMPILE      W>L  once, after SLOT_GRANTED         fds: job (sealed)
 *	  COMPILED     L>W  slot is free again               fds: as flags say
 *	  LOG          W>L  any time, rate-limited
 *	  SUMMARY      W>L  once, the last message: what became of the job
 *
 *	listener <-> auth (one channel a daemon, with --auth)
 *	  AUTH_HELLO   L>A  first, once        fds: config, keytab, replay cache
 *	  AUTH_READY   A>L  confined and willing; or it logs why not, and ends
 *	  FORK, FORKED, LOG as below
 *
 *	listener <-> the first distccd-worker-gss (one channel a daemon, likewise)
 *	  HELLO        L>W  first, once                      fds: config
 *	  FORK         L>W  make a process for a connection  fds: its channel
 *	  FORKED       W>L  with the same job number
 *	  LOG          W>L  any time
 *	A process that it forks is a worker, whose HELLO has the client, too.
 *
 *	listener <-> auth's forked process (one channel a connection)
 *	  AUTH_BEGIN   L>A  once                             fds: the client
 *	  AUTH_NAME    A>L  once: the client has proved who it is
 *	  AUTH_VERDICT L>A  may it?
 *	  AUTH_OVER    A>L  once, the last message  fds: the context, if sealed
 *	  LOG          A>L  any time, rate-limited
 *
 *	listener <-> keeper (one channel a daemon; it is distccd-jail as well)
 *	  SETUP        L>K  first, once                      fds: config
 *	  JAILER_FORK	L>K  make a jailer                   fds: its channel
 *	  JAILER_FORKED K>L
 *
 *	listener <-> jailer (one channel a daemon; "jailer" is distccd-jail)
 *	  LAYER        J>L  one for each layer at start-up
 *	  READY        J>L  after the last LAYER
 *	  RUN          L>J  start a compile                  fds: job (sealed)
 *	  RAN          J>L  the jail is gone                 fds: as flags say
 *	  KILL         L>J  the client has left, or time is up
 *	  LOG          J>L  any time
 *
 * A worker's bad message costs that worker.  The listener trusts the jailer as
 * far as itself, but checks sizes and states all the same.
 *
 * Fixed descriptors of each started process: 0, 1, 2 are /dev/null (with
 * --log-stderr, 2 is the daemon's stderr); MSG_CHAN_FD is the channel;
 * distccd-auth opens its keytab and replay cache at MSG_KEYTAB_FD and
 * MSG_REPLAY_FD; the worker reads its client at MSG_PEER_FD and writes to it at MSG_PEER_OUT_FD
 * (the same socket twice, or two pipes over SSH).  Everything else is closed.
 */
#ifndef SERVER_MSG_H
#define SERVER_MSG_H

#include <stdint.h>

#include "policy/compiler.h"
#include "policy/limits.h"
#include "sandbox/sandbox.h"

/* distccd-zeroconf has no channel: what it announces, in its environment. */
#define MSG_ZEROCONF_PORT	"DISTCCD_PORT"
#define MSG_ZEROCONF_JOBS	"DISTCCD_JOBS"

#define MSG_CHAN_FD	3
#define MSG_PEER_FD	4
#define MSG_PEER_OUT_FD	5
#define MSG_KEYTAB_FD	6
#define MSG_REPLAY_FD	7

#define MSG_TEXT_BYTES		1024	/* a log line, with its NUL */
#define MSG_NAME_BYTES		128	/* a compiler's base name, with its NUL */
#define MSG_COMPILERS_MAX	256
#define MSG_COMPILER_ANY	UINT32_MAX
#define MSG_JOB_MAX_BYTES	(1536ULL * 1024 * 1024)	/* a job memfd */

enum msg_type {
	MSG_HELLO	= 2,
	MSG_RESERVE	= 4,	MSG_RESERVED	 = 5,
	MSG_SLOT	= 6,	MSG_SLOT_GRANTED = 7,
	MSG_COMPILE	= 8,	MSG_COMPILED	 = 9,
	MSG_LOG		= 10,
	MSG_SUMMARY	= 12,
	MSG_AUTH_HELLO	= 14,
	MSG_AUTH_READY	= 16,
	MSG_AUTH_BEGIN	= 18,
	MSG_AUTH_NAME	= 20,	MSG_AUTH_VERDICT = 21,
	MSG_AUTH_OVER	= 22,
	MSG_FORK	= 24,	MSG_FORKED	 = 25,
	MSG_SETUP	= 32,
	MSG_LAYER	= 34,
	MSG_READY	= 36,
	MSG_RUN		= 38,	MSG_RAN		 = 39,
	MSG_KILL	= 40,
	MSG_JAILER_FORK	= 42,	MSG_JAILER_FORKED = 43,
};

struct msg_head {
	uint32_t type;		/* enum msg_type */
	uint32_t job;		/* the listener's number; 0 if it has none */
};

/* MSG_RESERVE: bytes of request body that the worker is about to hold */
struct msg_reserve {
	struct msg_head head;
	uint64_t bytes;
};

/* MSG_RESERVED, MSG_SLOT, MSG_SLOT_GRANTED, MSG_KILL, MSG_HELLO,
 * MSG_AUTH_HELLO, MSG_AUTH_BEGIN, MSG_FORK, MSG_JAILER_FORK */
struct msg_plain {
	struct msg_head head;
};

/* MSG_COMPILE; MSG_RUN is the same struct, checked and with uid filled in */
struct msg_compile {
	struct msg_head head;
	uint32_t compiler;	/* index into msg_config.compilers, or
				   MSG_COMPILER_ANY with any_command */
	uint32_t protocol;	/* 1..3 */
	uint32_t slot;		/* set by the listener: which slot's uid */
	uint32_t reserved;	/* 0 */
};

/*
 * How a compile ended.  "status" is only meaningful for MSG_END_EXIT.
 */
enum msg_end {
	MSG_END_EXIT,		/* the compiler ended; status is its wait status */
	MSG_END_REFUSED,	/* the command line was refused; text says why */
	MSG_END_TIMEOUT,	/* --job-lifetime */
	MSG_END_MEMORY,		/* --max-memory */
	MSG_END_SCRATCH,	/* --max-scratch or the inode limit */
	MSG_END_PROCESSES,	/* --max-processes */
	MSG_END_OUTPUT,		/* output is larger than --max-output, or is
				   no regular file */
	MSG_END_KILLED,		/* the client left */
	MSG_END_FAILED,		/* the jail could not be made or run */
	MSG_END_COUNT,
};

/* which descriptors follow, in this order */
#define MSG_FD_STDERR	(1U << 0)
#define MSG_FD_STDOUT	(1U << 1)
#define MSG_FD_OBJECT	(1U << 2)
#define MSG_FD_DEPS	(1U << 3)

/* MSG_RAN and MSG_COMPILED */
struct msg_compiled {
	struct msg_head head;
	uint32_t end;		/* enum msg_end */
	uint32_t status;	/* wait status */
	uint32_t fds;		/* MSG_FD_*: sealed memfds */
	uint32_t wall_ms;
	uint32_t cpu_ms;
	uint32_t max_rss_kib;
	char text[MSG_TEXT_BYTES];	/* for the client, "" mostly */
};

/* MSG_LOG */
struct msg_log {
	struct msg_head head;
	uint32_t level;			/* enum log_level */
	char text[MSG_TEXT_BYTES];	/* NUL-terminated; escaped again by
					   the listener */
};

/* MSG_SUMMARY: how the connection ended, for the log, counters, penalties */
enum msg_outcome {
	MSG_OUTCOME_OK,			/* compiled, status 0 */
	MSG_OUTCOME_COMPILE_ERROR,	/* compiled, status not 0 */
	MSG_OUTCOME_REFUSED,		/* command line or compiler refused */
	MSG_OUTCOME_BAD_REQUEST,	/* not the protocol, or over a cap */
	MSG_OUTCOME_TIMEOUT,		/* the client was too slow */
	MSG_OUTCOME_CLIENT_LEFT,
	MSG_OUTCOME_LIMIT,		/* a quota ended the compile */
	MSG_OUTCOME_INTERNAL,		/* our own failure */
	MSG_OUTCOME_TAMPERED,		/* sealed, and not the client's bytes */
	MSG_OUTCOME_COUNT,
};

struct msg_summary {
	struct msg_head head;
	uint32_t outcome;		/* enum msg_outcome */
	uint32_t status;
	uint64_t bytes_in;
	uint64_t bytes_out;
	char compiler[MSG_NAME_BYTES];	/* untrusted */
	char input[256];		/* untrusted: the source's name, cut */
	char why[MSG_TEXT_BYTES];	/* the reason when outcome is not OK */
};

#define MSG_PRINCIPAL_BYTES	512	/* a whole name, with its NUL */
#define MSG_REASON_BYTES	256

/* MSG_AUTH_READY */
struct msg_auth_ready {
	struct msg_head head;
	char realm[MSG_PRINCIPAL_BYTES];	/* the default one; "": none */
};

/* MSG_FORKED, MSG_JAILER_FORKED: the listener's own child (CLONE_PARENT) */
struct msg_forked {
	struct msg_head head;
	int32_t pid;
	uint32_t reserved;			/* 0 */
};

/* MSG_AUTH_NAME: proved by the mechanism, judged by the listener */
struct msg_auth_name {
	struct msg_head head;
	uint32_t is_sealed;
	uint32_t reserved;			/* 0 */
	char peer[MSG_PRINCIPAL_BYTES];		/* the client's */
	char own[MSG_PRINCIPAL_BYTES];		/* whom it wanted to reach */
};

struct msg_auth_verdict {
	struct msg_head head;
	uint32_t is_allowed;
	uint32_t reserved;			/* 0 */
	char why[MSG_REASON_BYTES];		/* not allowed: for the client */
};

enum msg_auth_end {
	MSG_AUTH_OK,			/* the client may go on */
	MSG_AUTH_REFUSED,		/* by the verdict */
	MSG_AUTH_NOT_ASKED,		/* it began without authentication */
	MSG_AUTH_NOT_SEALED,		/* plain, where only sealed will do */
	MSG_AUTH_FAILED,		/* it did not prove anything */
	MSG_AUTH_TIMEOUT,
	MSG_AUTH_LEFT,
	MSG_AUTH_INTERNAL,
	MSG_AUTH_END_COUNT,
};

/* MSG_AUTH_OVER */
struct msg_auth_over {
	struct msg_head head;
	uint32_t end;				/* enum msg_auth_end */
	uint32_t is_sealed;			/* a context comes along */
	char why[MSG_REASON_BYTES];
};

/*
 * The sealed memfd of a sealed connection's context: this, then len bytes that
 * only GSSAPI can read.  The listener passes it on unopened.
 */
struct msg_context {
	uint32_t magic;			/* MSG_CONFIG_MAGIC */
	uint32_t len;
	unsigned char client_nonce[32];
	unsigned char server_nonce[32];
};

/* MSG_LAYER: one line of --show-sandbox */
enum msg_layer_state { MSG_LAYER_OK, MSG_LAYER_MISSING, MSG_LAYER_REDUCED };

struct msg_layer {
	struct msg_head head;
	uint32_t state;			/* enum msg_layer_state */
	uint32_t required;		/* 1: --sandbox=strict refuses without */
	char name[32];			/* "mount-namespace" */
	char detail[256];		/* what was tried and what happened */
};

/*
 * struct msg_config - the sealed memfd of MSG_HELLO and MSG_SETUP, mapped
 * read-only by worker and jailer.  Made once at start by the listener.
 */
struct msg_compiler {
	char name[MSG_NAME_BYTES];	/* base name, as a client sends it */
	char path[1024];		/* absolute, as found: run as argv[0] */
	char file[1024];		/* the regular file that path led to at
					   start, checked: what to execute */
	uint32_t family;		/* enum compiler_family */
	uint32_t reserved;
};

enum msg_auth_mode { MSG_AUTH_OFF, MSG_AUTH_ANY, MSG_AUTH_SEAL };

struct msg_config {
	uint32_t magic;			/* MSG_CONFIG_MAGIC: same build */
	uint32_t ncompilers;
	struct limits limits;
	uint32_t log_level;		/* below it nothing need be sent */
	uint32_t slots;			/* --jobs: jails at one time */
	uint32_t worker_uid, worker_gid;	/* when started as root */
	uint32_t jail_uid_base;		/* of the first jail; 0: none */
	uint32_t jails;			/* at one time, each with its uid */
	uint32_t is_root;		/* started as root: no user namespace */
	uint32_t is_reduced;		/* --sandbox=reduced */
	uint32_t any_command;		/* --enable-tcp-insecure */
	uint32_t pool;			/* ready jails to keep */
	int32_t nice;
	uint32_t filter_mode;	/* enum sandbox_mode */
	uint32_t name_words;		/* path components of a compiler's name that
					   are compared: 1, or DISTCC_CMDLIST's */
	uint32_t ntoolchains;
	char toolchains[16][1024];	/* --toolchain */
	uint32_t auth;			/* enum msg_auth_mode */
	uint32_t reserved;		/* 0 */
	struct sandbox_filter worker_filter;
	struct sandbox_filter auth_filter;	/* with --auth */
	struct msg_compiler compilers[MSG_COMPILERS_MAX];
};

#define MSG_CONFIG_MAGIC	0x64636831u

/*
 * struct job_header - the head of a job memfd, written by the worker, read by
 * the jail's PID 1 (after it has given up every right but the job's).  Behind
 * it, in this order and without gaps: argv (argc words with their NULs,
 * argv_bytes in all), cdir with its NUL (cdir_bytes, 0 in protocols 1 and 2),
 * then the entries: struct job_entry, the name with its NUL, and the contents.
 */
struct job_header {
	uint32_t magic;		/* MSG_CONFIG_MAGIC */
	uint32_t protocol;
	uint32_t argc;
	uint32_t argv_bytes;
	uint32_t cdir_bytes;
	uint32_t nentries;
	uint32_t output_bytes;	/* the output's absolute path in the job, with
				   its NUL, behind cdir */
	uint32_t deps_bytes;	/* the dependency file's, 0: none */
};

enum job_entry_kind { JOB_FILE, JOB_LINK, JOB_SYSTEM_LINK };

struct job_entry {
	uint32_t kind;		/* enum job_entry_kind */
	uint32_t name_bytes;	/* with the NUL */
	uint64_t len;		/* contents; a link's target has no NUL */
};

#endif
