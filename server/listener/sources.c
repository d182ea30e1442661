/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "server/listener/sources.h"

int
sources_init(struct sources *s, uint32_t size)
{
	s->table = calloc(size, sizeof(*s->table));
	s->size = s->table != NULL ? size : 0;
	return s->table != NULL ? 0 : ERR_NOMEM;
}

void
sources_free(struct sources *s)
{
	for (uint32_t i = 0; i < s->size; i++)
		free(s->table[i].principal);
	free(s->table);
	memset(s, 0, sizeof(*s));
}

/* What counts as one source: see the header. */
static void
make_key(const struct sockaddr *peer, unsigned char key[17])
{
	memset(key, 0, 17);
	if (peer->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, peer, sizeof(in));
		key[0] = 4;
		memcpy(key + 1, &in.sin_addr, 4);
	} else if (peer->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, peer, sizeof(in6));
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			key[0] = 4;
			memcpy(key + 1, in6.sin6_addr.s6_addr + 12, 4);
		} else {
			key[0] = 6;
			memcpy(key + 1, in6.sin6_addr.s6_addr, 8);
		}
	}
}

/* Prefer an unused entry, then one whose loss forgets the least. */
static bool
is_better_victim(const struct source *a, const struct source *b)
{
	if (a->in_use != b->in_use)
		return !a->in_use;
	if (a->penalty_until_ms != b->penalty_until_ms)
		return a->penalty_until_ms < b->penalty_until_ms;
	return a->last_ms < b->last_ms;
}

/* By address when principal is NULL, else by that alone. */
static bool
is_same(const struct source *e, const unsigned char key[17],
    const char *principal)
{
	if (!e->in_use || (e->principal != NULL) != (principal != NULL))
		return false;
	return principal != NULL ? strcmp(e->principal, principal) == 0 :
	    memcmp(e->key, key, 17) == 0;
}

/* The entry; or, new, the one to be forgotten for it.  NULL: there is none. */
static struct source *
find(struct sources *s, const unsigned char key[17], const char *principal)
{
	struct source *victim = NULL;

	for (uint32_t i = 0; i < s->size; i++) {
		struct source *e = &s->table[i];

		if (is_same(e, key, principal))
			return e;
		if (e->connections == 0 &&
		    (victim == NULL || is_better_victim(e, victim)))
			victim = e;
	}
	if (victim != NULL) {
		free(victim->principal);
		memset(victim, 0, sizeof(*victim));
	}
	return victim;
}

static int
find_or_add(struct sources *s, const unsigned char key[17],
    const char *principal, int64_t now_ms, uint32_t *index)
{
	struct source *e = find(s, key, principal);

	if (e == NULL)
		return ERR_LIMIT;
	if (!e->in_use && principal != NULL &&
	    (e->principal = strdup(principal)) == NULL)
		return ERR_NOMEM;
	memcpy(e->key, key, 17);
	e->in_use = true;
	e->last_ms = now_ms;
	*index = (uint32_t)(e - s->table);
	return 0;
}

int
sources_find(struct sources *s, const struct sockaddr *peer, int64_t now_ms,
    uint32_t *index)
{
	unsigned char key[17];

	make_key(peer, key);
	return find_or_add(s, key, NULL, now_ms, index);
}

int
sources_find_principal(struct sources *s, const char *name, int64_t now_ms,
    uint32_t *index)
{
	static const unsigned char none[17];

	return find_or_add(s, none, name, now_ms, index);
}

void
sources_enter(struct sources *s, uint32_t index)
{
	s->table[index].connections++;
}

void
sources_leave(struct sources *s, uint32_t index)
{
	if (s->table[index].connections > 0)
		s->table[index].connections--;
}

uint32_t
sources_connections(const struct sources *s, uint32_t index)
{
	return s->table[index].connections;
}

void
sources_penalise(struct sources *s, uint32_t index, uint32_t seconds,
    int64_t now_ms)
{
	int64_t *until = &s->table[index].penalty_until_ms;
	int64_t most = now_ms + SOURCES_PENALTY_MAX_S * 1000LL;

	if (*until < now_ms)
		*until = now_ms;
	*until += (int64_t)seconds * 1000;
	if (*until > most)
		*until = most;
}

bool
sources_is_refused(const struct sources *s, uint32_t index, int64_t now_ms)
{
	return s->table[index].penalty_until_ms - now_ms >=
	    SOURCES_PENALTY_MIN_S * 1000LL;
}
