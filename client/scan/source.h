/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source - what a whole command came to, for those that take long.
 *
 * The first scan of a source that reads a thousand headers takes a tenth of a
 * second, and the second one would still have to note what each of these came
 * to.  All that such a command asks for and finds is kept at once, so that the
 * same command is answered from memory as long as that is as it was.
 */
#ifndef SCAN_SOURCE_H
#define SCAN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCES_MAX		64	/* then the oldest goes */
#define SOURCES_MAX_BYTES	((size_t)16 * 1024 * 1024)
#define SOURCE_MIN_STEPS	((size_t)16 * 1024)	/* less is done as fast */

struct dir;
struct inclusion;
struct job;

struct source {
	uint64_t context;		/* see replay_context_of() */
	const struct dir *cwd;
	char *words;			/* owns: the command's */
	size_t words_len;
	struct inclusion *whole;	/* owns; NULL: not used */
};

struct sources {
	struct source all[SOURCES_MAX];
	size_t next;			/* to be replaced */
	size_t bytes;
	size_t min_steps;		/* SOURCE_MIN_STEPS but in a test */
};

void sources_init(struct sources *s);
void sources_free(struct sources *s);

/*
 * source_find - answer the job's command from memory.
 * in      j: its search has just begun
 * out     done: whether that was possible
 * returns 0, ERR_UNSUPPORTED as job_step()
 */
int source_find(struct job *j, bool *done) MUST_CHECK;

/* source_keep - after a scan that has answered the command. */
void source_keep(struct job *j);

#endif
