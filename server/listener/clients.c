/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/clients.h"
#include "server/listener/dispatch.h"
#include "server/listener/jailer.h"
#include "server/listener/ration.h"
#include "server/listener/spawn.h"
#include "server/listener/workers.h"

#define GRANT_MS	5000	/* from SLOT_GRANTED to COMPILE */
#define START_MS	10000	/* from FORK to FORKED */
#define CRASH_PENALTY_S	10

int
clients_init(struct server *s)
{
	uint32_t n = s->opt.max_clients;
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t memory = pages > 0 && size > 0 ?
	    (uint64_t)pages * (uint64_t)size : 1ULL << 30;
	/* a job may outlive its client until its jail is gone */
	uint32_t jobs = n + s->opt.jobs;
	int r;

	if ((r = sources_init(&s->sources, 2 * n > SOURCES_MAX ? 2 * n :
	    SOURCES_MAX)) < 0 ||
	    (r = slots_init(&s->slots, s->opt.jobs, jobs)) < 0 ||
	    (r = reserve_init(&s->reserve, reserve_default_budget(memory),
	    jobs)) < 0)
		log_errx("no memory for %u clients", n);
	return r;
}

/* --- who is served ------------------------------------------------------- */

static const char *
refusal(struct server *s, const struct sockaddr *peer, uint32_t *source)
{
	int64_t now = clock_ms();

	if (s->opt.nrules != 0 &&
	    !access_allows(s->opt.rules, s->opt.nrules, peer))
		return "not in --allow";
	if (s->nclients >= s->opt.max_clients)
		return "--max-clients";
	if (sources_find(&s->sources, peer, now, source) < 0)
		return "too many sources";
	if (sources_is_refused(&s->sources, *source, now))
		return "penalty";
	/* with --auth it will count by its name; auth.c sees to it until then */
	if (s->opt.auth == AUTH_OFF &&
	    sources_connections(&s->sources, *source) >= s->opt.max_per_source)
		return "--max-per-source";
	return NULL;
}

bool
clients_judge(struct server *s, const struct sockaddr *peer, uint32_t *source)
{
	const char *why = refusal(s, peer, source);
	char name[NET_NAME_BYTES];

	if (why == NULL)
		return true;
	if (ration_take(&s->refusals, "refused"))
		log_warnx("event=refused client=%s reason=\"%s\"",
		    net_name(peer, name), why);
	return false;
}

/* --- beginning ----------------------------------------------------------- */

static void
ready(void *arg)
{
	struct client *c = arg;
	int r = dispatch_worker(c);

	if (r == 0 || r == ERR_BUSY)
		return;
	if (r != ERR_CLOSED && ration_take(&c->server->violations, "worker"))
		log_errx("job=%u event=worker_violation client=%s reason=\"%s\"",
		    c->job, c->peer, err_text(r));
	clients_lose(c);
}

static void
unlink_client(struct client *c)
{
	struct client **p = &c->server->clients;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->server->nclients--;
	sources_leave(&c->server->sources, c->source);
	free(c);
}

static void first_byte(void *arg);

static int
spawn_worker(struct server *s, struct client *c, int in, int out)
{
	struct msg_plain hello = { .head = { MSG_HELLO, c->job } };
	struct spawn sp = { .name = "distccd-worker", .in = in, .out = out,
	    .err = s->opt.log_stderr ? STDERR_FILENO : -1, .ids = &s->ids };
	int pair[2], r;

	if ((r = chan_pair(pair)) < 0)
		return r;
	c->chan.fd = pair[0];
	sp.chan = pair[1];
	/* sent first: the worker finds it as soon as it runs */
	r = chan_send(pair[0], &hello, sizeof(hello), &s->config_fd, 1);
	if (r == 0)
		r = spawn_start(&sp, &c->pid);
	(void)close(pair[1]);
	if (r == 0)
		r = fd_set_nonblock(pair[0], true);
	if (r == 0)
		r = loop_add(&c->chan);
	return r;
}

static struct client *
make(struct server *s, const struct sockaddr *peer, uint32_t source)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if (++s->last_job == 0)
		s->last_job = 1;
	c->server = s;
	c->job = s->last_job;
	c->source = source;
	c->state = CLIENT_READING;
	c->started_ms = clock_ms();
	c->chan = (struct loop_item){ -1, ready, c };
	c->door = (struct loop_item){ -1, first_byte, c };
	(void)net_name(peer, c->peer);
	return c;
}

