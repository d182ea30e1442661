/* SPDX-License-Identifier: GPL-2.0-or-later */
/* command - judge the client's command line and write the job's head. */
#ifndef SERVER_WORKER_COMMAND_H
#define SERVER_WORKER_COMMAND_H

#include "server/worker/session.h"

/*
 * command_take - the command line of s->request is complete: find its
 * compiler, judge it, place input and output, write the job file's head.
 * out     input: in protocols 1 and 2 the name under which the body is to be
 *         put into the job; "" in protocol 3
 * returns 0; an error has been noted
 */
int command_take(struct session *s, char input[512]) MUST_CHECK;

/*
 * command_find - the index of a compiler by the last words of its name.
 * in      word: argv[0], untrusted
 * returns 0, ERR_NOENT
 */
int command_find(const struct msg_config *config, const char *word,
    uint32_t *index) MUST_CHECK;

#endif
