/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * incbin - a C source that shows a host's headers, and what came of it.
 *
 * The source lets the assembler copy each header into a section of the object,
 * which fails if one is not there; a guarded source asks for each whether it is.
 * Compilers and assemblers understand it everywhere, so any server of protocol
 * 3 can be asked.
 */
#ifndef CLIENT_INCBIN_H
#define CLIENT_INCBIN_H

#include <stdbool.h>

#include "client/scan/scan.h"
#include "lib/buf.h"
#include "lib/err.h"

#define INCBIN_DIR		"/distcc-headers"
#define INCBIN_SOURCE		"headers.c"
#define INCBIN_OBJECT		"headers.o"
#define INCBIN_NONCE_BYTES	16
#define INCBIN_ENTRIES_MAX	4096	/* of one source */
#define INCBIN_GUARDED_MAX	100	/* gcc keeps them open, and may not open
					   many */
#define INCBIN_BYTES_MAX	((uint64_t)32 * 1024 * 1024)

enum incbin_state {
	INCBIN_UNKNOWN,
	INCBIN_SAME,
	INCBIN_DIFFERS,
	INCBIN_LACKS,
	INCBIN_HAS,		/* what is not here */
	INCBIN_OWN,		/* what should be the job's alone */
	INCBIN_DATE,		/* says __DATE__ or the like */
	INCBIN_NAME,		/* its name cannot be put into a source */
	INCBIN_ELSEWHERE,	/* what is sent is not where its name leads to */
	INCBIN_STATES,
};

struct incbin_entry {
	const struct scan_entry *entry;	/* no SCAN_SYMLINK, _SYSTEMDIR */
	enum incbin_state state;
	bool is_extra;			/* the caller's: any state will do */
};

struct incbin {
	const char *known;		/* borrowed; NULL: no directory can be
					   asked for */
	struct buf source;		/* buf_free() */
	char nonce[2 * INCBIN_NONCE_BYTES + 1];
};

/* incbin_can_ask - whether a source can name it; in known: as in struct incbin. */
bool incbin_can_ask(const struct scan_entry *e, const char *known);

/*
 * incbin_write - the source for the first *n of count entries.  Those with an
 * impossible name get their state at once.
 * in      ib->known: a header of the host's that is there
 *         is_guarded: some may not be there
 * returns 0, ERR_SYS, ERR_LIMIT
 */
int incbin_write(struct incbin *ib, bool is_guarded, struct incbin_entry *e,
    size_t count, size_t *n) MUST_CHECK;

/*
 * incbin_compare - set the state of n entries.
 * in      object: the host's; untrusted
 * returns 0; ERR_SYNTAX: it is not what the source makes; ERR_BUSY: a header
 *         here has changed meanwhile
 */
int incbin_compare(const struct incbin *ib, struct view object,
    struct incbin_entry *e, size_t n) MUST_CHECK;

/* incbin_text - "HOST ... HEADER" is a clause. */
const char *incbin_text(enum incbin_state state);

#endif
