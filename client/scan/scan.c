/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/scan/job.h"
#include "client/scan/scan.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/mem.h"

#define STEPS_UNCHECKED	4096	/* between two looks at the clock */
#define RESTARTS_MAX	4	/* the last does nothing from memory */
#define PROBES_MAX	6	/* rounds of queries for one set of facts */
#define QUERIES_BYTES	((size_t)SCAN_QUERIES_MAX * SCAN_QUERY_BYTES)

struct scan *
scan_new(size_t fds_max)
{
	struct scan *s = mem_calloc(1, sizeof(*s));

	atoms_init(&s->atoms);
	tree_init(&s->tree, &s->atoms, fds_max);
	numbers_init(&s->numbers);
	sources_init(&s->sources);
	s->macros.trace = s->tree.trace = &s->trace;
	s->trace.find_left_out = replay_bind_left_out;
	s->trace.arg = s;
	expand_init(&s->expand, &s->atoms, &s->macros);
	return s;
}

void
scan_free(struct scan *s)
{
	struct facts *f;

	while ((f = s->facts) != NULL) {
		s->facts = f->next;
		facts_free(f);
	}
	macro_free(&s->macros);
	expand_free(&s->expand);
	tree_free(&s->tree);
	arena_free(&s->arena);
	numbers_free(&s->numbers);
	trace_free(&s->trace);
	record_free_dropped(&s->tree.replayed);
	record_free(&s->merge);
	replay_free(&s->replay);
	sources_free(&s->sources);
	free(s->memos);
	atoms_free(&s->atoms);
	free(s);
}

void
scan_use_notices(struct scan *s, struct notices *n)
{
	s->tree.notices = n;
}

static size_t
facts_memory(const struct scan *s)
{
	const struct facts *f;
	size_t n = 0;

	for (f = s->facts; f != NULL; f = f->next)
		n += sizeof(*f) + f->arena.total +
		    f->macros_size * sizeof(*f->macros) +
		    f->answers_size * sizeof(*f->answers);
	return n;
}

size_t
scan_memory(const struct scan *s)
{
	return facts_memory(s) + s->tree.bytes + s->tree.recalled +
	    s->tree.replayed.bytes + s->tree.replayed.dropped_bytes +
	    s->merge.size * sizeof(*s->merge.ops) + s->sources.bytes +
	    s->tree.names_bytes +
	    s->expand.arena.total + s->atoms.arena.total + s->arena.total +
	    numbers_memory(&s->numbers) +
	    s->tree.nfiles * sizeof(struct file) +
	    s->memos_size * sizeof(*s->memos) + trace_memory(&s->trace) +
	    s->macros.log_size * sizeof(*s->macros.log);
}

int
job_unsure(struct job *j, const char *fmt, ...)
{
	struct scan_answer *a = j->answer;
	va_list ap;

	if (a->why[0] == '\0') {
		va_start(ap, fmt);
		(void)vsnprintf(a->why, sizeof(a->why), fmt, ap);
		va_end(ap);
	}
	return ERR_UNSUPPORTED;
}

int
job_lost(struct job *j, int r, const char *name)
{
	if (r != ERR_NOENT)
		return job_unsure(j, "cannot read %.200s", name);
	j->is_overtaken = true;
	return job_unsure(j, "%.200s vanished", name);
}

int
job_step(struct job *j, size_t n)
{
	j->steps += n;
	if (j->scan->trace.must_restart)
		return ERR_BUSY;
	if (j->steps < j->next_check)
		return 0;
	j->next_check = j->steps + STEPS_UNCHECKED;
	if (j->steps > JOB_STEPS_MAX)
		return job_unsure(j, "the scan takes too many steps");
	if (clock_ms() > j->deadline_ms)
		return job_unsure(j, "the scan takes too long");
	if (scan_memory(j->scan) > JOB_MEMORY_MAX_BYTES)
		return job_unsure(j, "the scan takes too much memory");
	return 0;
}

void
scan_answer_free(struct scan_answer *a)
{
	free(a->entries);
	free(a->numbers);
	arena_free(&a->text);
	buf_free(&a->queries);
	memset(a, 0, sizeof(*a));
}

/* ---- facts ----------------------------------------------------------- */

static struct facts *
find_facts(const struct scan *s, const char *key)
{
	struct facts *f;

	for (f = s->facts; f != NULL; f = f->next)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

/* A directory of the compiler's search path that was missing may appear. */
static bool
still_missing(struct scan *s, const struct facts *f)
{
	struct walk w;
	size_t i;

	for (i = 0; i < f->nmissing; i++)
		if (f->missing[i][0] == '/' && tree_walk(&s->tree,
		    s->tree.root, f->missing[i], &w) == 0)
			return false;
	return true;
}

static void
forget_facts(struct scan *s, struct facts *f)
{
	struct facts **p;

	for (p = &s->facts; *p != f; p = &(*p)->next)
		;
	*p = f->next;
	facts_free(f);
}

/* The compiler's facts, or NULL if it must be asked. */
static struct facts *
get_facts(struct scan *s, const char *key)
{
	struct facts *f = find_facts(s, key);

	if (f == NULL || still_missing(s, f))
		return f;
	forget_facts(s, f);
	return NULL;
}

/* ---- one command ----------------------------------------------------- */

static int
need_queries(struct job *j)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < j->npending && i < SCAN_QUERIES_MAX; i++)
		r = buf_printf(&j->answer->queries, "%s\n",
		    j->pending[i]->name);
	return r;
}

