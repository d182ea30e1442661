/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "server/forker.h"
#include "server/jail/keeper.h"
#include "server/msg.h"

/* returns whether this is the child */
static bool
fork_jailer(int chan)
{
	struct msg_forked m = { .head = { MSG_JAILER_FORKED, 0 } };

	m.pid = forker_child(chan);	/* -1: it could not be made */
	if (m.pid == 0)
		return true;
	if (chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0) < 0)
		_exit(EXIT_FAILURE);
	return false;
}

void
keeper_run(void)
{
	struct msg_plain m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	bool is_child = false;

	while (!is_child) {
		ssize_t n = chan_recv(MSG_CHAN_FD, &m, sizeof(m), fds, &nfds);

		if (n != (ssize_t)sizeof(m) || nfds != 1 ||
		    m.head.type != MSG_JAILER_FORK)
			_exit(n == ERR_CLOSED ? EXIT_SUCCESS : EXIT_FAILURE);
		is_child = fork_jailer(fds[0]);
		if (!is_child)
			fd_close(&fds[0]);
	}
}
