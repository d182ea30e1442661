/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stats_show - "distcc --stats": count the lines of the log. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/dirs.h"
#include "client/exits.h"
#include "client/json.h"
#include "client/stats.h"
#include "lib/log.h"
#include "lib/mem.h"

#define STEP	32

struct count {
	enum stats_kind kind;
	char host[STATS_LINE_BYTES];
	char reason[STATS_LINE_BYTES];
	uint64_t n;
};

struct tally {
	int64_t since_s;
	int64_t first_s;		/* of the oldest line counted; 0: none */
	uint64_t total[STATS_KINDS];
	struct count *count;		/* owns: one for each sort of line */
	size_t ncounts;
};

/* ---- counting ---- */

static struct count *
find_count(struct tally *t, const struct stats_line *line)
{
	struct count *c;

	for (size_t i = 0; i < t->ncounts; i++) {
		c = &t->count[i];
		if (c->kind == line->kind && strcmp(c->host, line->host) == 0 &&
		    strcmp(c->reason, line->reason) == 0)
			return c;
	}
	if (t->ncounts % STEP == 0)
		t->count = mem_realloc(t->count, t->ncounts + STEP,
		    sizeof(*t->count));
	c = &t->count[t->ncounts++];
	c->kind = line->kind;
	memcpy(c->host, line->host, sizeof(c->host));
	memcpy(c->reason, line->reason, sizeof(c->reason));
	c->n = 0;
	return c;
}

static void
count_line(struct tally *t, const struct stats_line *line)
{
	if (line->time_s < t->since_s)
		return;
	if (t->first_s == 0 || line->time_s < t->first_s)
		t->first_s = line->time_s;
	t->total[line->kind]++;
	find_count(t, line)->n++;
}

static int
count_file(struct tally *t, const struct env *env, const char *name)
{
	char path[DIRS_PATH_BYTES];
	AUTOFREE char *text = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;
	int r = dirs_top(env, path, sizeof(path), name);

	if (r < 0)
		return r;
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? 0 : err_from_errno(errno);
	while ((len = getline(&text, &size, f)) > 0) {
		struct stats_line line;

		/* what is no line, a disk that was full has left */
		if (text[len - 1] == '\n' &&
		    stats_parse(text, (size_t)len - 1, &line) == 0)
			count_line(t, &line);
	}
	(void)fclose(f);
	return 0;
}

static int
by_kind_and_number(const void *pa, const void *pb)
{
	const struct count *a = pa, *b = pb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return strcmp(a->host, b->host);
}

static int
count_all(struct tally *t, const struct env *env)
{
	int r = count_file(t, env, "/stats.old");

	if (r == 0)
		r = count_file(t, env, "/stats.log");
	if (t->ncounts > 1)
		qsort(t->count, t->ncounts, sizeof(*t->count),
		    by_kind_and_number);
	return r;
}

/* ---- printing ---- */

static const struct {
	const char *json;
	const char *title;
} kinds[STATS_KINDS] = {
	[STATS_REMOTE] = { "remote", "remote jobs" },
	[STATS_LOCAL] = { "local", "local jobs" },
	[STATS_FAILED] = { "failed", "failed jobs" },
	[STATS_MISSED] = { "missed",
	    "attempts that failed on a host (the job went on elsewhere)" },
};

static void
print_counts(const struct tally *t, enum stats_kind kind)
{
	for (size_t i = 0; i < t->ncounts; i++) {
		const struct count *c = &t->count[i];

		if (c->kind != kind)
			continue;
		(void)printf("    %9" PRIu64, c->n);
		if (strcmp(c->host, "-") != 0)
			(void)printf("  %s", c->host);
		if (strcmp(c->reason, "-") != 0)
			(void)printf("  %s", c->reason);
		(void)putchar('\n');
	}
}

static void
print_text(const struct tally *t)
{
	time_t first = (time_t)t->first_s;
	char when[32];
	struct tm tm;

	if (t->first_s == 0 || localtime_r(&first, &tm) == NULL) {
		(void)puts("no job is on record");
		return;
	}
	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	(void)printf("since %s\n", when);
	for (int k = 0; k < STATS_KINDS; k++) {
		if (k == STATS_MISSED && t->total[k] == 0)
			continue;
		(void)printf("%9" PRIu64 "  %s\n", t->total[k],
		    kinds[k].title);
		print_counts(t, (enum stats_kind)k);
	}
}

static void
print_json(const struct tally *t)
{
	struct json j;

	json_start(&j, stdout);
	json_open(&j, NULL, '{');
	json_number(&j, "since", t->first_s);
	for (int k = 0; k < STATS_KINDS; k++)
		json_number(&j, kinds[k].json, (int64_t)t->total[k]);
	json_open(&j, "counts", '[');
	for (size_t i = 0; i < t->ncounts; i++) {
		const struct count *c = &t->count[i];

		json_open(&j, NULL, '{');
		json_string(&j, "kind", kinds[c->kind].json);
		json_string(&j, "host", c->host);
		json_string(&j, "reason", c->reason);
		json_number(&j, "count", (int64_t)c->n);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	json_end(&j);
}

/* ---- the option ---- */

static int
usage(void)
{
	fputs("usage: distcc --stats [--since WHEN] [--json]\n"
	    "WHEN: 90s 15m 2h 3d 1w (ago), today, YYYY-MM-DD[ HH:MM[:SS]] or\n"
	    "@SECONDS since 1970\n", stderr);
	return EXIT_BAD_ARGUMENTS;
}

static bool
parse_args(char *const *argv, struct tally *t, bool *json)
{
	for (; *argv != NULL; argv++) {
		const char *since = NULL;

		if (strcmp(*argv, "--json") == 0) {
			*json = true;
			continue;
		}
		if (strncmp(*argv, "--since=", 8) == 0)
			since = *argv + 8;
		else if (strcmp(*argv, "--since") == 0 && argv[1] != NULL)
			since = *++argv;
		if (since == NULL || stats_parse_since(since, time(NULL),
		    &t->since_s) < 0)
			return false;
	}
	return true;
}

int
stats_main(const struct env *env, char *const *argv)
{
	struct tally t = { .since_s = INT64_MIN };
	bool json = false;
	int r;

	if (!parse_args(argv, &t, &json))
		return usage();
	r = count_all(&t, env);
	if (r < 0) {
		log_errx("cannot read the log of jobs: %s", err_text(r));
		free(t.count);
		return EXIT_IO_ERROR;
	}
	if (json)
		print_json(&t);
	else
		print_text(&t);
	free(t.count);
	return fflush(stdout) == 0 ? 0 : EXIT_IO_ERROR;
}
