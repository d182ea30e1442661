/* SPDX-License-Identifier: GPL-2.0-or-later */
/* body - one file's contents as protocol 3 sends them: packed (P-060). */
#ifndef CLIENT_BODY_H
#define CLIENT_BODY_H

#include <stdbool.h>

#include "client/scan/scan.h"
#include "client/store.h"
#include "lib/buf.h"
#include "lib/err.h"

struct body {
	struct view packed;	/* lent by the store, or by own */
	void *own;		/* the caller frees it; NULL: the store's */
	bool is_known;
	bool has_date;		/* a word in it may be expanded to the time */
};

/* body_find - from the store, the file that had this stamp. */
void body_find(struct body *b, const struct store *store,
    const struct scan_stamp *stamp);

/*
 * body_make - read and pack a file.
 * in      stamp: as the scanner saw it
 *         store: locked; gets it, too, unless the file is so new that it
 *         could change without its times showing that; NULL: none
 * returns 0; ERR_BUSY: it is another file by now; ERR_NOENT; ERR_ACCESS: it is
 *         no regular file; ERR_LIMIT
 */
int body_make(struct body *b, const char *path,
    const struct scan_stamp *stamp, struct store *store) MUST_CHECK;

/* body_pack - a text from memory. */
int body_pack(struct body *b, struct view text) MUST_CHECK;

/*
 * body_read - a whole file that still has its stamp, as body_make() reads it.
 * out     *text: malloc'ed, stamp->size bytes and a NUL
 */
int body_read(const char *path, const struct scan_stamp *stamp, char **text)
    MUST_CHECK;

/* body_has_date - whether __DATE__, __TIME__ or __TIMESTAMP__ is in a text. */
bool body_has_date(struct view text);

#endif
