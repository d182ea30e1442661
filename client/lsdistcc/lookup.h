/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup - resolve one name in a process of its own, so that many names can be
 * asked for at one time and a silent name server be given up.
 */
#ifndef CLIENT_LSDISTCC_LOOKUP_H
#define CLIENT_LSDISTCC_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "lib/err.h"

struct lookup {
	pid_t pid;		/* 0: none */
	int fd;			/* owns; readable at the end; -1: over */
	int64_t asked_ms;
	bool is_found;		/* addr and len are valid */
	struct sockaddr_storage addr;
	socklen_t len;
};

/*
 * lookup_start - ask.  A numeric address is answered at once (l->fd < 0).
 * in      name: borrowed; port: to be put into the address
 * returns 0; ERR_SYS …: no process to be had
 */
int lookup_start(struct lookup *l, const char *name, unsigned int port)
    MUST_CHECK;

/* lookup_step - fd is readable: take the answer. */
void lookup_step(struct lookup *l);

/* lookup_stop - give up. */
void lookup_stop(struct lookup *l);

#endif
