/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state - what a running distcc is doing, in a file for the monitors.
 *
 * A file is DISTCC_DIR/state/binstate_SLOT, named after the slot that the job
 * holds; its lock makes sure that there is one writer, and nothing has to be
 * created or removed for a job.  Only a job that waits for a slot has a file
 * of its own, binstate_PID.  A file whose process is gone says nothing, so a
 * killed distcc leaves nothing to clean up.
 *
 * The bytes are those of stock distcc 3.x: its monitors read ours and the
 * other way round.  A job costs an open and two small writes.
 */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/env.h"
#include "client/hosts.h"
#include "lib/err.h"

#define STATE_TEXT_BYTES	128

enum state_phase {
	STATE_STARTUP,
	STATE_BLOCKED,
	STATE_CONNECT,
	STATE_PREPROCESS,
	STATE_SEND,
	STATE_COMPILE,
	STATE_RECEIVE,
	STATE_DONE,
	STATE_PHASES,
};

/* In a machine's own byte order and sizes, like stock's. */
struct state_record {
	size_t size;		/* of the record */
	unsigned int magic;
	unsigned long pid;
	char file[STATE_TEXT_BYTES];	/* the source's name without its
					   directory; NUL-terminated */
	char host[STATE_TEXT_BYTES];
	int slot;
	unsigned int phase;
	uintptr_t unused;
};

/* ---- the writing side: one process is one job ---- */

/* state_file - what all this is about: the source as given; borrowed. */
void state_file(const char *file);

/* state_blocked - no slot is free.  Nothing happens if the process has one. */
void state_blocked(const struct env *env);

/*
 * state_start - this process has slot number slot of host, by its lock.
 * in      host: NULL for the local machine
 * A failure costs the monitor a line, never the job: nothing is returned.
 */
void state_start(const struct env *env, enum state_phase phase,
    const struct host *host, unsigned int slot);

/* state_phase - it has come this far. Nothing happens without state_start(). */
void state_phase(enum state_phase phase);

/* state_end - the job is over, or the process becomes another program that
 * a monitor should not show. */
void state_end(void);

/* ---- the reading side ---- */

/*
 * state_decode - check one file's bytes.
 * in      p: len bytes, untrusted
 * out     rec: texts terminated, without control characters
 * returns 0; ERR_TRUNCATED; ERR_SYNTAX: another format, or an unknown phase
 */
int state_decode(const void *p, size_t len, struct state_record *rec)
    MUST_CHECK;

/* state_phase_name - "Startup" …; phase < STATE_PHASES. */
const char *state_phase_name(unsigned int phase);

/*
 * state_list - every job that runs now, by host, slot and pid.
 * out     *list: malloc'ed; *n jobs.  No directory yet: no job
 * returns 0; ERR_NOENT: neither DISTCC_DIR nor HOME is set; ERR_ACCESS; …
 */
int state_list(const struct env *env, struct state_record **list, size_t *n)
    MUST_CHECK;

#endif