static void
enter(struct client *c)
{
	struct server *s = c->server;

	sources_enter(&s->sources, c->source);
	c->next = s->clients;
	s->clients = c;
	s->nclients++;
}

/* The connection goes to a worker; in and out are consumed. */
static int
give(struct client *c, int in, int out, int context)
{
	int r = context < 0 ? spawn_worker(c->server, c, in, out) :
	    workers_fork(c, in, out, context);
	int fd = c->chan.fd;

	(void)close(in);
	if (out != in)
		(void)close(out);
	if (r == 0)
		return 0;
	log_errx("event=spawn_failed reason=\"%s\"", err_text(r));
	loop_remove(&c->chan);
	fd_close(&fd);
	workers_forget(c);
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
	return r;
}

/* What was silent has said something, or is gone. */
static void
first_byte(void *arg)
{
	struct client *c = arg;
	int fd = c->door.fd;

	loop_remove(&c->door);
	if (give(c, fd, fd, -1) < 0)
		unlink_client(c);
}

static void
turn_away(struct client *c)
{
	int fd = c->door.fd;

	loop_remove(&c->door);
	(void)close(fd);
	unlink_client(c);
}

int
clients_admit(struct server *s, int fd, const struct sockaddr *peer,
    uint32_t source)
{
	struct pollfd p = { fd, POLLIN, 0 };
	struct client *c;
	int r;

	/* the rule, where the kernel defers the accept until there is data */
	if (poll(&p, 1, 0) != 0)
		return clients_start(s, fd, fd, peer, source);
	c = make(s, peer, source);
	if (c == NULL) {
		(void)close(fd);
		return ERR_NOMEM;
	}
	c->door.fd = fd;
	r = loop_add(&c->door);
	if (r < 0) {
		(void)close(fd);
		free(c);
		return r;
	}
	enter(c);
	return 0;
}

int
clients_start(struct server *s, int in, int out, const struct sockaddr *peer,
    uint32_t source)
{
	return clients_start_known(s, in, out, peer, source, NULL, -1);
}

int
clients_start_known(struct server *s, int in, int out,
    const struct sockaddr *peer, uint32_t source, const char *principal,
    int context)
{
	struct client *c = make(s, peer, source);
	int r;

	if (c == NULL) {
		(void)close(in);
		if (out != in)
			(void)close(out);
		return ERR_NOMEM;
	}
	if (principal != NULL)
		(void)log_escape(view_str(principal), c->principal,
		    sizeof(c->principal));
	c->is_sealed = context >= 0;
	r = give(c, in, out, context);
	if (r < 0)
		free(c);
	else
		enter(c);
	return r;
}

/* --- queues -------------------------------------------------------------- */

static struct client *
find(struct server *s, uint32_t job)
{
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->job == job && c->chan.fd >= 0)
			return c;
	return NULL;
}

static int
tell(struct client *c, enum msg_type type)
{
	struct msg_plain m = { .head = { type, c->job } };

	return chan_send(c->chan.fd, &m, sizeof(m), NULL, 0);
}

/* A worker that has ended: its last messages may still be unread. */
static void
lose_unheard(struct client *c)
{
	while (c->chan.fd >= 0 && dispatch_worker(c) == 0)
		continue;
	clients_lose(c);
}

static void
grant_memory(struct server *s)
{
	uint32_t job;

	while (reserve_next(&s->reserve, &job)) {
		struct client *c = find(s, job);

		if (c == NULL) {
			reserve_leave(&s->reserve, job);
			continue;
		}
		c->state = CLIENT_READING;
		if (tell(c, MSG_RESERVED) < 0)
			lose_unheard(c);
	}
}

static void
grant_slots(struct server *s)
{
	uint32_t job, slot;

	while (jailer_is_ready(s) && slots_next(&s->slots, &job, &slot)) {
		struct client *c = find(s, job);

		if (c == NULL) {
			slots_leave(&s->slots, job);
			continue;
		}
		c->state = CLIENT_GRANTED;
		c->granted_ms = clock_ms();
		if (tell(c, MSG_SLOT_GRANTED) < 0)
			lose_unheard(c);
	}
}

void
clients_pump(struct server *s)
{
	grant_memory(s);
	grant_slots(s);
}

