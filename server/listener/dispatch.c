/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/clients.h"
#include "server/listener/dispatch.h"
#include "server/listener/jailer.h"

#define LOGS_MAX	32	/* lines of one worker */
#define RESERVE_SLACK	(8ULL * 1024 * 1024)	/* a worker asks in steps */

union message {
	struct msg_head head;
	struct msg_reserve reserve;
	struct msg_plain plain;
	struct msg_compile compile;
	struct msg_log log;
	struct msg_summary summary;
};

static const char *
escape(const char *text, size_t size, char *dst, size_t dst_size)
{
	return log_escape(view_of(text, strnlen(text, size)), dst, dst_size);
}

/* --- handlers ------------------------------------------------------------ */

static int
do_reserve(struct client *c, const union message *m, const int *fds)
{
	struct server *s = c->server;
	uint64_t bytes = m->reserve.bytes;
	int r;

	(void)fds;
	if (bytes == 0 || bytes > 3 * s->opt.limits.max_request +
	    RESERVE_SLACK)
		return ERR_LIMIT;
	r = reserve_ask(&s->reserve, c->job, c->source, bytes);
	if (r < 0)
		return r;
	c->state = CLIENT_RESERVING;
	clients_pump(s);
	return 0;
}

static int
do_slot(struct client *c, const union message *m, const int *fds)
{
	struct server *s = c->server;
	int r = slots_join(&s->slots, c->job, c->source);

	(void)m;
	(void)fds;
	if (r < 0)
		return r;
	c->state = CLIENT_QUEUED;
	clients_pump(s);
	return 0;
}

/* The worker may be under somebody else's control: check all it says. */
static int
check_compile(const struct server *s, const struct msg_compile *m, int job)
{
	struct stat st;

	if (m->protocol < 1 || m->protocol > 3)
		return ERR_PROTOCOL;
	if (m->compiler >= s->config->ncompilers &&
	    (m->compiler != MSG_COMPILER_ANY || s->config->any_command == 0))
		return ERR_PROTOCOL;
	if (!fd_is_sealed(job) || fstat(job, &st) < 0)
		return ERR_PROTOCOL;
	return st.st_size < (off_t)sizeof(struct job_header) ||
	    (uint64_t)st.st_size > MSG_JOB_MAX_BYTES ? ERR_LIMIT : 0;
}

static int
do_compile(struct client *c, const union message *m, const int *fds)
{
	struct server *s = c->server;
	struct msg_compiled failed = { .head = { MSG_COMPILED, c->job },
	    .end = MSG_END_FAILED };
	uint32_t slot = slots_slot_of(&s->slots, c->job);
	int r = check_compile(s, &m->compile, fds[0]);

	if (r < 0)
		return r;
	c->state = CLIENT_COMPILING;
	c->compile_ms = clock_ms();
	r = jailer_run(s, &m->compile, slot, fds[0]);
	if (r < 0) {
		(void)snprintf(failed.text, sizeof(failed.text),
		    "the server has no jailer at the moment");
		clients_compiled(s, &failed, NULL, 0);
	}
	return 0;
}

static int
do_log(struct client *c, const union message *m, const int *fds)
{
	char text[MSG_TEXT_BYTES];
	uint32_t level = m->log.level;

	(void)fds;
	if (c->nlogs++ >= LOGS_MAX)
		return 0;
	log_at(level >= LOG_LVL_CRITICAL && level <= LOG_LVL_DEBUG ?
	    (enum log_level)level : LOG_LVL_WARNING, "job=%u %s", c->job,
	    escape(m->log.text, sizeof(m->log.text), text, sizeof(text)));
	return 0;
}

/* How a connection's end is named in the log (the first two words are
 * stock's, people look for them), at which level, and what it costs. */
static const struct outcome {
	const char *event;
	enum log_level level;
	uint32_t penalty_s;
} outcomes[MSG_OUTCOME_COUNT] = {
	[MSG_OUTCOME_OK]	    = { "COMPILE_OK", LOG_LVL_NOTICE, 0 },
	[MSG_OUTCOME_COMPILE_ERROR] = { "COMPILE_ERROR", LOG_LVL_NOTICE, 0 },
	[MSG_OUTCOME_REFUSED]	    = { "REFUSED", LOG_LVL_WARNING, 0 },
	[MSG_OUTCOME_BAD_REQUEST]   = { "BAD_REQUEST", LOG_LVL_WARNING, 1 },
	[MSG_OUTCOME_TIMEOUT]	    = { "CLIENT_TIMEOUT", LOG_LVL_WARNING, 4 },
	[MSG_OUTCOME_CLIENT_LEFT]   = { "CLIENT_LEFT", LOG_LVL_INFO, 0 },
	[MSG_OUTCOME_LIMIT]	    = { "LIMIT", LOG_LVL_WARNING, 0 },
	[MSG_OUTCOME_INTERNAL]	    = { "FAILED", LOG_LVL_ERROR, 0 },
	/* whoever did this, it was not the principal that would have to pay */
	[MSG_OUTCOME_TAMPERED]	    = { "TAMPERED", LOG_LVL_WARNING, 0 },
};

