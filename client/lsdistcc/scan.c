/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lsdistcc/lookup.h"
#include "client/lsdistcc/names.h"
#include "client/lsdistcc/scan.h"
#include "client/probe.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"

#define LIST_AHEAD	64	/* look-ups of a list under way */
#define STEP		64	/* the arrays grow by this many */

enum task_state {
	LOOKING_UP,
	LOOKED_UP,
	PROBING,
	OVER,
};

struct task {
	char name[NAMES_MAX_BYTES];
	enum task_state state;
	struct lookup lookup;
	struct probe probe;
};

struct scan {
	const struct scan_options *opt;
	const char *pattern;	/* NULL: a list */
	char *const *names;
	size_t nnames;
	bool is_closed;		/* no more names are to be looked up */
	bool has_first;		/* the first address found, for -m */
	struct sockaddr_storage first;
	struct task **task;	/* owns: n tasks; they stay where they are */
	struct pollfd *poll;	/* owns: as many */
	size_t n;
	size_t judged;		/* all tasks before this one are looked up */
	long misses;		/* in a row, before it */
	int64_t deadline_ms;
	struct buf request;
	size_t good;
};

/* ---- printing ---- */

static const char *
numeric_name(const struct task *t, char *out, size_t size)
{
	if (getnameinfo((const struct sockaddr *)&t->lookup.addr,
	    t->lookup.len, out, (socklen_t)size, NULL, 0,
	    NI_NUMERICHOST) != 0)
		return t->name;
	return out;
}

static void
print_task(struct scan *s, const struct task *t, bool is_good)
{
	const struct scan_options *o = s->opt;
	char address[NI_MAXHOST], host[NAMES_MAX_BYTES + 16];
	const char *name = o->numeric ?
	    numeric_name(t, address, sizeof(address)) : t->name;

	if (!is_good && !o->show_down)
		return;
	if (names_print(name, (unsigned int)o->port, host, sizeof(host)) < 0)
		return;
	s->good += is_good ? 1 : 0;
	(void)printf("%s%s%s%s", host, o->protocol >= 2 ? ",lzo" : "",
	    o->protocol == 3 ? ",cpp" : "", is_good ? "" : ",down");
	if (o->show_latency)
		(void)printf(" %lld", (long long)(t->probe.total_us / 1000));
	(void)putchar('\n');
	(void)fflush(stdout);
}

static void
say(const struct scan *s, const char *what, const char *name)
{
	if (s->opt->verbose)
		log_info("%s%s", what, name);
}

/* ---- one task ---- */

static void
end_probe(struct scan *s, struct task *t)
{
	bool is_good = t->probe.phase == PROBE_OK;

	if (!is_good && s->opt->verbose)
		log_info("%s is down: %s", t->name, t->probe.why);
	probe_free(&t->probe);
	t->state = OVER;
	print_task(s, t, is_good);
}

static void
start_probe(struct scan *s, struct task *t)
{
	const struct scan_options *o = s->opt;
	bool compiles = o->compiler != NULL && o->compile_ms != 0;

	if (!s->has_first) {
		s->has_first = true;
		s->first = t->lookup.addr;
	}
	if (!names_same_net(&s->first, &t->lookup.addr,
	    (unsigned int)o->bits)) {
		say(s, "not in the first host's network: ", t->name);
		t->state = OVER;
		return;
	}
	if (o->connect_ms == 0) {
		t->state = OVER;
		print_task(s, t, true);
		return;
	}
	say(s, "Connecting to ", t->name);
	t->state = PROBING;
	probe_start(&t->probe, (const struct sockaddr *)&t->lookup.addr,
	    t->lookup.len, compiles ? (unsigned int)o->protocol : 0,
	    buf_view(&s->request));
}

