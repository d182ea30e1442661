/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serve - the daemon: one scanner for all the jobs of a user's builds. */
#ifndef SCAN_SERVE_H
#define SCAN_SERVE_H

#include <sys/types.h>

#include "client/scan/notice.h"
#include "lib/err.h"

#define SERVE_CLIENTS_MAX	512

struct serve_options {
	int listen_fd;		/* closed at the end */
	uid_t user;		/* whose connections are taken */
	size_t fds_max;		/* directories held open */
	struct notices *notices;	/* borrowed; NULL: none are to be had */
	long idle_s;		/* ends after so long without a request */
	long memory_mb;		/* forgets everything above this */
	/* ending - called once, before the last connection is closed: whoever
	 * finds one closed may start another daemon */
	void (*ending)(void *arg);
	void *arg;
};

/* serve_run - until idle or told to stop.  Only its own user is served. */
int serve_run(const struct serve_options *o) MUST_CHECK;

#endif
