/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp - the preprocessed source of one job, in memory.
 *
 * The preprocessor writes into an anonymous file, so that nobody has to stand
 * by and read; meanwhile the connection is made.  Its messages are kept until
 * it is known that they need not be told twice.
 */
#ifndef CLIENT_CPP_H
#define CLIENT_CPP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "client/args.h"
#include "client/env.h"

struct cpp {
	const char *input;	/* borrowed */
	pid_t pid;		/* 0: not running */
	int pidfd;		/* owns; readable at its end; -1: none */
	int out, err;		/* own: what it wrote; -1: none */
	int lock;		/* owns: its slot */
	bool is_started;
	bool is_done;		/* text and len are valid, unless it failed */
	bool has_failed;
	bool reads_more;	/* … only since the assembler would read a file */
	int status;		/* its wait status */
	const void *text;	/* a mapping of out */
	size_t len;
};

void cpp_init(struct cpp *c);
void cpp_free(struct cpp *c);

/*
 * cpp_start - start the preprocessor, once a slot of the local machine is free;
 * or, when the source is preprocessed already, open it.
 * in      slots: how many preprocessors may run at one time
 * A failure sets has_failed and is_done.
 */
void cpp_start(struct cpp *c, const struct env *env,
    const struct args_source *src, unsigned int slots);

/* cpp_finish - wait for its end, free its slot, and map what it wrote; nothing
 * to do when that was done, or it was never started. */
void cpp_finish(struct cpp *c, const struct env *env);

/* cpp_print_messages - what it wrote to its stderr, to ours. */
void cpp_print_messages(struct cpp *c);

#endif
