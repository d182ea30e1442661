/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify_list - what is known of a host, and what of it a job asks for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/verify_list.h"
#include "lib/mem.h"

int64_t
verify_now_s(void)
{
	return (int64_t)time(NULL);
}

struct store_key
verify_key(const struct verify *v, const char *kind)
{
	struct store_key k = store_key_str((struct store_key){ 0, 0 }, kind);

	k = store_key_str(k, v->host->spec);
	return store_key_str(k, v->argv[0]);
}

static struct store_key
entry_key(struct store_key host, const struct scan_entry *e)
{
	uint32_t kind = (uint32_t)e->kind;

	host = store_key_of(host, &kind, sizeof(kind));
	host = store_key_of(host, &e->stamp, sizeof(e->stamp));
	/* that holds for all names or for none */
	return e->kind == SCAN_ROOTED ? host : store_key_str(host, e->path);
}

bool
verify_is_of_host(const struct scan_entry *e)
{
	return e->is_system && e->kind != SCAN_SYMLINK &&
	    e->kind != SCAN_SYSTEMDIR;
}

/* Whether it is the link's target or below it, there or not; *rest is its path
 * from there. */
static bool
is_behind(const struct scan_entry *e, const char *target, const char **rest)
{
	size_t len = strlen(target);

	if ((e->kind != SCAN_FILE && !verify_is_of_host(e)) ||
	    strncmp(e->path, target, len) != 0)
		return false;
	*rest = e->path + len;
	return **rest == '/' || **rest == '\0';
}

/* The entry with another path, which becomes the list's. */
static const struct scan_entry *
make_entry(struct verify_list *l, const struct scan_entry *e, char *path)
{
	struct scan_entry *mine = mem_calloc(1, sizeof(*mine));

	*mine = *e;
	mine->path = path;
	if (l->nmade == l->made_size) {
		l->made_size = l->made_size != 0 ? l->made_size * 2 : 16;
		l->made = mem_realloc(l->made, l->made_size,
		    sizeof(struct scan_entry *));
	}
	l->made[l->nmade++] = mine;
	return mine;
}

void
verify_list_free(struct verify_list *l)
{
	for (size_t i = 0; i < l->nmade; i++) {
		union { const char *in; void *out; } p = {
			l->made[i]->path
		};

		free(p.out);
		free(l->made[i]);
	}
	free(l->made);
	free(l->e);
	memset(l, 0, sizeof(*l));
}

bool
verify_is_fresh(int64_t when_s, int64_t now)
{
	return now >= when_s && now - when_s < VERIFY_AGE_MAX_S;
}

enum incbin_state
verify_look_up(const struct verify *v, struct store_key k, int64_t now,
    int64_t *oldest_s)
{
	struct verify_verdict known;
	struct view value;

	if (store_find(v->store, k, &value) < 0 ||
	    value.len != sizeof(known))
		return INCBIN_UNKNOWN;
	memcpy(&known, value.ptr, sizeof(known));
	if (!verify_is_fresh(known.when_s, now))
		return INCBIN_UNKNOWN;
	if (known.when_s < *oldest_s)
		*oldest_s = known.when_s;
	return (enum incbin_state)known.state;
}

int
verify_say(const struct verify *v, const struct scan_entry *e,
    enum incbin_state state, char why[VERIFY_WHY_BYTES])
{
	(void)snprintf(why, VERIFY_WHY_BYTES, "%s %s %s",
	    v->host->spec, incbin_text(state), e->path);
	return ERR_UNSUPPORTED;
}

static void
list_add(struct verify_list *l, const struct scan_entry *e, bool is_extra)
{
	if (l->n == l->size) {
		l->size = l->size != 0 ? l->size * 2 : 256;
		l->e = mem_realloc(l->e, l->size, sizeof(*l->e));
	}
	l->e[l->n++] = (struct incbin_entry){ .entry = e,
	    .is_extra = is_extra };
}

static struct incbin_entry *
find_listed(const struct verify_list *l, enum scan_kind kind, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->e[i].entry->kind == kind &&
		    strcmp(l->e[i].entry->path, path) == 0)
			return &l->e[i];
	return NULL;
}

/* The length of the next larger part of the path that is a directory's, or all;
 * 0: there is none. */
static size_t
next_part(const char *path, size_t len)
{
	const char *slash;

	if (path[len] == '\0')
		return 0;
	slash = strchrnul(path + len + (len == 0), '/');
	return (size_t)(slash - path) + (*slash == '/');
}

/* What is known of the first len bytes of e's path. */
static enum incbin_state
look_up_part(const struct verify *v, struct verify_list *l,
    const struct scan_entry *e, size_t len, int64_t now)
{
	AUTOFREE char *path = mem_strndup(e->path, len);
	struct scan_entry part = *e;

	part.path = path;
	return incbin_can_ask(&part, NULL) ? verify_look_up(v,
	    entry_key(l->host, &part), now, &l->oldest_s) : INCBIN_NAME;
}

static void
list_part(struct verify_list *l, const struct scan_entry *e, size_t len,
    bool is_extra)
{
	AUTOFREE char *path = mem_strndup(e->path, len);
	struct incbin_entry *listed = find_listed(l, e->kind, path);

	if (listed != NULL)
		listed->is_extra &= is_extra;
	else
		list_add(l, make_entry(l, e, mem_strdup(path)), is_extra);
}

/*
 * Where the host has not the directory it has nothing in it: what is known of one
 * mostly holds for a whole tree.  So those on the way to e are looked at first, and
 * asked for by the way; only the last has to be missing, or the last before an odd
 * name.
 */
