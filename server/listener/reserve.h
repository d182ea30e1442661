/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve - one budget of memory for the request bodies (and results not yet
 * fetched) of all connections together.  Pure.
 *
 * A request waits until its bytes fit.  Order: the source that holds least
 * first, then the oldest.  Two rules keep one source from holding everything:
 * it may not pass half of the budget, and the last quarter is only for sources
 * that hold nothing yet.  So that nobody waits for ever, a job that asks
 * for more on top of what it has may overdraw, one such job at a time; and a
 * source that holds nothing gets even what is larger than its share while
 * nobody else holds anything.
 */
#ifndef SERVER_LISTENER_RESERVE_H
#define SERVER_LISTENER_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct reserve_entry {
	uint32_t job;		/* 0: unused */
	uint32_t source;
	uint64_t held;		/* bytes */
	uint64_t wanted;	/* bytes more; 0: does not wait */
	uint64_t since;
	bool has_overdrawn;
};

struct reserve {
	struct reserve_entry *entries;	/* owns */
	uint32_t nentries;
	uint64_t budget;	/* bytes */
	uint64_t used;
	uint64_t counter;
};

/* reserve_init - budget in bytes; ERR_NOMEM. */
int reserve_init(struct reserve *r, uint64_t budget, uint32_t max_jobs)
    MUST_CHECK;
void reserve_free(struct reserve *r);

/* reserve_ask - job wants more bytes (> 0); ERR_BUSY if it waits already. */
int reserve_ask(struct reserve *r, uint32_t job, uint32_t source,
    uint64_t bytes) MUST_CHECK;

/* reserve_next - grant one request; whether one could be granted. */
bool reserve_next(struct reserve *r, uint32_t *job);

/*
 * reserve_set - what job holds from now on, without asking: its request is
 * gone and results of known size take its place.  Never fails for want of
 * budget; others wait instead.
 */
void reserve_set(struct reserve *r, uint32_t job, uint32_t source,
    uint64_t bytes);

/* reserve_leave - the job holds and wants nothing any more. */
void reserve_leave(struct reserve *r, uint32_t job);

/* reserve_default_budget - of a machine with so many bytes of memory. */
uint64_t reserve_default_budget(uint64_t memory);

#endif
