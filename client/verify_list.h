/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify_list - what is known of a host, and what has to be asked for a job.
 * For verify.c only.
 */
#ifndef CLIENT_VERIFY_LIST_H
#define CLIENT_VERIFY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/incbin.h"
#include "client/scan/scan.h"
#include "client/store.h"
#include "client/verify.h"

#define VERIFY_AGE_MAX_S	1800	/* what a host said is believed for so long */
#define VERIFY_STORE_WAIT_MS	3000

/* The store's value: what was found, and when. */
struct verify_verdict {
	int64_t when_s;
	uint64_t state;			/* enum incbin_state */
};

struct verify_list {
	struct incbin_entry *e;		/* owns */
	size_t n, size;
	struct scan_entry **made;	/* owns, with their paths */
	size_t nmade, made_size;
	struct scan_entry rooted;	/* whether full names hold there */
	bool is_elsewhere;		/* known: they do not */
	const char *known;		/* a header that every compiler has */
	int64_t oldest_s;		/* of what was known already */
	struct store_key host;
};

int64_t verify_now_s(void);
/* verify_key - the store's, of something that is known of the host. */
struct store_key verify_key(const struct verify *v, const char *kind);
bool verify_is_fresh(int64_t when_s, int64_t now);

/* verify_look_up - in/out  oldest_s: becomes the time of what is found, if that
 * is older.  returns INCBIN_UNKNOWN if it is not known, or no longer */
enum incbin_state verify_look_up(const struct verify *v, struct store_key k,
    int64_t now, int64_t *oldest_s);

/* verify_is_of_host - whether the host's is compared for this one as it is. */
bool verify_is_of_host(const struct scan_entry *e);
/* verify_say - why the host does not do; returns ERR_UNSUPPORTED. */
int verify_say(const struct verify *v, const struct scan_entry *e,
    enum incbin_state state, char why[VERIFY_WHY_BYTES]);

/*
 * verify_list_fill - put in what is to be asked for; what was in it is freed.
 * in      a: has to outlive the list
 * returns 0; ERR_UNSUPPORTED and why: no need, the job cannot go there
 */
int verify_list_fill(const struct verify *v, const struct scan_answer *a,
    struct verify_list *l, char why[VERIFY_WHY_BYTES]) MUST_CHECK;
void verify_list_free(struct verify_list *l);

/* verify_list_check_names - whether each can be asked for: else no host need be
 * bothered for the others.  returns 0; ERR_UNSUPPORTED and why */
int verify_list_check_names(const struct verify *v,
    const struct verify_list *l, char why[VERIFY_WHY_BYTES]) MUST_CHECK;

/* verify_list_remember - what has come of those that were asked for. */
void verify_list_remember(const struct verify *v,
    const struct verify_list *l);

#endif
