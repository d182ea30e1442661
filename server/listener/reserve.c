/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "server/listener/reserve.h"

#define BUDGET_MAX	(2048ULL * 1024 * 1024)

uint64_t
reserve_default_budget(uint64_t memory)
{
	return memory / 4 < BUDGET_MAX ? memory / 4 : BUDGET_MAX;
}

int
reserve_init(struct reserve *r, uint64_t budget, uint32_t max_jobs)
{
	memset(r, 0, sizeof(*r));
	r->entries = calloc(max_jobs, sizeof(*r->entries));
	if (r->entries == NULL)
		return ERR_NOMEM;
	r->nentries = max_jobs;
	r->budget = budget;
	return 0;
}

void
reserve_free(struct reserve *r)
{
	free(r->entries);
	memset(r, 0, sizeof(*r));
}

/* The job's entry; a new one if it has none; NULL if all are used. */
static struct reserve_entry *
entry_of(struct reserve *r, uint32_t job, uint32_t source)
{
	struct reserve_entry *unused = NULL;

	for (uint32_t i = 0; i < r->nentries; i++) {
		if (r->entries[i].job == job)
			return &r->entries[i];
		if (r->entries[i].job == 0 && unused == NULL)
			unused = &r->entries[i];
	}
	if (unused != NULL)
		*unused = (struct reserve_entry){ .job = job,
		    .source = source };
	return unused;
}

int
reserve_ask(struct reserve *r, uint32_t job, uint32_t source, uint64_t bytes)
{
	struct reserve_entry *e = entry_of(r, job, source);

	if (e == NULL)
		return ERR_LIMIT;
	if (e->wanted != 0)
		return ERR_BUSY;
	e->wanted = bytes;
	e->since = ++r->counter;
	return 0;
}

static uint64_t
held_by(const struct reserve *r, uint32_t source)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->nentries; i++)
		if (r->entries[i].job != 0 && r->entries[i].source == source)
			sum += r->entries[i].held;
	return sum;
}

/* Whether e's request may be granted, its source holding so many bytes. */
static bool
fits(const struct reserve *r, const struct reserve_entry *e, uint64_t held)
{
	uint64_t left = r->budget > r->used ? r->budget - r->used : 0;

	if (r->used == 0)
		return true;
	if (e->wanted > left)
		return false;
	if (held == 0)
		return true;
	return held + e->wanted <= r->budget / 2 &&
	    left - e->wanted >= r->budget / 4;
}

static bool
is_overdrawn(const struct reserve *r)
{
	for (uint32_t i = 0; i < r->nentries; i++)
		if (r->entries[i].job != 0 && r->entries[i].has_overdrawn)
			return true;
	return false;
}

/* The next request in turn among those that fit. */
static struct reserve_entry *
pick(struct reserve *r)
{
	struct reserve_entry *found = NULL;
	uint64_t least = 0;

	for (uint32_t i = 0; i < r->nentries; i++) {
		struct reserve_entry *e = &r->entries[i];
		uint64_t held;

		if (e->job == 0 || e->wanted == 0)
			continue;
		held = held_by(r, e->source);
		if (!fits(r, e, held))
			continue;
		if (found == NULL || held < least ||
		    (held == least && e->since < found->since)) {
			found = e;
			least = held;
		}
	}
	return found;
}

/* The oldest request of a job that holds something already. */
static struct reserve_entry *
pick_grower(struct reserve *r)
{
	struct reserve_entry *found = NULL;

	if (is_overdrawn(r))
		return NULL;
	for (uint32_t i = 0; i < r->nentries; i++) {
		struct reserve_entry *e = &r->entries[i];

		if (e->job != 0 && e->wanted != 0 && e->held != 0 &&
		    (found == NULL || e->since < found->since))
			found = e;
	}
	if (found != NULL)
		found->has_overdrawn = true;
	return found;
}

bool
reserve_next(struct reserve *r, uint32_t *job)
{
	struct reserve_entry *e = pick(r);

	if (e == NULL)
		e = pick_grower(r);
	if (e == NULL)
		return false;
	e->held += e->wanted;
	r->used += e->wanted;
	e->wanted = 0;
	*job = e->job;
	return true;
}

void
reserve_set(struct reserve *r, uint32_t job, uint32_t source, uint64_t bytes)
{
	struct reserve_entry *e = entry_of(r, job, source);

	if (e == NULL)
		return;
	r->used -= e->held;
	r->used += bytes;
	e->held = bytes;
	e->wanted = 0;
	e->has_overdrawn = false;
}

void
reserve_leave(struct reserve *r, uint32_t job)
{
	for (uint32_t i = 0; i < r->nentries; i++) {
		if (r->entries[i].job != job)
			continue;
		r->used -= r->entries[i].held;
		memset(&r->entries[i], 0, sizeof(r->entries[i]));
		return;
	}
}
