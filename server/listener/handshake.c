/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/clients.h"
#include "server/listener/handshake.h"
#include "server/listener/ration.h"

#define FAILED_PENALTY_S 1
#define LOGS_MAX	8	/* lines of one process */

union message {
	struct msg_head head;
	struct msg_auth_name name;
	struct msg_auth_over over;
	struct msg_log log;
};

/* --- keeping count ------------------------------------------------------- */

static uint32_t *
counter(struct handshake *h)
{
	struct auth *a = &h->server->auth;

	switch (h->state) {
	case HANDSHAKE_STARTING:	return &a->nstarting;
	case HANDSHAKE_READY:		return &a->nready;
	case HANDSHAKE_BUSY:
	case HANDSHAKE_JUDGED:		return &a->nbusy;
	case HANDSHAKE_OVER:		break;
	}
	return NULL;
}

void
handshake_enter(struct handshake *h, enum handshake_state state)
{
	uint32_t *n = counter(h);

	if (n != NULL)
		(*n)--;
	h->state = state;
	h->since_ms = clock_ms();
	if ((n = counter(h)) != NULL)
		(*n)++;
}

static void
drop_client(struct handshake *h)
{
	if (h->out != h->in)
		fd_close(&h->out);
	fd_close(&h->in);
	h->out = -1;
	if (h->has_client)
		sources_leave(&h->server->sources, h->source);
	h->has_client = false;
}

void
handshake_free_if_gone(struct handshake *h)
{
	struct handshake **p = &h->server->auth.list;

	if (h->chan.fd >= 0 || h->pid != 0)
		return;
	while (*p != h)
		p = &(*p)->next;
	*p = h->next;
	free(h);
}

/* Close everything; the process ends when it sees that, or is ended. */
void
handshake_lose(struct handshake *h)
{
	int fd = h->chan.fd;

	if (fd < 0)
		return;
	loop_remove(&h->chan);
	(void)close(fd);
	drop_client(h);
	if (h->state != HANDSHAKE_OVER && h->pid > 0)
		(void)kill(h->pid, SIGKILL);
	handshake_enter(h, HANDSHAKE_OVER);
	handshake_free_if_gone(h);
}

const char *
handshake_peer(const struct handshake *h)
{
	static char name[NET_NAME_BYTES];

	return net_name((const struct sockaddr *)&h->peer, name);
}

const char *
handshake_escape(const char *text, size_t size)
{
	static char escaped[MSG_TEXT_BYTES];

	return log_escape(view_of(text, strnlen(text, size)), escaped,
	    sizeof(escaped));
}

/* Let the process have the client that was put down for it. */
int
handshake_give(struct handshake *h)
{
	struct server *s = h->server;
	struct msg_plain m = { .head = { MSG_AUTH_BEGIN } };
	const int fds[2] = { h->in, h->out };

	if (++s->last_job == 0)
		s->last_job = 1;
	h->job = m.head.job = s->last_job;
	handshake_enter(h, HANDSHAKE_BUSY);
	return chan_send(h->chan.fd, &m, sizeof(m), fds, 2);
}

/* --- messages ------------------------------------------------------------ */

static int
do_log(struct handshake *h, const union message *m, int *fds)
{
	uint32_t level = m->log.level;

	(void)fds;
	if (h->nlogs++ < LOGS_MAX)
		log_at(level >= LOG_LVL_CRITICAL && level <= LOG_LVL_DEBUG ?
		    (enum log_level)level : LOG_LVL_WARNING, "job=%u auth: %s",
		    h->job, handshake_escape(m->log.text, sizeof(m->log.text)));
	return 0;
}

/* The whole judgement: the right service, the rules, and how it behaved. */
static const char *
judge(struct handshake *h, const char *own, uint32_t *source)
{
	struct server *s = h->server;
	const struct principals *p = &s->auth.principals;
	int64_t now = clock_ms();
	const char *why;

	if (!principal_is_service(options_principal(), own))
		return "the client authenticated to another service";
	if ((why = principal_judge(&p->allow, &p->deny, h->principal,
	    s->auth.realm)) != NULL)
		return why;
	if (sources_find_principal(&s->sources, h->principal, now,
	    source) < 0)
		return "too many sources";
	if (sources_is_refused(&s->sources, *source, now))
		return "penalty";
	if (sources_connections(&s->sources, *source) >= s->opt.max_per_source)
		return "--max-per-source";
	return s->nclients >= s->opt.max_clients ? "--max-clients" : NULL;
}

/* From here on it counts by its name. */
static void
move_source(struct handshake *h, uint32_t source)
{
	sources_leave(&h->server->sources, h->source);
	h->source = source;
	sources_enter(&h->server->sources, source);
}

