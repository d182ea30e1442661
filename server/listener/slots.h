/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slots - who may compile next.  Pure: no clock, no descriptor.
 *
 * A slot is held from its grant until the compile is over, never while a
 * request is read or a reply is written.  Waiting jobs are served by source:
 * the one with the fewest running jobs first, then the one that was served
 * longest ago.  From SLOTS_SPARE_FROM slots on, the last free slot is only for a
 * source that has none, so that a newcomer never waits for another's jobs.
 */
#ifndef SERVER_LISTENER_SLOTS_H
#define SERVER_LISTENER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#define SLOTS_SPARE_FROM	3

struct slots_entry {
	uint32_t job;		/* 0: unused */
	uint32_t source;
	uint64_t since;		/* order of arrival */
	int32_t slot;		/* -1: waiting */
};

struct slots {
	struct slots_entry *entries;	/* owns */
	uint32_t nentries;
	uint32_t nslots;
	uint32_t running;
	uint64_t counter;
	uint64_t *served;	/* by slot number: when its last grant was */
	uint32_t *owner;	/* by slot number: the last grant's source + 1 */
};

/*
 * slots_init - nslots slots for at most max_jobs jobs that wait or run.
 * returns 0, ERR_NOMEM
 */
int slots_init(struct slots *s, uint32_t nslots, uint32_t max_jobs) MUST_CHECK;
void slots_free(struct slots *s);

/* slots_join - queue a job (> 0, once); ERR_LIMIT when all entries are used. */
int slots_join(struct slots *s, uint32_t job, uint32_t source) MUST_CHECK;

/*
 * slots_next - grant one slot.
 * out     *job, *slot: who got which; slot < nslots
 * returns whether there was both a free slot and a job for it
 */
bool slots_next(struct slots *s, uint32_t *job, uint32_t *slot);

/* slots_leave - the job ends: its slot is free, or it waits no longer. */
void slots_leave(struct slots *s, uint32_t job);

/* slots_slot_of - the slot that job holds; nslots if none. */
uint32_t slots_slot_of(const struct slots *s, uint32_t job);

uint32_t slots_running(const struct slots *s);
uint32_t slots_waiting(const struct slots *s);

#endif
