/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store - what the clients of one user keep for one another while a build
 * lasts: compressed copies of headers, and what is known of a host's own.
 *
 * One file in the scanner's private directory, mapped by every client: a table
 * of keys, and behind it their values and further tables, which are only ever
 * added.  Who reads takes no lock; who adds takes the file's.  The file belongs to one start of
 * the machine, so that what a crash left half written is never read.  When it is
 * full it is given up and the next client begins another.
 */
#ifndef CLIENT_STORE_H
#define CLIENT_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

#define STORE_VALUE_MAX_BYTES	((size_t)8 * 1024 * 1024)

struct store;

/* Two hashes, so that two things never have the same by chance. */
struct store_key {
	uint64_t a, b;
};

/* store_key_of - start with { 0, 0 } and add each part that counts. */
struct store_key store_key_of(struct store_key k, const void *ptr,
    size_t len);
struct store_key store_key_str(struct store_key k, const char *s);

/*
 * store_open - the store in dir, made if need be.
 * in      dir: private to the user
 * returns NULL if there is none to be had: everything works without, slower
 */
struct store *store_open(const char *dir);
void store_close(struct store *s);

/* store_find - the value; lent until store_close(). ERR_NOENT. */
int store_find(const struct store *s, struct store_key k, struct view *out)
    MUST_CHECK;

/* store_lock - be the only one who adds, until store_unlock(). ERR_TIMEOUT */
int store_lock(struct store *s, long wait_ms) MUST_CHECK;
void store_unlock(struct store *s);

/*
 * store_put - add a value, or put it in the place of the key's old one.  Under
 * the lock.  ERR_LIMIT if it is too large or the store is full.
 */
int store_put(struct store *s, struct store_key k, const void *ptr,
    size_t len) MUST_CHECK;

/* store_remove - all stores in dir; who has one open keeps it. */
void store_remove(const char *dir);

#endif
