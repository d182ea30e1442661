/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote - one job's conversation with one server. */
#ifndef CLIENT_REMOTE_H
#define CLIENT_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cpp.h"
#include "client/env.h"
#include "client/fileset.h"
#include "client/hosts.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "wire/reply.h"

#define REMOTE_PARTS	4	/* SERR, SOUT, DOTO, DOTD: index by enum
				   reply_part */
#define REMOTE_WHY_BYTES	256

struct remote_result {
	uint32_t status;			/* the compiler's wait status */
	struct buf part[REMOTE_PARTS];		/* plain; untrusted */
	char why[REMOTE_WHY_BYTES];		/* on error: what went wrong */
	bool is_silent;		/* on error: it hung up without a byte */
};

void remote_result_init(struct remote_result *res);
void remote_result_free(struct remote_result *res);

/* What is to be sent. */
struct remote_job {
	char *const *argv;		/* borrowed: the words */
	struct cpp *cpp;		/* the preprocessed source; or */
	const struct fileset *files;	/* protocol 3: source and headers;
					   else NULL */
};

/*
 * remote_run - connect while the preprocessor runs, send the job, and take
 * the whole reply.
 * in      host: TCP or SSH
 *         job->cpp: started; finished here, unless the connection fails first:
 *         the next host can then use it
 * returns 0, with a status that may still be a failure; else the host is at
 *         fault and res->why says how, unless job->cpp->has_failed
 */
int remote_run(const struct env *env, const struct host *host,
    const struct remote_job *job, struct remote_result *res) MUST_CHECK;

#endif
