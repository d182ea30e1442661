/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/auth.h"
#include "server/listener/authfiles.h"
#include "server/listener/handshake.h"
#include "server/listener/master.h"
#include "server/listener/ration.h"
#include "server/listener/workers.h"

#define READY_PROCESSES	2	/* started ahead of time */
#define BUSY_MAX	256	/* unfinished handshakes */
#define BUSY_PER_SOURCE	64
#define START_MS	10000	/* from exec to READY, from FORK to FORKED */
#define GRACE_MS	5000	/* after the handshake's own deadline */
#define CRASH_PENALTY_S	10

union message {
	struct msg_head head;
	struct msg_auth_ready ready;
	struct msg_forked forked;
	struct msg_log log;
};

static void refill(struct server *s);
static void lose_master(struct server *s);
static void master_ready(void *arg);

static void
ready(void *arg)
{
	struct handshake *h = arg;
	struct server *s = h->server;
	int r = handshake_receive(h);

	if (r == 0 && h->state != HANDSHAKE_OVER)
		return;
	if (r == ERR_BUSY)
		return;
	if (r < 0 && r != ERR_CLOSED && ration_take(&s->violations, "auth"))
		log_errx("job=%u event=auth_violation reason=\"%s\"", h->job,
		    err_text(r));
	handshake_lose(h);
	refill(s);
}

/* --- the first process --------------------------------------------------- */

static struct handshake *
find_id(const struct server *s, uint32_t id)
{
	for (struct handshake *h = s->auth.list; h != NULL; h = h->next)
		if (h->id == id && h->state == HANDSHAKE_STARTING)
			return h;
	return NULL;
}

static int
note_forked(struct server *s, const struct msg_forked *m)
{
	struct handshake *h = find_id(s, m->head.job);

	/* given up meanwhile: it ends when it finds its channel closed */
	if (h == NULL)
		return 0;
	if (!master_is_child(m->pid)) {
		handshake_lose(h);
		return 0;
	}
	h->pid = m->pid;
	handshake_enter(h, HANDSHAKE_READY);
	if (h->has_client && handshake_give(h) < 0)
		handshake_lose(h);
	return 0;
}

static int
note_ready(struct server *s, const struct msg_auth_ready *m)
{
	(void)snprintf(s->auth.realm, sizeof(s->auth.realm), "%.*s",
	    (int)sizeof(m->realm) - 1, m->realm);
	s->auth.master.is_ready = true;
	s->auth.master.retry_at_ms = 0;
	return 0;
}

static int
receive_master(struct server *s)
{
	union message m;
	ssize_t n = chan_recv(s->auth.master.chan.fd, &m, sizeof(m), NULL, NULL);

	if (n < 0)
		return (int)n;
	if (n == (ssize_t)sizeof(m.forked) && m.head.type == MSG_FORKED)
		return note_forked(s, &m.forked);
	if (n == (ssize_t)sizeof(m.ready) && m.head.type == MSG_AUTH_READY)
		return note_ready(s, &m.ready);
	if (n != (ssize_t)sizeof(m.log) || m.head.type != MSG_LOG)
		return ERR_PROTOCOL;
	log_errx("distccd-auth: %s", handshake_escape(m.log.text,
	    sizeof(m.log.text)));
	return 0;
}

/* It ends when it sees the channel closed; those that wait for it are lost. */
static void
lose_master(struct server *s)
{
	struct handshake *next;

	master_stop(&s->auth.master);
	for (struct handshake *h = s->auth.list; h != NULL; h = next) {
		next = h->next;
		if (h->state == HANDSHAKE_STARTING)
			handshake_lose(h);
	}
}

static void
master_ready(void *arg)
{
	struct server *s = arg;
	int r = receive_master(s);

	if (r == 0 || r == ERR_BUSY)
		return;
	log_errx("event=auth_lost reason=\"%s\"", err_text(r));
	lose_master(s);
	refill(s);
}

/* --- processes ----------------------------------------------------------- */

/* The first process, from which the others are forked. */
static int
start_master(struct server *s)
{
	const int fds[3] = { s->config_fd, s->auth.keytab_fd,
	    s->auth.replay_fd };

	return master_start(s, &s->auth.master, "distccd-auth", MSG_AUTH_HELLO,
	    fds, 3);
}

/* Ask for a process; it is ours to use when FORKED has come. */
static int
fork_one(struct server *s, struct handshake *h)
{
	int r = start_master(s);

	h->chan = (struct loop_item){ -1, ready, h };
	h->generation = s->auth.master.generation;
	return r < 0 ? r : master_fork(&s->auth.master, h->id, &h->chan);
}

