/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources - where connections come from: how many each address has, and
 * which have misbehaved.  Pure: the time is a parameter.
 *
 * A client that has proved who it is counts by its principal's name, wherever
 * it comes from.  An IPv6 network of 64 bits counts as one source, an IPv4 address as one (also
 * when mapped into IPv6).  A penalty is a time that passes by itself: misdeeds
 * add seconds, at most SOURCES_PENALTY_MAX_S in all, and only a sum above
 * SOURCES_PENALTY_MIN_S refuses.  (The idea is OpenSSH's PerSourcePenalties.)
 */
#ifndef SERVER_LISTENER_SOURCES_H
#define SERVER_LISTENER_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/err.h"

#define SOURCES_PENALTY_MIN_S	30
#define SOURCES_PENALTY_MAX_S	300
#define SOURCES_MAX		8192

struct source {
	unsigned char key[17];		/* family, then the address */
	char *principal;		/* owns; then key is empty.  Or NULL */
	bool in_use;
	uint32_t connections;
	int64_t penalty_until_ms;
	int64_t last_ms;
};

struct sources {
	struct source *table;		/* owns */
	uint32_t size;
};

int sources_init(struct sources *s, uint32_t size) MUST_CHECK;
void sources_free(struct sources *s);

/*
 * sources_find - the source of an address, remembered from now on.
 * out     *index: below s->size, stays valid while it has connections
 * returns 0; ERR_LIMIT when every entry has connections
 */
int sources_find(struct sources *s, const struct sockaddr *peer,
    int64_t now_ms, uint32_t *index) MUST_CHECK;

/* sources_find_principal - the same by name; also ERR_NOMEM. */
int sources_find_principal(struct sources *s, const char *name,
    int64_t now_ms, uint32_t *index) MUST_CHECK;

void sources_enter(struct sources *s, uint32_t index);
void sources_leave(struct sources *s, uint32_t index);
uint32_t sources_connections(const struct sources *s, uint32_t index);

/* sources_penalise - a misdeed worth so many seconds. */
void sources_penalise(struct sources *s, uint32_t index, uint32_t seconds,
    int64_t now_ms);
bool sources_is_refused(const struct sources *s, uint32_t index,
    int64_t now_ms);

#endif
