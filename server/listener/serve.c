/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/announce.h"
#include "server/listener/auth.h"
#include "server/listener/clients.h"
#include "server/listener/jailer.h"
#include "server/listener/serve.h"

#define FILES_SPARE	64
#define FILES_PER_JOB	4
#define STOP_MS		60000	/* running jobs may take so long to finish */
#define TICK_MS		500
#define ACCEPTS		16	/* connections taken at one event */

void
serve_open_files(struct server *s)
{
	rlim_t want = (rlim_t)s->opt.max_clients + FILES_SPARE +
	    (rlim_t)s->opt.jobs * FILES_PER_JOB;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	if (rl.rlim_cur < want) {
		rl.rlim_cur = want < rl.rlim_max ? want : rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	if (rl.rlim_cur < want && rl.rlim_cur > 2 * FILES_SPARE) {
		s->opt.max_clients = (uint32_t)(rl.rlim_cur - FILES_SPARE) / 2;
		log_warnx("only %llu open files are allowed: --max-clients "
		    "is %u", (unsigned long long)rl.rlim_cur,
		    s->opt.max_clients);
	}
}

/*
 * Out of descriptors: take one connection with the spare one and close it, or
 * the loop would spin on it.
 */
static void
shed(struct server *s, int listener)
{
	struct sockaddr_storage peer;
	int fd;

	fd_close(&s->spare_fd);
	if (net_accept(listener, &fd, &peer) == 0)
		(void)close(fd);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_errx("event=out_of_descriptors");
}

static int
take_one(struct server *s, int listener)
{
	struct sockaddr_storage peer;
	uint32_t source;
	int fd, r = net_accept(listener, &fd, &peer);

	if (r < 0)
		return r;
	if (!clients_judge(s, (struct sockaddr *)&peer, &source)) {
		(void)close(fd);
		return 0;
	}
	if (s->opt.auth != AUTH_OFF)
		return auth_start(s, fd, fd, (struct sockaddr *)&peer,
		    source) < 0 ? ERR_BUSY : 0;
	/* the worker has deadlines of its own and wants to block on neither */
	return clients_admit(s, fd, (struct sockaddr *)&peer, source) < 0 ?
	    ERR_BUSY : 0;
}

struct listening {
	struct server *server;
	size_t index;
};

static struct listening listening[NET_SOCKETS_MAX];

static void
ready(void *arg)
{
	const struct listening *l = arg;
	struct server *s = l->server;
	int fd = s->sockets[l->index].fd;

	for (int i = 0; i < ACCEPTS; i++) {
		int r = take_one(s, fd);

		if (r == ERR_LIMIT)
			shed(s, fd);
		if (r == ERR_BUSY || r == ERR_LIMIT)
			return;
	}
}

int
serve_listen(struct server *s, const int *fds, size_t n)
{
	int r = 0;

	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; r == 0 && i < n; i++) {
		listening[i] = (struct listening){ s, i };
		s->sockets[i] = (struct loop_item){ fds[i], ready,
		    &listening[i] };
		s->nsockets = i + 1;
		r = loop_add(&s->sockets[i]);
	}
	return r;
}

int
serve_stdio(struct server *s)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	uint32_t source;
	int in, out;

	memset(&peer, 0, sizeof(peer));
	if (getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &len) < 0)
		peer.ss_family = AF_UNSPEC;
	if ((peer.ss_family != AF_INET && peer.ss_family != AF_INET6 ?
	    sources_find(&s->sources, (struct sockaddr *)&peer, clock_ms(),
	    &source) < 0 :
	    !clients_judge(s, (struct sockaddr *)&peer, &source)))
		return ERR_ACCESS;
	in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (in < 0 || out < 0 || fd_set_nonblock(in, true) < 0 ||
	    fd_set_nonblock(out, true) < 0)
		return err_from_errno(errno);
	return s->opt.auth != AUTH_OFF ?
	    auth_start(s, in, out, (struct sockaddr *)&peer, source) :
	    clients_start(s, in, out, (struct sockaddr *)&peer, source);
}

static void
stop_listening(struct server *s)
{
	for (size_t i = 0; i < s->nsockets; i++) {
		int fd = s->sockets[i].fd;

		loop_remove(&s->sockets[i]);
		fd_close(&fd);
	}
	s->nsockets = 0;
}

void
serve_stop(struct server *s)
{
	int64_t now = clock_ms();

	if (s->stop_at_ms >= 0) {
		s->stop_at_ms = now;
		return;
	}
	log_notice("event=stopping running=%u", slots_running(&s->slots));
	stop_listening(s);
	s->stop_at_ms = now + STOP_MS;
	announce_stop(s);
	auth_stop(s);
	clients_stop(s, false);
}

static bool
is_over(const struct server *s, int64_t now)
{
	if (s->is_lost)
		return true;
	if (s->is_inetd && s->nclients == 0 && s->auth.nbusy == 0 &&
	    s->auth.nstarting == 0)
		return true;
	return s->stop_at_ms >= 0 &&
	    (s->nclients == 0 || now >= s->stop_at_ms);
}

static void
tick(struct server *s, int64_t now)
{
	jailer_tick(s, now);
	clients_tick(s, now);
	auth_tick(s, now);
	if (s->opt.lifetime_s != 0 && s->stop_at_ms < 0 &&
	    now - s->started_ms >= (int64_t)s->opt.lifetime_s * 1000)
		serve_stop(s);
}

/* An idle daemon sleeps until something happens. */
static int
timeout_of(const struct server *s, int64_t now)
{
	int64_t left;

	if (s->nclients != 0 || s->auth.nbusy != 0 || slots_running(&s->slots) != 0 ||
	    !jailer_is_ready(s) || s->stop_at_ms >= 0)
		return TICK_MS;
	if (s->opt.lifetime_s == 0)
		return -1;
	left = s->started_ms + (int64_t)s->opt.lifetime_s * 1000 - now;
	if (left < 0)
		return 0;
	return left > 3600000 ? 3600000 : (int)left;
}

int
serve_loop(struct server *s)
{
	int64_t now = clock_ms(), next_tick = now;

	while (!is_over(s, now)) {
		if (loop_once(timeout_of(s, now)) < 0) {
			log_err("can't wait for events");
			return EXIT_IO_ERROR;
		}
		now = clock_ms();
		if (now >= next_tick) {
			tick(s, now);
			next_tick = now + TICK_MS / 2;
		}
	}
	clients_stop(s, true);
	auth_stop(s);
	jailer_stop(s);
	log_notice("event=stopped");
	if (s->is_lost)
		return EXIT_DISTCC_FAILED;
	return s->is_inetd ? s->outcome : 0;
}
