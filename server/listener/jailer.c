/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
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
#include "server/listener/clients.h"
#include "server/listener/jailer.h"
#include "server/listener/keeper.h"
#include "server/listener/spawn.h"

#define START_MS	30000		/* from start to READY */
#define LIFETIME_SLACK_MS 5000		/* the jailer ends a job by itself */
#define GIVE_UP_MS	15000		/* from KILL to RAN */
#define STOP_MS		3000	/* to clean up, at our own end */
#define BACKOFF_MIN_MS	100
#define BACKOFF_MAX_MS	30000
#define GOOD_TIME_MS	60000		/* up so long: backoff starts again */

static void ready(void *arg);

int
jailer_init(struct server *s)
{
	s->jailer.chan.fd = -1;
	s->jailer.backoff_ms = BACKOFF_MIN_MS;
	s->jailer.runs = calloc(s->opt.jobs, sizeof(*s->jailer.runs));
	return s->jailer.runs != NULL ? 0 : ERR_NOMEM;
}

bool
jailer_is_ready(const struct server *s)
{
	return s->jailer.state == JAILER_READY;
}

/* --- its end ------------------------------------------------------------- */

/* Every running job has failed; the clients' workers hear of it. */
static void
fail_runs(struct server *s)
{
	for (uint32_t i = 0; i < s->opt.jobs; i++) {
		struct msg_compiled m = {
			.head = { MSG_COMPILED, s->jailer.runs[i].job },
			.end = MSG_END_FAILED };

		if (m.head.job == 0)
			continue;
		s->jailer.runs[i].job = 0;
		(void)snprintf(m.text, sizeof(m.text),
		    "the server's jailer ended");
		clients_compiled(s, &m, NULL, 0);
	}
}

static void
go_down(struct server *s, const char *why)
{
	struct jailer *j = &s->jailer;
	int64_t now = clock_ms();
	int fd = j->chan.fd;

	if (j->state == JAILER_DOWN)
		return;
	log_errx("event=jailer_down reason=\"%s\" restart_ms=%u", why,
	    j->backoff_ms);
	loop_remove(&j->chan);
	fd_close(&fd);
	if (j->pid > 0)
		(void)kill(j->pid, SIGKILL);
	if (j->state == JAILER_READY && now - j->up_since_ms > GOOD_TIME_MS)
		j->backoff_ms = BACKOFF_MIN_MS;
	j->state = JAILER_DOWN;
	j->restart_at_ms = now + j->backoff_ms;
	j->backoff_ms = j->backoff_ms * 2 < BACKOFF_MAX_MS ?
	    j->backoff_ms * 2 : BACKOFF_MAX_MS;
	fail_runs(s);
}