static int
see_private(const struct verify *v, const struct scan_entry *e, int64_t now,
    struct verify_list *l, char why[VERIFY_WHY_BYTES])
{
	enum incbin_state state = INCBIN_NAME, part;
	size_t len = 0, last = 0;

	/* incbin.c would not even look for it */
	if (l->is_elsewhere)
		return 0;
	while ((len = next_part(e->path, len)) != 0) {
		part = look_up_part(v, l, e, len, now);
		if (part == INCBIN_SAME)
			return 0;
		if (part == INCBIN_NAME)
			break;
		state = part;
		last = len;
	}
	if (state != INCBIN_UNKNOWN)
		return verify_say(v, e, state, why);
	for (len = 0; (len = next_part(e->path, len)) != 0 && len <= last; )
		if (look_up_part(v, l, e, len, now) == INCBIN_UNKNOWN)
			list_part(l, e, len, len != last);
	return 0;
}

/* Where it is not known, it is put into the list. */
static int
see(const struct verify *v, const struct scan_entry *e, int64_t now,
    struct verify_list *l, char why[VERIFY_WHY_BYTES])
{
	enum incbin_state state;

	if (e->kind == SCAN_PRIVATE)
		return see_private(v, e, now, l, why);
	state = verify_look_up(v, entry_key(l->host, e), now, &l->oldest_s);
	if (state == INCBIN_SAME)
		return 0;
	if (state != INCBIN_UNKNOWN)
		return verify_say(v, e, state, why);
	list_add(l, e, false);
	return 0;
}

/*
 * A link among the host's headers is looked at by way of what is behind it: through
 * the link each header must be the same, and what is not there not be there.
 */
static int
see_link(const struct verify *v, const struct scan_answer *a,
    const struct scan_entry *link, int64_t now, struct verify_list *l,
    char why[VERIFY_WHY_BYTES])
{
	AUTOFREE char *target = realpath(link->path, NULL);
	const char *rest;
	int r = 0;

	for (size_t i = 0; r == 0 && target != NULL && i < a->n; i++)
		if (is_behind(&a->entries[i], target, &rest))
			r = see(v, make_entry(l, &a->entries[i], mem_printf(
			    "%s%s", link->path, rest)), now, l, why);
	return r;
}

/* A header in one of the directories, each ended by a newline, that compilers
 * bring along; NULL: there is none. */
static const char *
find_known(struct verify_list *l, const char *dirs)
{
	const char *end;

	for (; dirs != NULL && (end = strchr(dirs, '\n')) != NULL;
	    dirs = end + 1) {
		AUTOFREE char *path = mem_printf("%.*s/stddef.h",
		    (int)(end - dirs), dirs);

		if (access(path, R_OK) == 0)
			return make_entry(l, &l->rooted,
			    mem_strdup(path))->path;
	}
	return NULL;
}

int
verify_list_fill(const struct verify *v, const struct scan_answer *a,
    struct verify_list *l, char why[VERIFY_WHY_BYTES])
{
	int64_t now = verify_now_s();
	enum incbin_state rooted;
	int r = 0;

	verify_list_free(l);
	l->oldest_s = now;
	l->host = verify_key(v, "header");
	l->rooted = (struct scan_entry){ .kind = SCAN_ROOTED,
	    .path = a->rooted };
	rooted = verify_look_up(v, entry_key(l->host, &l->rooted), now,
	    &l->oldest_s);
	l->is_elsewhere = rooted == INCBIN_ELSEWHERE;
	if (a->rooted != NULL)
		r = see(v, &l->rooted, now, l, why);
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		const struct scan_entry *e = &a->entries[i];

		if (e->is_system && e->kind == SCAN_SYMLINK)
			r = see_link(v, a, e, now, l, why);
		else if (verify_is_of_host(e))
			r = see(v, e, now, l, why);
		if (verify_is_of_host(e) && e->kind == SCAN_FILE &&
		    l->known == NULL)
			l->known = e->path;
	}
	if (l->known == NULL)
		l->known = find_known(l, a->search_path);
	/* by the way: it may save the next job its question */
	if (rooted == INCBIN_UNKNOWN && a->rooted == NULL &&
	    (l->n != 0 || v->wants_rooted))
		list_add(l, &l->rooted, true);
	return r;
}

int
verify_list_check_names(const struct verify *v, const struct verify_list *l,
    char why[VERIFY_WHY_BYTES])
{
	for (size_t i = 0; i < l->n; i++)
		if (!incbin_can_ask(l->e[i].entry, l->known))
			return verify_say(v, l->e[i].entry, INCBIN_NAME, why);
	return 0;
}

void
verify_list_remember(const struct verify *v, const struct verify_list *l)
{
	struct store_key host = verify_key(v, "header");
	struct verify_verdict known = { .when_s = verify_now_s() };

	if (store_lock(v->store, VERIFY_STORE_WAIT_MS) < 0)
		return;
	for (size_t i = 0; i < l->n; i++) {
		known.state = l->e[i].state;
		if (known.state != INCBIN_UNKNOWN && store_put(v->store,
		    entry_key(host, l->e[i].entry), &known,
		    sizeof(known)) < 0)
			break;
	}
	store_unlock(v->store);
}

enum incbin_state
verify_rooted(const struct verify *v)
{
	const struct scan_entry e = { .kind = SCAN_ROOTED };
	int64_t now = verify_now_s(), oldest_s = now;

	return verify_look_up(v, entry_key(verify_key(v, "header"), &e), now,
	    &oldest_s);
}
