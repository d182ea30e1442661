/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/lsdistcc/lookup.h"
#include "lib/clock.h"
#include "lib/fd.h"

struct answer {
	socklen_t len;
	struct sockaddr_storage addr;
};

/* flags: AI_NUMERICHOST or 0. returns whether there is an address */
static bool
ask(const char *name, unsigned int port, int flags, struct answer *a)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};
	struct addrinfo *found, *best;
	char text[8];

	(void)snprintf(text, sizeof(text), "%u", port);
	if (getaddrinfo(name, text, &hints, &found) != 0)
		return false;
	/* one address a name is tried: rather IPv4, where most servers listen */
	best = found;
	for (struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next) {
		if (ai->ai_family == AF_INET) {
			best = ai;
			break;
		}
	}
	memset(a, 0, sizeof(*a));
	a->len = best->ai_addrlen;
	memcpy(&a->addr, best->ai_addr, best->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

static void
take(struct lookup *l, const struct answer *a)
{
	l->is_found = true;
	l->addr = a->addr;
	l->len = a->len;
}

static _Noreturn void
answer_and_exit(int fd, const char *name, unsigned int port)
{
	struct answer a;

	if (ask(name, port, 0, &a) &&
	    write(fd, &a, sizeof(a)) == (ssize_t)sizeof(a))
		_exit(0);
	_exit(1);
}

int
lookup_start(struct lookup *l, const char *name, unsigned int port)
{
	struct answer a;
	int fds[2];

	*l = (struct lookup){ .fd = -1, .asked_ms = clock_ms() };
	if (ask(name, port, AI_NUMERICHOST, &a)) {
		take(l, &a);
		return 0;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_from_errno(errno);
	l->pid = fork();
	if (l->pid == 0)
		answer_and_exit(fds[1], name, port);
	(void)close(fds[1]);
	l->fd = fds[0];
	if (l->pid > 0)
		return 0;
	l->pid = 0;
	fd_close(&l->fd);
	return ERR_SYS;
}

void
lookup_step(struct lookup *l)
{
	struct answer a;
	ssize_t n = read(l->fd, &a, sizeof(a));

	if (n == (ssize_t)sizeof(a))
		take(l, &a);
	else if (n < 0 && errno == EINTR)
		return;
	lookup_stop(l);
}

void
lookup_stop(struct lookup *l)
{
	fd_close(&l->fd);
	if (l->pid > 0) {
		(void)kill(l->pid, SIGKILL);
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	l->pid = 0;
}
