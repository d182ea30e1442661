/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/zeroconf/found.h"

#define ADDRESS_CHARS	"0123456789abcdefABCDEF.:"
#define SCOPE_CHARS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
			"0123456789_.-"

static bool
is_address(const char *s)
{
	size_t n = strspn(s, ADDRESS_CHARS);

	if (n == 0)
		return false;
	return s[n] == '\0' || (s[n] == '%' && s[n + 1] != '\0' &&
	    s[n + 1 + strspn(s + n + 1, SCOPE_CHARS)] == '\0');
}

static bool
has_key(const struct found *f, int interface, int protocol, const char *name)
{
	return f->interface == interface && f->protocol == protocol &&
	    strcmp(f->name, name) == 0;
}

int
found_put(struct found_list *l, const struct found *f)
{
	if (!is_address(f->address) || f->port < 1 || f->port > 65535)
		return ERR_SYNTAX;
	for (size_t i = 0; i < l->n; i++) {
		if (has_key(&l->item[i], f->interface, f->protocol, f->name)) {
			l->item[i] = *f;
			return 0;
		}
	}
	if (l->n == FOUND_MAX)
		return ERR_LIMIT;
	l->item[l->n++] = *f;
	return 0;
}

void
found_remove(struct found_list *l, int interface, int protocol,
    const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (has_key(&l->item[i], interface, protocol, name)) {
			l->item[i] = l->item[--l->n];
			return;
		}
	}
}

/* 0: no number from 1 up */
static unsigned int
small_number(const char *s)
{
	unsigned int n = 0;

	if (s == NULL || *s == '\0' || s[strspn(s, "0123456789")] != '\0')
		return 0;
	for (; *s != '\0' && n < FOUND_SLOTS_MAX; s++)
		n = n * 10 + (unsigned int)(*s - '0');
	return n < FOUND_SLOTS_MAX ? n : FOUND_SLOTS_MAX;
}

unsigned int
found_slots(const char *jobs, const char *cpus)
{
	if (small_number(jobs) != 0)
		return small_number(jobs);
	return small_number(cpus) != 0 ? small_number(cpus) :
	    FOUND_SLOTS_DEFAULT;
}

bool
found_is_for(const char *triple, const char *machine)
{
	size_t n;

	if (triple == NULL)
		return true;
	n = strcspn(triple, "-");
	return strlen(machine) == n && memcmp(triple, machine, n) == 0;
}

bool
found_is_version(const char *theirs, const char *ours)
{
	return theirs == NULL || ours[0] == '\0' || strcmp(theirs, ours) == 0;
}

static bool
is_better(const struct found *a, const struct found *b)
{
	bool a_is_local = strchr(a->address, '%') != NULL;
	bool b_is_local = strchr(b->address, '%') != NULL;

	if (a->is_ipv6 != b->is_ipv6)
		return !a->is_ipv6;
	return !a_is_local && b_is_local;
}

/* The same server under another address, or two names at one address. */
static bool
is_same(const struct found *a, const struct found *b)
{
	return strcmp(a->name, b->name) == 0 ||
	    (a->port == b->port && strcmp(a->address, b->address) == 0);
}

static bool
is_chosen(const struct found_list *l, size_t at)
{
	const struct found *f = &l->item[at];

	for (size_t i = 0; i < l->n; i++) {
		if (i == at || !is_same(&l->item[i], f))
			continue;
		if (is_better(&l->item[i], f) ||
		    (i < at && !is_better(f, &l->item[i])))
			return false;
	}
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct found *const *x = a, *const *y = b;
	int r = strcmp((*x)->address, (*y)->address);

	return r != 0 ? r : (int)(*x)->port - (int)(*y)->port;
}

int
found_print(const struct found_list *l, struct buf *out)
{
	const struct found *chosen[FOUND_MAX] = { NULL };
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (is_chosen(l, i))
			chosen[n++] = &l->item[i];
	}
	qsort(chosen, n, sizeof(chosen[0]), compare);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = buf_printf(out, chosen[i]->is_ipv6 ? "[%s]:%u/%u\n" :
		    "%s:%u/%u\n", chosen[i]->address, chosen[i]->port,
		    chosen[i]->slots);
	return r;
}