static int
add(struct server *s)
{
	struct handshake *h = calloc(1, sizeof(*h));
	int r;

	if (h == NULL)
		return ERR_NOMEM;
	h->server = s;
	h->in = h->out = h->chan.fd = -1;
	h->id = ++s->auth.last_id;
	h->next = s->auth.list;
	s->auth.list = h;
	h->state = HANDSHAKE_OVER;
	handshake_enter(h, HANDSHAKE_STARTING);
	r = fork_one(s, h);
	if (r < 0 && h->chan.fd < 0) {
		handshake_enter(h, HANDSHAKE_OVER);
		handshake_free_if_gone(h);
	} else if (r < 0) {
		handshake_lose(h);
	}
	return r;
}

/* Keep some ready; more, the more clients wait for one. */
static void
refill(struct server *s)
{
	struct auth *a = &s->auth;

	if (s->opt.auth == AUTH_OFF || s->is_inetd || s->stop_at_ms >= 0)
		return;
	while (a->nready + a->nstarting < READY_PROCESSES)
		if (add(s) < 0)
			return;
}

/* --- clients ------------------------------------------------------------- */

static bool
is_pending(const struct handshake *h)
{
	return h->has_client && (h->state == HANDSHAKE_STARTING ||
	    h->state == HANDSHAKE_BUSY);
}

/* How many unfinished handshakes a source has, and the oldest of them. */
static uint32_t
count_pending(const struct server *s, uint32_t source,
    struct handshake **oldest)
{
	uint32_t n = 0;

	*oldest = NULL;
	for (struct handshake *h = s->auth.list; h != NULL; h = h->next) {
		if (!is_pending(h) || h->source != source)
			continue;
		n++;
		if (*oldest == NULL || h->since_ms < (*oldest)->since_ms)
			*oldest = h;
	}
	return n;
}

static uint32_t
all_pending(const struct server *s)
{
	uint32_t n = 0;

	for (struct handshake *h = s->auth.list; h != NULL; h = h->next)
		n += is_pending(h) ? 1 : 0;
	return n;
}

/* The oldest of the source that has most. */
static struct handshake *
heaviest(const struct server *s)
{
	struct handshake *victim = NULL, *oldest;
	uint32_t most = 0;

	for (struct handshake *h = s->auth.list; h != NULL; h = h->next) {
		uint32_t n = is_pending(h) ?
		    count_pending(s, h->source, &oldest) : 0;

		if (n > most) {
			most = n;
			victim = oldest;
		}
	}
	return victim;
}

/*
 * Who opens connections without finishing handshakes pushes out its own, the
 * oldest first: a client that goes on is done long before its turn comes.
 */
static void
make_room(struct server *s, uint32_t source)
{
	struct handshake *victim = NULL;

	if (count_pending(s, source, &victim) < BUSY_PER_SOURCE)
		victim = all_pending(s) < BUSY_MAX ? NULL : heaviest(s);
	if (victim == NULL)
		return;
	if (ration_take(&s->refusals, "refused"))
		log_warnx("job=%u event=auth_pushed_out client=%s "
		    "reason=\"unfinished handshakes\"", victim->job,
		    handshake_peer(victim));
	handshake_lose(victim);
}

/* A process without a client: one that is ready, or will be first. */
static struct handshake *
find_process(struct server *s)
{
	struct handshake *found = NULL;

	for (struct handshake *h = s->auth.list; h != NULL; h = h->next) {
		if (h->has_client || h->is_stale)
			continue;
		if (h->state == HANDSHAKE_READY)
			return h;
		if (h->state == HANDSHAKE_STARTING)
			found = h;
	}
	if (found != NULL || add(s) < 0)
		return found;
	return s->auth.list;
}

int
auth_start(struct server *s, int in, int out, const struct sockaddr *peer,
    uint32_t source)
{
	struct handshake *h;
	int r = 0;

	make_room(s, source);
	h = find_process(s);
	if (h == NULL) {
		(void)close(in);
		if (out != in)
			(void)close(out);
		return ERR_BUSY;
	}
	h->in = in;
	h->out = out;
	h->source = source;
	h->has_client = true;
	memcpy(&h->peer, peer, peer->sa_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	sources_enter(&s->sources, source);
	if (h->state == HANDSHAKE_READY && (r = handshake_give(h)) < 0)
		handshake_lose(h);
	refill(s);
	return r;
}

/* Another first process, and none that was forked from the old one. */
static void
renew(struct server *s)
{
	for (struct handshake *h = s->auth.list; h != NULL; h = h->next)
		h->is_stale = h->state == HANDSHAKE_READY;
	lose_master(s);
	master_retire(&s->auth.master);
}

static void
end_stale(struct server *s)
{
	struct handshake *next;

	for (struct handshake *h = s->auth.list; h != NULL; h = next) {
		next = h->next;
		if (h->is_stale && h->state == HANDSHAKE_READY)
			handshake_lose(h);
	}
}

/* A process that crashed met bytes that it could not stand. */
static void
note_crash(struct handshake *h, uint32_t source, bool had_client)
{
	int status = h->exit_status;

	if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL)
		return;
	if (had_client)
		sources_penalise(&h->server->sources, source, CRASH_PENALTY_S,
		    clock_ms());
	if (ration_take(&h->server->violations, "auth"))
		log_errx("job=%u event=auth_crashed client=%s signal=%d",
		    h->job, had_client ? handshake_peer(h) : "-",
		    WTERMSIG(status));
	/* whoever tries out addresses is to begin anew with others */
	if (h->generation == h->server->auth.master.generation)
		renew(h->server);
}