bool
jailer_reaped(struct server *s, pid_t pid, int status)
{
	char why[64];

	if (pid != s->jailer.pid)
		return false;
	s->jailer.pid = 0;
	(void)snprintf(why, sizeof(why), WIFSIGNALED(status) ?
	    "ended by signal %d" : "ended with status %d",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	go_down(s, why);
	return true;
}

/* It ends when its channel does; killed, it would leave its cgroups behind. */
static void
wait_for_end(pid_t pid)
{
	int64_t until = clock_ms() + STOP_MS;

	while (clock_ms() < until) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		(void)poll(NULL, 0, 2);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

void
jailer_stop(struct server *s)
{
	struct jailer *j = &s->jailer;
	int fd = j->chan.fd;

	loop_remove(&j->chan);
	fd_close(&fd);
	if (j->pid > 0) {
		wait_for_end(j->pid);
		j->pid = 0;
	}
	j->state = JAILER_DOWN;
	keeper_stop(s);
}

/* --- its messages -------------------------------------------------------- */

union message {
	struct msg_head head;
	struct msg_layer layer;
	struct msg_compiled ran;
	struct msg_log log;
	struct msg_plain plain;
};

static int
do_layer(struct server *s, union message *m, const int *fds, size_t nfds)
{
	struct jailer *j = &s->jailer;

	(void)fds;
	(void)nfds;
	m->layer.name[sizeof(m->layer.name) - 1] = '\0';
	m->layer.detail[sizeof(m->layer.detail) - 1] = '\0';
	if (j->nlayers < JAILER_LAYERS_MAX)
		j->layers[j->nlayers++] = m->layer;
	return 0;
}

static int
do_ready(struct server *s, union message *m, const int *fds, size_t nfds)
{
	(void)m;
	(void)fds;
	(void)nfds;
	s->jailer.state = JAILER_READY;
	s->jailer.up_since_ms = clock_ms();
	log_debug("event=jailer_ready layers=%u", s->jailer.nlayers);
	clients_pump(s);
	return 0;
}

static int
do_ran(struct server *s, union message *m, const int *fds, size_t nfds)
{
	struct msg_compiled *ran = &m->ran;

	if (ran->end >= MSG_END_COUNT || nfds !=
	    (size_t)__builtin_popcount(ran->fds) || (ran->fds & ~15U) != 0)
		return ERR_PROTOCOL;
	ran->text[sizeof(ran->text) - 1] = '\0';
	for (uint32_t i = 0; i < s->opt.jobs; i++) {
		if (ran->head.job == 0 ||
		    s->jailer.runs[i].job != ran->head.job)
			continue;
		s->jailer.runs[i].job = 0;
		ran->head.type = MSG_COMPILED;
		clients_compiled(s, ran, fds, nfds);
		return 0;
	}
	/* it was given up before, or KILL and RAN crossed */
	log_debug("job=%u event=late_result", ran->head.job);
	return 0;
}

static int
do_log(struct server *s, union message *m, const int *fds, size_t nfds)
{
	char text[MSG_TEXT_BYTES];
	size_t len = strnlen(m->log.text, sizeof(m->log.text));

	(void)s;
	(void)fds;
	(void)nfds;
	log_at(m->log.level >= LOG_LVL_CRITICAL &&
	    m->log.level <= LOG_LVL_DEBUG ? (enum log_level)m->log.level :
	    LOG_LVL_WARNING, "jailer: %s",
	    log_escape(view_of(m->log.text, len), text, sizeof(text)));
	return 0;
}

#define ANY_FDS		SIZE_MAX

static const struct row {
	uint32_t type;
	size_t size;
	size_t nfds;
	unsigned int states;	/* 1 << enum jailer_state */
	int (*act)(struct server *, union message *, const int *, size_t);
} rows[] = {
	{ MSG_LAYER, sizeof(struct msg_layer), 0, 1 << JAILER_STARTING,
	    do_layer },
	{ MSG_READY, sizeof(struct msg_plain), 0, 1 << JAILER_STARTING,
	    do_ready },
	{ MSG_RAN, sizeof(struct msg_compiled), ANY_FDS, 1 << JAILER_READY,
	    do_ran },
	{ MSG_LOG, sizeof(struct msg_log), 0,
	    1 << JAILER_STARTING | 1 << JAILER_READY, do_log },
};

static int
dispatch(struct server *s, union message *m, size_t len, const int *fds,
    size_t nfds)
{
	if (len < sizeof(m->head))
		return ERR_PROTOCOL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].type != m->head.type)
			continue;
		if (rows[i].size != len ||
		    (rows[i].nfds != ANY_FDS && rows[i].nfds != nfds) ||
		    (rows[i].states & 1U << s->jailer.state) == 0)
			return ERR_PROTOCOL;
		return rows[i].act(s, m, fds, nfds);
	}
	return ERR_PROTOCOL;
}

/* Receive one message; an error is final for this jailer. */
static int
receive(struct server *s)
{
	union message m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	ssize_t n = chan_recv(s->jailer.chan.fd, &m, sizeof(m), fds, &nfds);
	int r;

	if (n < 0)
		return (int)n;
	r = dispatch(s, &m, (size_t)n, fds, nfds);
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		fd_close(&fds[i]);
	return r;
}

static void
ready(void *arg)
{
	struct server *s = arg;
	int r = receive(s);

	if (r == ERR_BUSY || r == 0)
		return;
	go_down(s, r == ERR_CLOSED ? "closed its channel" :
	    "sent a message that it may not send");
}

/* --- its start ----------------------------------------------------------- */

static int
spawn_jailer(struct server *s)
{
	struct jailer *j = &s->jailer;
	int pair[2], r;

	if ((r = chan_pair(pair)) < 0)
		return r;
	r = keeper_fork(s, pair[1], &j->pid);
	(void)close(pair[1]);
	if (r == 0)
		r = fd_set_nonblock(pair[0], true);
	j->chan = (struct loop_item){ pair[0], ready, s };
	j->nlayers = 0;
	j->state = JAILER_STARTING;
	j->up_since_ms = clock_ms();
	return r;
}

int
jailer_start(struct server *s)
{
	int64_t deadline = clock_ms() + START_MS;
	int r = keeper_start(s);

	if (r == 0)
		r = spawn_jailer(s);
	while (r == 0 && s->jailer.state != JAILER_READY) {
		r = fd_wait(s->jailer.chan.fd, POLLIN, deadline);
		if (r >= 0)
			r = receive(s);
	}
	if (r == 0)
		r = loop_add(&s->jailer.chan);
	if (r < 0)
		log_errx("the jailer (distccd-jail) did not start: %s",
		    err_text(r));
	return r;
}

static void
restart(struct server *s)
{
	int r = spawn_jailer(s);

	if (r == ERR_CLOSED && s->keeper.chan < 0) {
		/* whoever started us can; we have not the rights any more */
		log_at(LOG_LVL_CRITICAL, "event=jailer_lost: ending");
		s->is_lost = true;
	}
	if (r == 0)
		r = loop_add(&s->jailer.chan);
	if (r < 0)
		go_down(s, err_text(r));
	else
		log_notice("event=jailer_restarted pid=%d",
		    (int)s->jailer.pid);
}

/* --- compiles ------------------------------------------------------------ */