/* When to lose patience with it; -1: never. */
static int64_t
task_deadline(const struct scan *s, const struct task *t)
{
	const struct probe *p = &t->probe;

	if (t->state == LOOKING_UP)
		return t->lookup.asked_ms + s->opt->lookup_ms;
	if (t->state != PROBING)
		return -1;
	if (p->phase == PROBE_CONNECT)
		return p->start_us / 1000 + s->opt->connect_ms;
	return (p->start_us + p->connect_us) / 1000 + s->opt->compile_ms;
}

static void
start_lookup(struct scan *s, struct task *t)
{
	say(s, "Looking up ", t->name);
	if (lookup_start(&t->lookup, t->name,
	    (unsigned int)s->opt->port) < 0)
		log_warnx("%s: cannot start a look-up", t->name);
	t->state = t->lookup.fd >= 0 ? LOOKING_UP : LOOKED_UP;
}

static void
expire(struct scan *s, struct task *t)
{
	int64_t deadline = task_deadline(s, t);

	if (deadline < 0 || clock_ms() < deadline)
		return;
	if (t->state == LOOKING_UP) {
		lookup_stop(&t->lookup);
		start_lookup(s, t);	/* the question may have been lost */
	} else {
		probe_stop(&t->probe, "timed out");
	}
}

static void
step_task(struct task *t)
{
	if (t->state == LOOKING_UP) {
		lookup_step(&t->lookup);
		if (t->lookup.fd < 0)
			t->state = LOOKED_UP;
	} else if (t->state == PROBING) {
		probe_step(&t->probe);
	}
}

static void
stop_task(struct scan *s, struct task *t)
{
	if (t->state == LOOKING_UP) {
		lookup_stop(&t->lookup);
		t->state = OVER;
	} else if (t->state == PROBING) {
		probe_stop(&t->probe, "timed out");
		end_probe(s, t);
	}
}

/* ---- which names ---- */

static int
next_name(const struct scan *s, char name[NAMES_MAX_BYTES])
{
	const char *p;
	size_t len;

	if (s->pattern != NULL)
		return s->n >= SCAN_TASKS_MAX ? ERR_LIMIT :
		    names_format(s->pattern, (unsigned int)s->n + 1, name);
	if (s->n >= s->nnames)
		return ERR_NOENT;
	p = s->names[s->n];
	len = strlen(p);
	/* an IPv6 address may come as the host list writes it */
	if (p[0] == '[' && len > 2 && p[len - 1] == ']') {
		p++;
		len -= 2;
	}
	if (len >= NAMES_MAX_BYTES)
		len = NAMES_MAX_BYTES - 1;	/* no such name: not found */
	memcpy(name, p, len);
	name[len] = '\0';
	return 0;
}

static bool
may_look_ahead(const struct scan *s)
{
	size_t ahead = s->pattern == NULL ? LIST_AHEAD :
	    (size_t)(s->opt->overlap + s->opt->gap + 1);

	return !s->is_closed && s->n - s->judged < ahead;
}

static void
add_tasks(struct scan *s)
{
	char name[NAMES_MAX_BYTES];

	while (may_look_ahead(s)) {
		struct task *t;

		if (next_name(s, name) < 0) {
			s->is_closed = true;
			return;
		}
		if (s->n % STEP == 0) {
			s->task = mem_realloc(s->task, s->n + STEP,
			    sizeof(struct task *));
			s->poll = mem_realloc(s->poll, s->n + STEP,
			    sizeof(*s->poll));
		}
		t = mem_calloc(1, sizeof(*t));
		s->task[s->n++] = t;
		memcpy(t->name, name, sizeof(name));
		start_lookup(s, t);
	}
}

/* Enough names in a row are missing: those behind them do not count. */
static void
close_scan(struct scan *s, size_t from)
{
	s->is_closed = true;
	for (size_t i = from; i < s->n; i++) {
		lookup_stop(&s->task[i]->lookup);
		s->task[i]->state = OVER;
	}
}

static void
judge_lookup(struct scan *s, struct task *t)
{
	if (t->lookup.is_found) {
		start_probe(s, t);
		return;
	}
	say(s, "not found: ", t->name);
	t->state = OVER;
}

