/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distccd-worker - one connection.  Started by distccd with the descriptors of
 * server/msg.h; shuts itself in before it reads a byte of the client.
 * distccd-worker-gss, the same for sealed connections, is started once and
 * forks: to load GSSAPI takes longer than a small job.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "sandbox/sandbox.h"
#include "server/worker/ask.h"
#include "server/worker/sealed.h"
#include "server/worker/session.h"

#define OWN_BYTES	(96ULL * 1024 * 1024)	/* code, stacks, small things */

static struct session session;

/*
 * Address space: the job file, a request as sent beside it, and later a result
 * with its compressed form and the messages.
 */
static uint64_t
memory_limit(const struct limits *l)
{
	return OWN_BYTES + jobfile_size(l->max_request) + l->max_request +
	    4 * l->max_output + 8 * l->max_messages;
}

static int
set_up(struct session *s)
{
	const struct limits *l;
	int r;

	if ((r = ask_hello(s)) < 0)
		return r;
	l = &s->config->limits;
	log_set_level((enum log_level)s->config->log_level);
	log_to_sink(ask_log, s);
	s->began_ms = clock_ms();
	if (s->context_fd >= 0 &&
	    (r = sealed_open(s->context_fd, &s->sealed)) < 0) {
		log_errx("can't take the sealed connection over: %s",
		    err_text(r));
		return r;
	}
	if ((r = jobfile_open(&s->file, l->max_request)) < 0)
		return r;
	r = sandbox_confine_worker(&s->config->worker_filter, memory_limit(l),
	    jobfile_size(l->max_request));
	if (r < 0)
		log_errx("can't confine the worker: %s", err_text(r));
	return r;
}

int
main(void)
{
	struct session *s = &session;
	int r;

	log_init("distccd-worker");
	/* started from a descriptor: older kernels make that its name */
	(void)prctl(PR_SET_NAME, program_invocation_short_name);
	(void)signal(SIGPIPE, SIG_IGN);
	r = sealed_start(s);
	if (r != 1)
		return r == ERR_CLOSED ? EXIT_SUCCESS : EXIT_FAILURE;
	if (set_up(s) < 0)
		return EXIT_FAILURE;
	s->request = request_new();
	if (s->request == NULL)
		return EXIT_FAILURE;
	session_serve(s);
	ask_summary(s);
	return EXIT_SUCCESS;
}