static void
drop_entries(struct scan_answer *a)
{
	a->n = a->nnumbers = 0;
	a->rooted = NULL;
	arena_free(&a->text);
}

/* Runs the engine and settles what came of it. */
static int
run(struct job *j)
{
	struct scan_answer *a = j->answer;
	int r;

	j->deaths = j->scan->tree.deaths;
	r = search_begin(j);
	if (r == 0)
		r = engine_run(j);
	if (j->npending != 0 && j->facts->probes < PROBES_MAX) {
		a->outcome = SCAN_NEEDS;
		drop_entries(a);
		return need_queries(j);
	}
	if (r < 0) {
		a->outcome = SCAN_UNSURE;
		drop_entries(a);
		(void)job_unsure(j, "%s", err_text(r));
	}
	return 0;
}

static int
command(struct job *j)
{
	struct scan_answer *a = j->answer;
	const char *key;
	int r;

	if (j->opts->why[0] != '\0') {
		a->outcome = SCAN_UNSURE;
		(void)job_unsure(j, "%s", j->opts->why);
		return 0;
	}
	if (!j->opts->is_preprocessed) {
		if ((r = opts_key(j->req, j->opts, &key)) < 0)
			return r;
		j->facts = get_facts(j->scan, key);
		if (j->facts == NULL) {
			a->outcome = SCAN_NEEDS;
			return facts_usual(&a->queries);
		}
		if (j->facts->has_frameworks) {
			a->outcome = SCAN_UNSURE;
			(void)job_unsure(j, "the compiler uses frameworks");
			return 0;
		}
		j->mode = j->facts->mode;
	}
	return run(j);
}

static void
clear_answer(struct scan_answer *a)
{
	drop_entries(a);
	buf_reset(&a->queries);
	memset(a->why, 0, sizeof(a->why));
	a->outcome = SCAN_ANSWERED;
	a->directives = 0;
}

/* A scan of the command from the beginning. */
static int
try(struct job *j)
{
	struct scan *s = j->scan;

	arena_reset(&s->arena);
	s->nmemos = 0;
	tree_begin(&s->tree);
	trace_begin(&s->trace);
	replay_begin_scan(s);
	numbers_begin(&s->numbers);
	macro_begin(&s->macros, &s->arena);
	return command(j);
}

int
scan_command(struct scan *s, const struct scan_request *req,
    struct scan_answer *a)
{
	struct opts opts;
	struct job j = { .scan = s, .req = req, .opts = &opts, .answer = a,
	    .mode = { true, true, false, true },
	    .deadline_ms = clock_ms() + JOB_MS_MAX };
	const struct job first = j;
	unsigned int i;
	int r;

	memset(a, 0, sizeof(*a));
	a->epoch = s->numbers.epoch;
	buf_init(&a->queries, QUERIES_BYTES);
	r = opts_parse(req, &opts);
	s->trace.is_refused = false;
	if (r == 0)
		r = try(&j);
	for (i = 0; (s->trace.must_restart || j.is_overtaken) &&
	    i < RESTARTS_MAX; i++) {
		s->trace.is_refused |= i + 1 == RESTARTS_MAX;
		free(j.pending);
		j = first;
		clear_answer(a);
		r = try(&j);
	}
	if (r == 0 && a->outcome == SCAN_ANSWERED && j.facts != NULL) {
		a->facts = j.facts->id;
		a->search_path = arena_copy(&a->text, j.facts->path,
		    strlen(j.facts->path));
	}
	free(j.pending);
	opts_free(&opts);
	return r;
}

int
scan_name(struct scan *s, const struct scan_answer *a, struct scan_answer *to)
{
	const struct scan_entry *e;
	size_t i;

	memset(to, 0, sizeof(*to));
	if (a->epoch != s->numbers.epoch)
		return ERR_NOENT;
	numbers_begin(&s->numbers);
	for (i = 0; i < a->nnumbers; i++) {
		e = numbers_get(&s->numbers, a->numbers[i]);
		/* each once, so that it is no more than there is already */
		if (e == NULL || !numbers_mark(&s->numbers, a->numbers[i]))
			return ERR_NOENT;
		(void)scan_answer_add(to, e);
	}
	return 0;
}

int
scan_learn(struct scan *s, const struct scan_request *req,
    struct view queries, struct view text)
{
	struct opts opts;
	struct facts *f;
	const char *key;
	int r;

	r = opts_parse(req, &opts);
	if (r == 0)
		r = opts_key(req, &opts, &key);
	if (r == 0) {
		f = find_facts(s, key);
		if (f == NULL) {
			f = mem_calloc(1, sizeof(*f));
			f->key = mem_strdup(key);
			f->next = s->facts;
			f->number = ++s->facts_made;
			f->id = hash_bytes(HASH_FIRST, key, strlen(key));
			s->facts = f;
		}
		r = facts_learn(f, &s->atoms, queries, text);
		if (r < 0)
			forget_facts(s, f);
	}
	opts_free(&opts);
	return r;
}