bool
auth_reaped(struct server *s, pid_t pid, int status)
{
	/* its channel tells the rest */
	if (master_reaped(&s->auth.master, pid) ||
	    master_reaped(&s->workers, pid))
		return true;
	for (struct handshake *h = s->auth.list; h != NULL; h = h->next) {
		if (h->pid != pid)
			continue;
		h->exit_status = status;
		note_crash(h, h->source, h->has_client);
		/* what it sent before may still be waiting */
		while (h->chan.fd >= 0 && handshake_receive(h) == 0)
			continue;
		h->pid = 0;
		if (h->chan.fd >= 0)
			handshake_lose(h);
		else
			handshake_free_if_gone(h);
		refill(s);
		return true;
	}
	return false;
}

void
auth_tick(struct server *s, int64_t now)
{
	struct handshake *next;

	for (struct handshake *h = s->auth.list; h != NULL; h = next) {
		int64_t most = h->state == HANDSHAKE_STARTING ? START_MS :
		    s->opt.limits.header_ms + GRACE_MS;

		next = h->next;
		if (h->state == HANDSHAKE_READY || now - h->since_ms <= most)
			continue;
		if (h->chan.fd >= 0)
			handshake_lose(h);
		else if (h->pid > 0)
			(void)kill(h->pid, SIGKILL);
	}
	end_stale(s);
	refill(s);
}

void
auth_stop(struct server *s)
{
	struct handshake *next;

	for (struct handshake *h = s->auth.list; h != NULL; h = next) {
		next = h->next;
		handshake_lose(h);
	}
	lose_master(s);
}

/* --- beginning ----------------------------------------------------------- */

int
auth_init(struct server *s)
{
	int r;

	s->auth.keytab_fd = s->auth.replay_fd = -1;
	s->auth.master.chan = (struct loop_item){ -1, master_ready, s };
	workers_init(s);
	if (s->opt.nprincipals != 0 && s->opt.auth == AUTH_OFF) {
		log_errx("rules for principals need --auth");
		return ERR_SYNTAX;
	}
	if (s->opt.auth == AUTH_OFF || s->opt.show != SHOW_NOTHING)
		return 0;
	r = principals_load(&s->auth.principals, &s->opt, &s->ids);
	if (r == 0)
		r = authfiles_keytab(&s->auth.keytab_fd);
	return r < 0 ? r : authfiles_replay(&s->ids, &s->auth.replay_fd);
}

int
auth_open(struct server *s)
{
	int64_t until = clock_ms() + START_MS;
	int r;

	if (s->opt.auth == AUTH_OFF)
		return 0;
	r = start_master(s);
	while (r == 0 && !s->auth.master.is_ready) {
		r = fd_wait(s->auth.master.chan.fd, POLLIN, until);
		r = r < 0 ? r : receive_master(s);
		if (r == ERR_BUSY)
			r = 0;
	}
	if (r < 0) {
		log_errx("--auth: distccd-auth can't serve (%s)", err_text(r));
		lose_master(s);
		return r;
	}
	if (s->auth.realm[0] == '\0')
		log_warnx("there is no default realm; rules without one match "
		    "nobody");
	refill(s);
	workers_open(s);
	return 0;
}

void
auth_reload(struct server *s)
{
	int keytab = -1;

	if (s->opt.auth == AUTH_OFF)
		return;
	if (principals_load(&s->auth.principals, &s->opt, &s->ids) < 0)
		log_errx("event=reload_failed what=principals: the old rules "
		    "stay in force");
	else
		log_notice("event=reloaded allow=%zu deny=%zu",
		    s->auth.principals.allow.n, s->auth.principals.deny.n);
	if (authfiles_keytab(&keytab) == 0) {
		fd_close(&s->auth.keytab_fd);
		s->auth.keytab_fd = keytab;
	}
	renew(s);
	end_stale(s);
	refill(s);
	workers_renew(s);
}