/* What the look-ups found, in the order of the names. */
static void
judge_in_order(struct scan *s)
{
	while (s->judged < s->n && s->task[s->judged]->state != LOOKING_UP) {
		struct task *t = s->task[s->judged++];

		s->misses = t->lookup.is_found ? 0 : s->misses + 1;
		if (t->state == LOOKED_UP)
			judge_lookup(s, t);
		if (s->pattern != NULL && s->misses > s->opt->gap) {
			close_scan(s, s->judged);
			s->judged = s->n;
		}
	}
}

static void
judge(struct scan *s)
{
	judge_in_order(s);
	/* a list's names do not wait for each other, unless -m needs it */
	for (size_t i = s->judged; s->pattern == NULL && s->opt->bits == 0 &&
	    i < s->n; i++)
		if (s->task[i]->state == LOOKED_UP)
			judge_lookup(s, s->task[i]);
}

/* ---- the loop ---- */

/* returns whether anything is to be waited for; *deadline_ms: until when */
static bool
prepare_poll(struct scan *s, int64_t *deadline_ms)
{
	bool is_busy = false;

	*deadline_ms = s->deadline_ms;
	for (size_t i = 0; i < s->n; i++) {
		const struct task *t = s->task[i];
		int64_t d = task_deadline(s, t);

		s->poll[i] = (struct pollfd){ .fd = -1 };
		if (t->state == LOOKING_UP)
			s->poll[i] = (struct pollfd){ t->lookup.fd, POLLIN, 0 };
		else if (t->state == PROBING)
			s->poll[i] = (struct pollfd){ t->probe.fd,
			    t->probe.events, 0 };
		is_busy = is_busy || t->state != OVER;
		if (d >= 0 && d < *deadline_ms)
			*deadline_ms = d;
	}
	return is_busy;
}

static void
step_all(struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct task *t = s->task[i];

		if (s->poll[i].fd >= 0 && s->poll[i].revents != 0)
			step_task(t);
		else
			expire(s, t);
		if (t->state == PROBING && probe_is_over(&t->probe))
			end_probe(s, t);
	}
}

/* Everything that can be done without waiting. */
static void
advance(struct scan *s)
{
	size_t before;

	do {
		before = s->judged;
		add_tasks(s);
		judge(s);
	} while (s->judged != before);
}

static int
run(struct scan *s)
{
	int64_t until;

	s->deadline_ms = clock_ms() + s->opt->timeout_s * 1000;
	advance(s);
	while (clock_ms() < s->deadline_ms && prepare_poll(s, &until)) {
		if (poll(s->poll, s->n, clock_poll_timeout(until)) < 0 &&
		    errno != EINTR)
			return ERR_SYS;
		step_all(s);
		advance(s);
	}
	for (size_t i = 0; i < s->n; i++)
		stop_task(s, s->task[i]);
	return 0;
}

static int
scan(struct scan *s, size_t *good)
{
	const struct scan_options *o = s->opt;
	int r = o->compiler == NULL ? 0 : probe_request(
	    (unsigned int)o->protocol, o->compiler, &s->request);

	if (r < 0)
		log_errx("protocol %ld: %s", o->protocol, err_text(r));
	else
		r = run(s);
	for (size_t i = 0; i < s->n; i++)
		free(s->task[i]);
	free(s->task);
	free(s->poll);
	buf_free(&s->request);
	*good = s->good;
	return r;
}

int
scan_list(const struct scan_options *opt, char *const *names, size_t n,
    size_t *good)
{
	struct scan s = { .opt = opt, .names = names, .nnames = n };

	return scan(&s, good);
}

int
scan_pattern(const struct scan_options *opt, const char *pattern, size_t *good)
{
	struct scan s = { .opt = opt, .pattern = pattern };
	char name[NAMES_MAX_BYTES];
	int r = names_format(pattern, 1, name);

	*good = 0;
	if (r == 0)
		return scan(&s, good);
	log_errx("\"%s\" is not a pattern with one %%d", pattern);
	return r;
}