/* What the results take in memory until the client has fetched them. */
static uint64_t
results_bytes(const int *fds, size_t nfds)
{
	uint64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < nfds; i++)
		if (fstat(fds[i], &st) == 0 && st.st_blocks > 0)
			sum += (uint64_t)st.st_blocks * 512;
	return sum;
}

void
clients_compiled(struct server *s, const struct msg_compiled *m,
    const int *fds, size_t nfds)
{
	struct client *c = find(s, m->head.job);

	slots_leave(&s->slots, m->head.job);
	if (c != NULL && c->state == CLIENT_COMPILING) {
		c->state = CLIENT_REPLYING;
		c->compile_ms = clock_ms() - c->compile_ms;
		reserve_set(&s->reserve, c->job, c->source,
		    results_bytes(fds, nfds));
		if (chan_send(c->chan.fd, m, sizeof(*m), fds, nfds) < 0)
			lose_unheard(c);
	}
	clients_pump(s);
}

/* --- end ----------------------------------------------------------------- */

/* A worker that ended without a SUMMARY crashed, or was ended by us. */
static void
note_crash(struct client *c)
{
	int status = c->exit_status;

	if (c->state == CLIENT_ENDED)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	sources_penalise(&c->server->sources, c->source, CRASH_PENALTY_S,
	    clock_ms());
	if (ration_take(&c->server->violations, "worker"))
		log_errx("job=%u event=worker_crashed client=%s %s=%d", c->job,
		    c->peer, WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status));
	/* whoever tries out addresses is to begin anew with others */
	if (c->is_sealed && c->generation == c->server->workers.generation)
		workers_renew(c->server);
}

static void
free_if_over(struct client *c)
{
	if (c->chan.fd >= 0 || c->pid != 0)
		return;
	note_crash(c);
	unlink_client(c);
}

void
clients_lose(struct client *c)
{
	struct server *s = c->server;
	int fd = c->chan.fd;

	if (fd < 0)
		return;
	loop_remove(&c->chan);
	(void)close(fd);
	/*
	 * A worker that closed its channel is about to end by itself; its exit
	 * status tells whether it crashed.  clients_tick() ends it otherwise.
	 */
	c->granted_ms = clock_ms();
	if (!jailer_kill(s, c->job))
		slots_leave(&s->slots, c->job);
	reserve_leave(&s->reserve, c->job);
	workers_forget(c);
	free_if_over(c);
	clients_pump(s);
}

bool
clients_reaped(struct server *s, pid_t pid, int status)
{
	for (struct client *c = s->clients; c != NULL; c = c->next) {
		if (c->pid != pid)
			continue;
		c->exit_status = status;
		/* messages that it sent before may still be waiting; while
		 * pid is set nothing frees c */
		while (c->chan.fd >= 0 && dispatch_worker(c) == 0)
			continue;
		c->pid = 0;
		if (c->chan.fd >= 0)
			clients_lose(c);
		else
			free_if_over(c);
		return true;
	}
	return false;
}

static void
send_away(struct client *c)
{
	const struct msg_summary m = { .outcome = MSG_OUTCOME_TIMEOUT,
	    .why = "it sent nothing" };

	dispatch_summary(c, &m);
	turn_away(c);
}

void
clients_tick(struct server *s, int64_t now)
{
	struct client *next;

	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		if (c->door.fd >= 0) {
			if (now - c->started_ms >
			    s->config->limits.header_ms)
				send_away(c);
		} else if (c->chan.fd < 0) {
			if (now - c->granted_ms > GRANT_MS && c->pid > 0)
				(void)kill(c->pid, SIGKILL);
		} else if (c->is_starting &&
		    now - c->started_ms > START_MS) {
			clients_lose(c);
		} else if (c->state == CLIENT_GRANTED &&
		    now - c->granted_ms > GRANT_MS) {
			log_errx("job=%u event=worker_late client=%s", c->job,
			    c->peer);
			(void)kill(c->pid, SIGKILL);
		}
	}
}

void
clients_stop(struct server *s, bool all)
{
	struct client *next;

	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		if (c->door.fd >= 0)
			turn_away(c);
		else if (c->pid > 0 && (all || c->state == CLIENT_READING ||
		    c->state == CLIENT_RESERVING))
			(void)kill(c->pid, SIGKILL);
	}
}