static void
log_summary(const struct client *c, const struct msg_summary *m)
{
	const struct outcome *o = &outcomes[m->outcome];
	char compiler[MSG_NAME_BYTES], input[256], why[512];
	int status = (int)m->status;

	log_at(o->level, "job=%u %s client=%s%s%s%s exit=%d signal=%d time=%lldms "
	    "compile=%lldms in=%llu out=%llu cc=%s file=%s%s%s%s", c->job,
	    o->event, c->peer, c->principal[0] != '\0' ? " principal=" : "",
	    c->principal, c->is_sealed ? " sealed" : "", WIFSIGNALED(status) ? 0 : WEXITSTATUS(status),
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	    (long long)(clock_ms() - c->started_ms),
	    (long long)(c->state == CLIENT_REPLYING ? c->compile_ms : 0),
	    (unsigned long long)m->bytes_in, (unsigned long long)m->bytes_out,
	    escape(m->compiler, sizeof(m->compiler), compiler,
	    sizeof(compiler)),
	    escape(m->input, sizeof(m->input), input, sizeof(input)),
	    m->why[0] != '\0' ? " reason=\"" : "",
	    escape(m->why, sizeof(m->why), why, sizeof(why)),
	    m->why[0] != '\0' ? "\"" : "");
}

void
dispatch_summary(struct client *c, const struct msg_summary *m)
{
	struct server *s = c->server;
	uint32_t penalty = outcomes[m->outcome].penalty_s;

	log_summary(c, m);
	if (penalty != 0)
		sources_penalise(&s->sources, c->source, penalty, clock_ms());
	s->outcome = m->outcome <= MSG_OUTCOME_COMPILE_ERROR ? 0 :
	    EXIT_DISTCC_FAILED;
	c->state = CLIENT_ENDED;
}

static int
do_summary(struct client *c, const union message *m, const int *fds)
{
	(void)fds;
	if (m->summary.outcome >= MSG_OUTCOME_COUNT ||
	    m->summary.status > 0xffff)
		return ERR_PROTOCOL;
	dispatch_summary(c, &m->summary);
	return 0;
}

/* --- the table ----------------------------------------------------------- */

#define ANY_STATE	(CLIENT_ENDED - 1)	/* all but the last */

static const struct row {
	uint32_t type;
	size_t size;
	size_t nfds;
	unsigned int states;	/* in which of them it is allowed */
	bool once;
	int (*act)(struct client *, const union message *, const int *);
} rows[] = {
	{ MSG_RESERVE, sizeof(struct msg_reserve), 0, CLIENT_READING, false,
	    do_reserve },
	{ MSG_SLOT, sizeof(struct msg_plain), 0, CLIENT_READING, true,
	    do_slot },
	{ MSG_COMPILE, sizeof(struct msg_compile), 1, CLIENT_GRANTED, true,
	    do_compile },
	{ MSG_LOG, sizeof(struct msg_log), 0, ANY_STATE, false, do_log },
	{ MSG_SUMMARY, sizeof(struct msg_summary), 0, ANY_STATE, true,
	    do_summary },
};

static int
dispatch(struct client *c, const union message *m, size_t len, const int *fds,
    size_t nfds)
{
	if (len < sizeof(m->head) || m->head.job != c->job)
		return ERR_PROTOCOL;
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (row->type != m->head.type)
			continue;
		if (row->size != len || row->nfds != nfds ||
		    (row->states & (unsigned int)c->state) == 0 ||
		    (row->once && (c->seen & 1U << i) != 0))
			return ERR_PROTOCOL;
		c->seen |= 1U << i;
		return row->act(c, m, fds);
	}
	return ERR_PROTOCOL;
}

int
dispatch_worker(struct client *c)
{
	union message m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	ssize_t n = chan_recv(c->chan.fd, &m, sizeof(m), fds, &nfds);
	int r;

	if (n < 0)
		return (int)n;
	r = dispatch(c, &m, (size_t)n, fds, nfds);
	for (size_t i = 0; i < CHAN_FDS_MAX; i++)
		fd_close(&fds[i]);
	return r;
}
