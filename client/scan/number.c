/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client/scan/number.h"
#include "lib/mem.h"

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
	arena_free(&ns->text);
	memset(ns, 0, sizeof(*ns));
}

size_t
numbers_memory(const struct numbers *ns)
{
	return ns->size * sizeof(*ns->entries) + ns->text.total +
	    ns->nmarks * sizeof(*ns->marks);
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
	if (++ns->answer != 0)
		return;
	if (ns->nmarks != 0)
		memset(ns->marks, 0, ns->nmarks * sizeof(*ns->marks));
	ns->answer = 1;
}

void
numbers_grow_marks(struct numbers *ns, uint32_t number)
{
	size_t n = ((size_t)number + 512) * 2;

	ns->marks = mem_realloc(ns->marks, n, sizeof(*ns->marks));
	memset(ns->marks + ns->nmarks, 0,
	    (n - ns->nmarks) * sizeof(*ns->marks));
	ns->nmarks = n;
}

const struct scan_entry *
numbers_get(const struct numbers *ns, uint32_t number)
{
	return number != 0 && number < ns->n ? &ns->entries[number] : NULL;
}
