/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * found - the servers that have announced themselves, and the host list made
 * of them.  Pure: no system call but for memory.
 *
 * One server announces itself once for each interface and protocol; the list
 * has it once, by IPv4 where it can be.
 */
#ifndef CLIENT_ZEROCONF_FOUND_H
#define CLIENT_ZEROCONF_FOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

#define FOUND_NAME_BYTES	64	/* a service's name, with its NUL */
#define FOUND_ADDRESS_BYTES	64
#define FOUND_MAX		512	/* announcements */
#define FOUND_SLOTS_MAX		256
#define FOUND_SLOTS_DEFAULT	4

/* Everything in it was said on the network by whoever wanted to. */
struct found {
	int interface, protocol;	/* Avahi's numbers: with name, the key */
	char name[FOUND_NAME_BYTES];
	char address[FOUND_ADDRESS_BYTES];	/* in figures, perhaps %SCOPE */
	unsigned int port;		/* 1 to 65535 */
	unsigned int slots;		/* 1 to FOUND_SLOTS_MAX */
	bool is_ipv6;
};

struct found_list {
	struct found item[FOUND_MAX];
	size_t n;
};

/* found_put - add, or replace what has the same key. ERR_LIMIT: full;
 * ERR_SYNTAX: an address with other characters than addresses have, or port 0. */
int found_put(struct found_list *l, const struct found *f) MUST_CHECK;

/* found_remove - what has this key is gone. */
void found_remove(struct found_list *l, int interface, int protocol,
    const char *name);

/*
 * found_slots - from the texts "jobs=N" and "cpus=N".
 * in      jobs, cpus: untrusted; NULL: not said
 */
unsigned int found_slots(const char *jobs, const char *cpus);

/*
 * found_is_for - whether a server for another processor should be left out.
 * in      triple: what it compiles for, "x86_64-linux-gnu"; untrusted; NULL:
 *         it does not say; machine: ours, as uname(2) calls it
 */
bool found_is_for(const char *triple, const char *machine);

/*
 * found_is_version - the same for another version of gcc: objects of two do
 * not always fit.
 * in      theirs: untrusted; NULL: it does not say; ours: "": not known
 */
bool found_is_version(const char *theirs, const char *ours);

/* found_print - the host list, an entry a line, in a steady order. */
int found_print(const struct found_list *l, struct buf *out) MUST_CHECK;

#endif
