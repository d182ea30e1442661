/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jobfile - the job memfd while it is being made (layout: server/msg.h).  It is
 * mapped in one piece of fixed size, so that bodies are read or decompressed
 * straight into it.
 */
#ifndef SERVER_WORKER_JOBFILE_H
#define SERVER_WORKER_JOBFILE_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "server/msg.h"

struct jobfile {
	int fd;			/* owns; -1: none */
	unsigned char *map;	/* size bytes, shared with fd */
	size_t size;
	size_t len;		/* used */
	size_t entry_at;	/* of the entry whose contents are coming */
	uint32_t nentries;
};

/* jobfile_size - for requests of at most so many bytes when expanded. */
uint64_t jobfile_size(uint64_t max_request);

int jobfile_open(struct jobfile *f, uint64_t max_request) MUST_CHECK;
/* jobfile_close - also when it is not open. */
void jobfile_close(struct jobfile *f);

/* jobfile_head - everything before the entries; cdir, deps may be NULL. */
int jobfile_head(struct jobfile *f, uint32_t protocol, char *const *argv,
    const char *cdir, const char *output, const char *deps) MUST_CHECK;

/* jobfile_begin - an entry; its contents follow by jobfile_append() or by
 * jobfile_room() and jobfile_advance(), then jobfile_end(). */
int jobfile_begin(struct jobfile *f, enum job_entry_kind kind,
    const char *name) MUST_CHECK;
int jobfile_append(struct jobfile *f, struct view bytes) MUST_CHECK;
unsigned char *jobfile_room(struct jobfile *f, size_t *n);
void jobfile_advance(struct jobfile *f, size_t n);
void jobfile_end(struct jobfile *f);

/* jobfile_seal - cut to size, unmap, seal; fd stays open. */
int jobfile_seal(struct jobfile *f) MUST_CHECK;

#endif
