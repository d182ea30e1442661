/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attempt - one job at one host: what came of it, and who is to blame. */
#ifndef CLIENT_ATTEMPT_H
#define CLIENT_ATTEMPT_H

#include "client/job.h"

/* What came of one host's attempt. */
enum attempt_outcome {
	ATTEMPT_DONE,		/* the exit status is known */
	ATTEMPT_FAILED,	/* the next host may do better */
	ATTEMPT_REFUSED,	/* the same, but this one is good for other jobs */
	ATTEMPT_GO_LOCAL,	/* no host will do better */
	ATTEMPT_STAY_LOCAL,	/* no host can do it at all */
};

/*
 * attempt_run - let a host compile, and put the result in its place.
 * out     *code: when done, the exit status
 */
enum attempt_outcome attempt_run(struct job *job, const struct host *host,
    int *code) MUST_CHECK;

#endif
