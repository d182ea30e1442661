/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fileset - the files and links of one protocol 3 request, ready to be sent.
 *
 * Names and packet headers are made for each job; the bodies are the store's
 * where they can be, and so are compressed once for all jobs.
 */
#ifndef CLIENT_FILESET_H
#define CLIENT_FILESET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "client/scan/scan.h"
#include "client/store.h"
#include "lib/buf.h"
#include "lib/err.h"

#define FILESET_WHY_BYTES	256

struct fileset {
	const char *cdir;	/* borrowed: P-032 */
	struct buf heads;	/* NFIL, NAMEs, tokens, LINKs */
	struct iovec *piece;	/* owns: heads and bodies in turn */
	size_t npieces, size;
	void **own;		/* owns: bodies that are in no store */
	size_t nown;
	uint64_t bytes;		/* all that is to be sent */
};

/* fileset_init - for a job in the working directory cdir (absolute, clean). */
void fileset_init(struct fileset *fs, const char *cdir);
void fileset_free(struct fileset *fs);

/*
 * fileset_fill - what a scan has named, but for what is the compiler's own.
 * in      a: the scanner's; untrusted as far as a source could make it name
 *         files: no more is sent than a source could have included
 *         store: NULL if there is none
 * out     why: why the job has to be preprocessed here
 * returns 0; ERR_BUSY: a file has changed since the scan, which is to be
 *         repeated; ERR_UNSUPPORTED, ERR_LIMIT, ERR_ACCESS with why
 * wire    P-030, P-033 to P-036
 */
int fileset_fill(struct fileset *fs, const struct scan_answer *a,
    struct store *store, char why[FILESET_WHY_BYTES]) MUST_CHECK;

/* fileset_one - instead, a single file whose text is here; it is copied. */
int fileset_one(struct fileset *fs, const char *name, struct view text)
    MUST_CHECK;

#endif
