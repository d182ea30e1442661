/* SPDX-License-Identifier: GPL-2.0-or-later */
/* receive - read the request into the job file. */
#ifndef SERVER_WORKER_RECEIVE_H
#define SERVER_WORKER_RECEIVE_H

#include "server/worker/session.h"

/* receive_request - the whole request; an error has been noted. */
int receive_request(struct session *s) MUST_CHECK;

#endif
