/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client/scan/number.h"
#include "lib/mem.h"

#define WORD_BITS	64

void
numbers_init(struct numbers *ns)
{
	struct timespec now = { 0, 0 };

	memset(ns, 0, sizeof(*ns));
	if (getrandom(&ns->epoch, sizeof(ns->epoch), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(ns->epoch)) {
		/* it has to differ from others, not to be secret */
		(void)clock_gettime(CLOCK_REALTIME, &now);
		ns->epoch = (uint64_t)now.tv_sec * 1000000000u +
		    (uint64_t)now.tv_nsec + (uint64_t)getpid();
	}
	ns->n = 1;
}

void
numbers_free(struct numbers *ns)
{
	free(ns->entries);
	free(ns->marks);
	free(ns->marked);
	arena_free(&ns->text);
	memset(ns, 0, sizeof(*ns));
}

size_t
numbers_memory(const struct numbers *ns)
{
	return ns->size * sizeof(*ns->entries) + ns->text.total +
	    ns->nmarks * sizeof(*ns->marks) +
	    ns->marked_size * sizeof(*ns->marked);
}

uint32_t
numbers_add(struct numbers *ns, const struct scan_entry *e)
{
	struct scan_entry *mine;

	if (ns->n == NUMBERS_MAX)
		return 0;
	if (ns->n >= ns->size) {
		ns->size = ns->size != 0 ? ns->size * 2 : 1024;
		ns->entries = mem_realloc(ns->entries, ns->size,
		    sizeof(*ns->entries));
	}
	mine = &ns->entries[ns->n];
	*mine = *e;
	mine->path = arena_copy(&ns->text, e->path, strlen(e->path));
	if (e->target != NULL)
		mine->target = arena_copy(&ns->text, e->target,
		    strlen(e->target));
	return (uint32_t)ns->n++;
}

void
numbers_begin(struct numbers *ns)
{
	while (ns->nmarked != 0)
		ns->marks[ns->marked[--ns->nmarked] / WORD_BITS] = 0;
}

static void
grow_marks(struct numbers *ns, uint32_t number)
{
	size_t n = (number / WORD_BITS + 1) * 2;

	ns->marks = mem_realloc(ns->marks, n, sizeof(*ns->marks));
	memset(ns->marks + ns->nmarks, 0,
	    (n - ns->nmarks) * sizeof(*ns->marks));
	ns->nmarks = n;
}

bool
numbers_mark(struct numbers *ns, uint32_t number)
{
	uint64_t bit = UINT64_C(1) << number % WORD_BITS;

	if (number / WORD_BITS >= ns->nmarks)
		grow_marks(ns, number);
	if ((ns->marks[number / WORD_BITS] & bit) != 0)
		return false;
	ns->marks[number / WORD_BITS] |= bit;
	if (ns->nmarked == ns->marked_size) {
		ns->marked_size = ns->marked_size != 0 ?
		    ns->marked_size * 2 : 1024;
		ns->marked = mem_realloc(ns->marked, ns->marked_size,
		    sizeof(*ns->marked));
	}
	ns->marked[ns->nmarked++] = number;
	return true;
}

const struct scan_entry *
numbers_get(const struct numbers *ns, uint32_t number)
{
	return number != 0 && number < ns->n ? &ns->entries[number] : NULL;
}