int
jailer_run(struct server *s, const struct msg_compile *m, uint32_t slot,
    int job)
{
	struct msg_compile run = *m;
	int64_t limit = (int64_t)s->opt.limits.job_lifetime_s * 1000;
	int r;

	if (s->jailer.state != JAILER_READY)
		return ERR_BUSY;
	run.head.type = MSG_RUN;
	run.slot = slot;
	run.reserved = 0;
	r = chan_send(s->jailer.chan.fd, &run, sizeof(run), &job, 1);
	if (r < 0) {
		go_down(s, "does not take messages");
		return r;
	}
	s->jailer.runs[slot] = (struct run){ .job = m->head.job,
	    .kill_at_ms = clock_ms() + limit + LIFETIME_SLACK_MS,
	    .give_up_ms = -1 };
	return 0;
}

static void
kill_run(struct server *s, struct run *run)
{
	struct msg_plain m = { .head = { MSG_KILL, run->job } };

	run->kill_at_ms = -1;
	run->give_up_ms = clock_ms() + GIVE_UP_MS;
	if (chan_send(s->jailer.chan.fd, &m, sizeof(m), NULL, 0) < 0)
		go_down(s, "does not take messages");
}

bool
jailer_kill(struct server *s, uint32_t job)
{
	for (uint32_t i = 0; i < s->opt.jobs; i++) {
		struct run *run = &s->jailer.runs[i];

		if (run->job != job)
			continue;
		if (run->kill_at_ms >= 0)
			kill_run(s, run);
		return true;
	}
	return false;
}

void
jailer_tick(struct server *s, int64_t now)
{
	struct jailer *j = &s->jailer;

	if (j->state == JAILER_DOWN) {
		if (j->pid == 0 && now >= j->restart_at_ms &&
		    s->stop_at_ms < 0)
			restart(s);
		return;
	}
	if (j->state == JAILER_STARTING &&
	    now - j->up_since_ms > START_MS) {
		go_down(s, "was not ready in time");
		return;
	}
	for (uint32_t i = 0; i < s->opt.jobs; i++) {
		struct run *run = &j->runs[i];

		if (run->job == 0)
			continue;
		if (run->give_up_ms >= 0 && now > run->give_up_ms) {
			go_down(s, "does not end a job");
			return;
		}
		if (run->kill_at_ms >= 0 && now > run->kill_at_ms) {
			log_warnx("job=%u event=overdue", run->job);
			kill_run(s, run);
			if (j->state == JAILER_DOWN)
				return;
		}
	}
}

/* --- what it can do here ------------------------------------------------- */

int
jailer_verdict(const struct server *s)
{
	const struct jailer *j = &s->jailer;
	int r = 0;

	for (uint32_t i = 0; i < j->nlayers; i++) {
		const struct msg_layer *l = &j->layers[i];

		if (l->state != MSG_LAYER_MISSING || l->required == 0)
			continue;
		log_errx("sandbox layer %s is missing here: %s", l->name,
		    l->detail);
		r = ERR_UNSUPPORTED;
	}
	if (r < 0)
		log_errx("refusing to start%s", s->opt.is_reduced ? "" :
		    "; --sandbox=reduced runs with fewer layers (see "
		    "distccd --show-sandbox)");
	return r;
}

static const char *
state_name(uint32_t state)
{
	switch (state) {
	case MSG_LAYER_OK:	return "ok";
	case MSG_LAYER_REDUCED:	return "reduced";
	default:		return "missing";
	}
}

/* A JSON string; the jailer's text is ASCII but may hold quotes. */
static void
print_json_string(const char *text)
{
	(void)putchar('"');
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0';
	    p++) {
		if (*p == '"' || *p == '\\')
			(void)printf("\\%c", *p);
		else if (*p < 0x20 || *p >= 0x7f)
			(void)printf("\\u%04x", *p);
		else
			(void)putchar(*p);
	}
	(void)putchar('"');
}

static void
print_json(const struct server *s)
{
	const struct jailer *j = &s->jailer;

	(void)printf("{\"sandbox\": \"%s\", \"layers\": [",
	    s->opt.is_reduced ? "reduced" : "strict");
	for (uint32_t i = 0; i < j->nlayers; i++) {
		(void)printf("%s\n  {\"name\": ", i != 0 ? "," : "");
		print_json_string(j->layers[i].name);
		(void)printf(", \"state\": \"%s\", \"required\": %s, "
		    "\"detail\": ", state_name(j->layers[i].state),
		    j->layers[i].required != 0 ? "true" : "false");
		print_json_string(j->layers[i].detail);
		(void)printf("}");
	}
	(void)printf("\n]}\n");
}

void
jailer_print(const struct server *s, bool as_json)
{
	const struct jailer *j = &s->jailer;

	if (as_json) {
		print_json(s);
		return;
	}
	for (uint32_t i = 0; i < j->nlayers; i++)
		(void)printf("%-20s %-8s %-9s %s\n", j->layers[i].name,
		    state_name(j->layers[i].state),
		    j->layers[i].required != 0 ? "required" : "optional",
		    j->layers[i].detail);
}