static int
do_name(struct handshake *h, const union message *m, int *fds)
{
	struct msg_auth_verdict v = { .head = { MSG_AUTH_VERDICT, h->job } };
	const char *why;
	uint32_t source;

	(void)fds;
	if (memchr(m->name.peer, '\0', sizeof(m->name.peer)) == NULL ||
	    memchr(m->name.own, '\0', sizeof(m->name.own)) == NULL)
		return ERR_PROTOCOL;
	if (h->server->opt.auth == AUTH_SEAL && m->name.is_sealed == 0)
		return ERR_PROTOCOL;
	memcpy(h->principal, m->name.peer, sizeof(h->principal));
	h->is_sealed = m->name.is_sealed != 0;
	why = judge(h, m->name.own, &source);
	h->is_allowed = why == NULL;
	if (why == NULL)
		move_source(h, source);
	else
		(void)snprintf(v.why, sizeof(v.why), "%s", why);
	v.is_allowed = h->is_allowed ? 1 : 0;
	handshake_enter(h, HANDSHAKE_JUDGED);
	return chan_send(h->chan.fd, &v, sizeof(v), NULL, 0);
}

/* How a handshake's end is logged, and what it costs. */
static const struct outcome {
	const char *reason;
	uint32_t penalty_s;
} outcomes[MSG_AUTH_END_COUNT] = {
	[MSG_AUTH_OK]		= { "", 0 },
	[MSG_AUTH_REFUSED]	= { "refused", 0 },
	[MSG_AUTH_NOT_ASKED]	= { "not authenticated", FAILED_PENALTY_S },
	[MSG_AUTH_NOT_SEALED]	= { "not sealed", 0 },
	[MSG_AUTH_FAILED]	= { "failed", FAILED_PENALTY_S },
	[MSG_AUTH_TIMEOUT]	= { "timeout", FAILED_PENALTY_S },
	[MSG_AUTH_LEFT]		= { "left", 0 },
	[MSG_AUTH_INTERNAL]	= { "internal", 0 },
};

static void
report(struct handshake *h, const struct msg_auth_over *m)
{
	const struct outcome *o = &outcomes[m->end];
	char name[MSG_PRINCIPAL_BYTES * 2];

	if (o->penalty_s != 0)
		sources_penalise(&h->server->sources, h->source, o->penalty_s,
		    clock_ms());
	h->server->outcome = EXIT_GSSAPI_FAILED;
	if (!ration_take(&h->server->refusals, "refused"))
		return;
	(void)log_escape(view_str(h->principal), name, sizeof(name));
	log_warnx("job=%u event=auth_%s client=%s%s%s reason=\"%s\"", h->job,
	    m->end == MSG_AUTH_REFUSED ? "refused" : "failed", handshake_peer(h),
	    name[0] != '\0' ? " principal=" : "", name,
	    m->why[0] != '\0' ? handshake_escape(m->why, sizeof(m->why)) : o->reason);
}

/* The worker takes over; the count moves to it with the connection. */
static void
hand_on(struct handshake *h, int context)
{
	int in = fd_take(&h->in), out = fd_take(&h->out);

	/* a failure has been reported, and the connection closed */
	(void)!clients_start_known(h->server, in, out,
	    (struct sockaddr *)&h->peer, h->source, h->principal, context);
}

static int
do_over(struct handshake *h, const union message *m, int *fds)
{
	if (m->over.end >= MSG_AUTH_END_COUNT ||
	    (m->over.is_sealed != 0) != (fds[0] >= 0))
		return ERR_PROTOCOL;
	if (m->over.end != MSG_AUTH_OK) {
		report(h, &m->over);
	} else {
		if (!h->is_allowed || h->state != HANDSHAKE_JUDGED ||
		    h->is_sealed != (fds[0] >= 0) ||
		    (fds[0] >= 0 && !fd_is_sealed(fds[0])))
			return ERR_PROTOCOL;
		hand_on(h, fds[0]);
	}
	drop_client(h);
	handshake_enter(h, HANDSHAKE_OVER);
	return 0;
}

static const struct row {
	uint32_t type;
	size_t size;
	size_t fds_max;
	unsigned int states;	/* in which of them it is allowed */
	int (*act)(struct handshake *, const union message *, int *);
} rows[] = {
	{ MSG_AUTH_NAME, sizeof(struct msg_auth_name), 0, HANDSHAKE_BUSY,
	    do_name },
	{ MSG_AUTH_OVER, sizeof(struct msg_auth_over), 1,
	    HANDSHAKE_BUSY | HANDSHAKE_JUDGED, do_over },
	{ MSG_LOG, sizeof(struct msg_log), 0,
	    HANDSHAKE_BUSY | HANDSHAKE_JUDGED, do_log },
};

static int
dispatch(struct handshake *h, union message *m, size_t len, int *fds,
    size_t nfds)
{
	if (len < sizeof(m->head) || m->head.job != h->job)
		return ERR_PROTOCOL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (row->type == m->head.type)
			return row->size == len && nfds <= row->fds_max &&
			    (row->states & (unsigned int)h->state) != 0 ?
			    row->act(h, m, fds) : ERR_PROTOCOL;
	}
	return ERR_PROTOCOL;
}

int
handshake_receive(struct handshake *h)
{
	union message m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	ssize_t n = chan_recv(h->chan.fd, &m, sizeof(m), fds, &nfds);
	int r;

	if (n < 0)
		return (int)n;
	r = dispatch(h, &m, (size_t)n, fds, nfds);
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		fd_close(&fds[i]);
	return r;
}
