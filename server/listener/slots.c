/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "server/listener/slots.h"

int
slots_init(struct slots *s, uint32_t nslots, uint32_t max_jobs)
{
	memset(s, 0, sizeof(*s));
	s->entries = calloc(max_jobs, sizeof(*s->entries));
	s->served = calloc(nslots, sizeof(*s->served));
	s->owner = calloc(nslots, sizeof(*s->owner));
	if (s->entries == NULL || s->served == NULL || s->owner == NULL) {
		slots_free(s);
		return ERR_NOMEM;
	}
	s->nslots = nslots;
	s->nentries = max_jobs;
	return 0;
}

void
slots_free(struct slots *s)
{
	free(s->entries);
	free(s->served);
	free(s->owner);
	memset(s, 0, sizeof(*s));
}

int
slots_join(struct slots *s, uint32_t job, uint32_t source)
{
	for (uint32_t i = 0; i < s->nentries; i++) {
		struct slots_entry *e = &s->entries[i];

		if (e->job != 0)
			continue;
		*e = (struct slots_entry){ .job = job, .source = source,
		    .since = ++s->counter, .slot = -1 };
		return 0;
	}
	return ERR_LIMIT;
}

static uint32_t
count_running(const struct slots *s, uint32_t source)
{
	uint32_t n = 0;

	if (s->running == 0)
		return 0;
	for (uint32_t i = 0; i < s->nentries; i++)
		if (s->entries[i].job != 0 && s->entries[i].slot >= 0 &&
		    s->entries[i].source == source)
			n++;
	return n;
}

/* When a slot was last given to this source; 0: not that we remember. */
static uint64_t
last_served(const struct slots *s, uint32_t source)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < s->nslots; i++)
		if (s->owner[i] == source + 1 && s->served[i] > last)
			last = s->served[i];
	return last;
}

struct rank {
	uint32_t running;
	uint64_t served;
	uint64_t since;
};

static bool
is_before(const struct rank *a, const struct rank *b)
{
	if (a->running != b->running)
		return a->running < b->running;
	if (a->served != b->served)
		return a->served < b->served;
	return a->since < b->since;
}

/* The waiting entry whose turn it is, NULL if none waits. */
static struct slots_entry *
pick(struct slots *s, struct rank *best)
{
	struct slots_entry *found = NULL;

	for (uint32_t i = 0; i < s->nentries; i++) {
		struct slots_entry *e = &s->entries[i];
		struct rank rank;

		if (e->job == 0 || e->slot >= 0)
			continue;
		rank = (struct rank){ count_running(s, e->source),
		    last_served(s, e->source), e->since };
		if (found == NULL || is_before(&rank, best)) {
			found = e;
			*best = rank;
		}
	}
	return found;
}

static uint32_t
free_slot(const struct slots *s)
{
	for (uint32_t slot = 0; slot < s->nslots; slot++) {
		bool used = false;

		for (uint32_t i = 0; i < s->nentries && !used; i++)
			used = s->entries[i].job != 0 &&
			    s->entries[i].slot == (int32_t)slot;
		if (!used)
			return slot;
	}
	return s->nslots;
}

bool
slots_next(struct slots *s, uint32_t *job, uint32_t *slot)
{
	struct slots_entry *e;
	struct rank rank;

	if (s->running >= s->nslots || (e = pick(s, &rank)) == NULL)
		return false;
	/*
	 * pick() prefers a source without a running job, so a refusal here
	 * means that every waiting source has one already.
	 */
	if (s->nslots >= SLOTS_SPARE_FROM && s->running + 1 == s->nslots &&
	    rank.running > 0)
		return false;
	*slot = free_slot(s);
	*job = e->job;
	e->slot = (int32_t)*slot;
	s->owner[*slot] = e->source + 1;
	s->served[*slot] = ++s->counter;
	s->running++;
	return true;
}

void
slots_leave(struct slots *s, uint32_t job)
{
	for (uint32_t i = 0; i < s->nentries; i++) {
		struct slots_entry *e = &s->entries[i];

		if (e->job != job)
			continue;
		if (e->slot >= 0)
			s->running--;
		e->job = 0;
		return;
	}
}

uint32_t
slots_slot_of(const struct slots *s, uint32_t job)
{
	for (uint32_t i = 0; i < s->nentries; i++)
		if (s->entries[i].job == job && s->entries[i].slot >= 0)
			return (uint32_t)s->entries[i].slot;
	return s->nslots;
}

uint32_t
slots_running(const struct slots *s)
{
	return s->running;
}

uint32_t
slots_waiting(const struct slots *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nentries; i++)
		if (s->entries[i].job != 0 && s->entries[i].slot < 0)
			n++;
	return n;
}
