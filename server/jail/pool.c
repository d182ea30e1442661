/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "server/jail/pool.h"

#define RETRY_MS	20	/* a cgroup that is still busy; a failed start */
#define START_FAILURES_MAX 5	/* in a row, before each waits RETRY_LONG_MS */
#define RETRY_LONG_MS	1000
#define LOGS_MAX	8	/* lines that one jail may write */

enum state {
	UNUSED,
	STARTING,	/* cloned, building its walls */
	READY,		/* waits for a job */
	RUNNING,	/* has a job */
	LINGERING,	/* ended; its cgroup cannot be removed yet */
};

struct cell {
	enum state state;
	struct jail jail;
	uint32_t job;
	int64_t started_us;	/* RUNNING */
	int64_t deadline_ms;	/* RUNNING */
	enum msg_end killed;	/* why we ended it; MSG_END_EXIT: we did not */
	unsigned int nlogs;
	bool answered;
	struct msg_compiled answer;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
};

struct pool {
	int chan;
	const struct jail_plan *plan;
	struct init_context *ctx;
	size_t ncells;
	struct cell *cells;
	size_t ready_wanted;
	unsigned int failures;	/* starts that failed in a row */
	int64_t next_start_ms;
	bool broken;		/* the listener's channel failed */
};

static struct cell *
find_state(struct pool *p, enum state state)
{
	for (size_t i = 0; i < p->ncells; i++)
		if (p->cells[i].state == state)
			return &p->cells[i];
	return NULL;
}

static size_t
count_spare(const struct pool *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->ncells; i++)
		if (p->cells[i].state == STARTING ||
		    p->cells[i].state == READY)
			n++;
	return n;
}

static struct cell *
start_cell(struct pool *p)
{
	struct cell *c = find_state(p, UNUSED);
	int r;

	if (c == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		c->fds[i] = -1;
	r = jail_start(p->plan, (uint32_t)(c - p->cells), init_main, p->ctx,
	    &c->jail);
	if (r < 0) {
		log_warn("jail: cannot start one: %s", err_text(r));
		p->failures++;
		return NULL;
	}
	c->state = STARTING;
	return c;
}

static void
refill(struct pool *p)
{
	int64_t now = clock_ms();

	while (count_spare(p) < p->ready_wanted && now >= p->next_start_ms) {
		if (start_cell(p) == NULL)
			p->next_start_ms = now +
			    (p->failures > START_FAILURES_MAX ?
			    RETRY_LONG_MS : RETRY_MS);
	}
}

static void
answer_listener(struct pool *p, const struct msg_compiled *m, const int *fds,
    size_t nfds)
{
	if (chan_send(p->chan, m, sizeof(*m), fds, nfds) < 0)
		p->broken = true;
}

static void
answer_failed(struct pool *p, uint32_t job, const char *text)
{
	struct msg_compiled m = { .head = { MSG_RAN, job },
	    .end = MSG_END_FAILED };

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	answer_listener(p, &m, NULL, 0);
}

static int
do_run(struct pool *p, const struct msg_compile *m, const int *fds, size_t nfds)
{
	const struct limits *l = &p->ctx->config->limits;
	struct cell *c;

	if (nfds != 1)
		return ERR_PROTOCOL;
	c = find_state(p, READY);
	if (c == NULL)
		c = find_state(p, STARTING);	/* it reads the job when ready */
	if (c == NULL)
		c = start_cell(p);
	if (c == NULL || chan_send(c->jail.chan, m, sizeof(*m), fds, 1) < 0) {
		answer_failed(p, m->head.job, "no jail could be started");
		return 0;
	}
	c->state = RUNNING;
	c->job = m->head.job;
	c->started_us = clock_us();
	c->deadline_ms = clock_ms() + (int64_t)l->job_lifetime_s * 1000;
	return 0;
}

static int
do_kill(struct pool *p, const struct msg_plain *m)
{
	for (size_t i = 0; i < p->ncells; i++) {
		struct cell *c = &p->cells[i];

		if (c->state == RUNNING && c->job == m->head.job) {
			c->killed = MSG_END_KILLED;
			jail_kill(&c->jail);
		}
	}
	return 0;
}

static int
read_listener(struct pool *p)
{
	union {
		struct msg_head head;
		struct msg_compile compile;
		struct msg_plain plain;
	} m;
	int fds[CHAN_FDS_MAX], r = ERR_PROTOCOL;
	size_t nfds;
	ssize_t n = chan_recv(p->chan, &m, sizeof(m), fds, &nfds);

	if (n < 0)
		return (int)n;
	if (n == (ssize_t)sizeof(m.compile) && m.head.type == MSG_RUN)
		r = do_run(p, &m.compile, fds, nfds);
	else if (n == (ssize_t)sizeof(m.plain) && m.head.type == MSG_KILL &&
	    nfds == 0)
		r = do_kill(p, &m.plain);
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		fd_close(&fds[i]);
	return r;
}

/* A message of a jail's PID 1, which holds the job's rights: trust nothing. */
static void
read_jail(struct cell *c)
{
	union {
		struct msg_head head;
		struct msg_plain plain;
		struct msg_compiled ran;
		struct msg_log log;
	} m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	ssize_t n = chan_recv(c->jail.chan, &m, sizeof(m), fds, &nfds);
	bool keep = false;

	if (n == (ssize_t)sizeof(m.plain) && m.head.type == MSG_READY) {
		if (c->state == STARTING)
			c->state = READY;
	} else if (n == (ssize_t)sizeof(m.ran) && m.head.type == MSG_RAN &&
	    c->state == RUNNING && !c->answered &&
	    m.ran.end < MSG_END_COUNT &&
	    nfds == (size_t)__builtin_popcount(m.ran.fds & 15)) {
		c->answered = keep = true;
		c->answer = m.ran;
		c->answer.fds &= 15;
		c->answer.text[sizeof(c->answer.text) - 1] = '\0';
		memcpy(c->fds, fds, sizeof(fds));
		c->nfds = nfds;
	} else if (n == (ssize_t)sizeof(m.log) && m.head.type == MSG_LOG) {
		char shown[MSG_TEXT_BYTES];

		m.log.text[sizeof(m.log.text) - 1] = '\0';
		if (c->nlogs++ < LOGS_MAX)
			log_warnx("%s", log_escape(view_str(m.log.text),
			    shown, sizeof(shown)));
	} else {
		fd_close(&c->jail.chan);	/* EOF, or nonsense */
		if (n >= 0)
			jail_kill(&c->jail);
	}
	for (size_t i = 0; i < CHAN_FDS_MAX && !keep && n >= 0; i++)
		fd_close(&fds[i]);
}

static const char *const end_texts[MSG_END_COUNT] = {
	[MSG_END_TIMEOUT] = "the compile took longer than --job-lifetime",
	[MSG_END_MEMORY] = "the compile used more than --max-memory",
	[MSG_END_SCRATCH] = "the job filled its scratch space (--max-scratch)",
	[MSG_END_PROCESSES] =
	    "the compile started more than --max-processes processes",
	[MSG_END_OUTPUT] = "the output passed --max-output",
	[MSG_END_KILLED] = "the client left",
	[MSG_END_FAILED] = "the jail ended early",
};

static void
set_end(struct msg_compiled *m, enum msg_end end)
{
	m->end = end;
	(void)snprintf(m->text, sizeof(m->text), "%s", end_texts[end]);
}

/* What PID 1 said, corrected by what the kernel counted and what we did. */
static void
settle(struct cell *c, const struct cgroup_events *events)
{
	struct msg_compiled *m = &c->answer;
	bool failed = !c->answered || m->end != MSG_END_EXIT ||
	    m->status != 0;

	if (c->killed != MSG_END_EXIT)
		set_end(m, c->killed);
	else if (events->oom && failed)
		set_end(m, MSG_END_MEMORY);
	else if (!c->answered)
		set_end(m, MSG_END_FAILED);
	else if (events->processes && m->end == MSG_END_EXIT && m->status != 0)
		set_end(m, MSG_END_PROCESSES);
}

static void
finish(struct pool *p, struct cell *c)
{
	struct cgroup_events events;
	struct rusage usage;
	int status;
	bool was_running = c->state == RUNNING;
	int r;

	/* its last words may still be in the channel */
	while (c->jail.chan >= 0 && fd_wait(c->jail.chan, POLLIN, 0) > 0)
		read_jail(c);
	r = jail_reap(&c->jail, &status, &usage, &events);
	if (was_running) {
		settle(c, &events);
		c->answer.head = (struct msg_head){ MSG_RAN, c->job };
		c->answer.wall_ms = (uint32_t)((clock_us() - c->started_us) /
		    1000);
		c->answer.cpu_ms = (uint32_t)((usage.ru_utime.tv_sec +
		    usage.ru_stime.tv_sec) * 1000 + (usage.ru_utime.tv_usec +
		    usage.ru_stime.tv_usec) / 1000);
		c->answer.max_rss_kib = (uint32_t)usage.ru_maxrss;
		answer_listener(p, &c->answer, c->fds, c->nfds);
		p->failures = 0;
	} else {
		log_warnx("jail: a spare one ended with status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		p->failures++;
		p->next_start_ms = clock_ms() +
		    (p->failures > START_FAILURES_MAX ? RETRY_LONG_MS :
		    RETRY_MS);
	}
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		fd_close(&c->fds[i]);
	c->state = r == 0 ? UNUSED : LINGERING;
}

/* Enforce deadlines; returns when to look again (clock_ms), or -1. */
static int64_t
check_times(struct pool *p)
{
	int64_t now = clock_ms(), next = -1;

	for (size_t i = 0; i < p->ncells; i++) {
		struct cell *c = &p->cells[i];
		int64_t at = -1;

		if (c->state == LINGERING) {
			if (cgroup_remove(c->jail.id) == 0)
				c->state = UNUSED;
			else
				at = now + RETRY_MS;
		} else if (c->state == RUNNING && c->killed == MSG_END_EXIT) {
			at = c->deadline_ms;
			if (now >= at) {
				c->killed = MSG_END_TIMEOUT;
				jail_kill(&c->jail);
				at = -1;
			}
		}
		if (at >= 0 && (next < 0 || at < next))
			next = at;
	}
	if (count_spare(p) < p->ready_wanted &&
	    (next < 0 || p->next_start_ms < next))
		next = p->next_start_ms;
	return next;
}

static int
poll_once(struct pool *p)
{
	struct pollfd fds[2 * POOL_JAILS_MAX + 1];
	struct cell *who[2 * POOL_JAILS_MAX + 1];
	nfds_t n = 0;

	fds[n++] = (struct pollfd){ .fd = p->chan, .events = POLLIN };
	for (size_t i = 0; i < p->ncells; i++) {
		struct cell *c = &p->cells[i];

		if (c->state == UNUSED || c->state == LINGERING)
			continue;
		who[n] = c;
		fds[n++] = (struct pollfd){ .fd = c->jail.chan,
		    .events = POLLIN };
		who[n] = c;
		fds[n++] = (struct pollfd){ .fd = c->jail.pidfd,
		    .events = POLLIN };
	}
	if (poll(fds, n, clock_poll_timeout(check_times(p))) < 0)
		return 0;	/* EINTR */
	for (nfds_t i = 1; i < n; i += 2) {
		if (fds[i].revents != 0 && who[i]->jail.chan >= 0)
			read_jail(who[i]);
		if (fds[i + 1].revents != 0)
			finish(p, who[i]);
	}
	return fds[0].revents != 0 ? read_listener(p) : 0;
}

static void
end_all(struct pool *p)
{
	for (size_t i = 0; i < p->ncells; i++)
		if (p->cells[i].state != UNUSED &&
		    p->cells[i].state != LINGERING)
			jail_kill(&p->cells[i].jail);
	for (size_t i = 0; i < p->ncells; i++) {
		struct cell *c = &p->cells[i];
		struct cgroup_events events;
		struct rusage usage;
		int status, r = 0;

		if (c->state == UNUSED)
			continue;
		if (c->state != LINGERING)
			r = jail_reap(&c->jail, &status, &usage, &events);
		for (int tries = 0; (r < 0 || c->state == LINGERING) &&
		    tries < 50; tries++) {
			(void)usleep(RETRY_MS * 1000);
			r = cgroup_remove(c->jail.id);
			c->state = UNUSED;
		}
	}
}

int
pool_run(int chan, const struct jail_plan *plan, struct init_context *ctx)
{
	const struct msg_config *config = ctx->config;
	struct pool p = { .chan = chan, .plan = plan, .ctx = ctx,
	    .ready_wanted = config->pool };
	int r = 0;

	p.ncells = config->jails < POOL_JAILS_MAX ? config->jails :
	    POOL_JAILS_MAX;
	p.cells = mem_calloc(p.ncells, sizeof(p.cells[0]));
	while (r == 0 && !p.broken) {
		refill(&p);
		r = poll_once(&p);
	}
	end_all(&p);
	free(p.cells);
	return r == ERR_CLOSED ? 0 : r;
}
