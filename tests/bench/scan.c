/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan - one scanner for the commands of a whole build, in this process.
 *
 * usage: scan [ROUNDS [MEGABYTES]] <COMMANDS
 *        scan compare <COMMANDS
 *
 * Each line of COMMANDS is a working directory, a compiler's absolute path and
 * the words of a command, with tabs between them.  For each command comes a
 * line with the microseconds of CPU that it took, the directives that were
 * looked at, the number of files, and a digest of the answer; at the end, for
 * each round, the sum of microseconds.  What the compiler takes to be asked
 * is not counted.
 *
 * With MEGABYTES it is as in a build: so much memory is touched between two
 * commands, as compilers do, which leave nothing in the caches, the kernel tells
 * of changes to files, and answers are brief.
 *
 * compare: each command is scanned by one scanner that remembers what
 * conditions and inclusions came to, by one that remembers whole commands, too,
 * and by one that remembers nothing; where their answers differ, the command is
 * printed, and the exit status is 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/scan/job.h"
#include "client/scan/notice.h"
#include "client/scan/scan.h"
#include "lib/mem.h"

#define WORDS_MAX	512
#define FDS_MAX		4096

static double
cpu_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static uint64_t
hash_text(uint64_t h, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return h;
}

/* The same for the same entries in any order. */
static uint64_t
digest(const struct scan_answer *a)
{
	uint64_t sum = hash_text(0, a->why);
	size_t i;

	for (i = 0; i < a->n; i++) {
		const struct scan_entry *e = &a->entries[i];

		sum += hash_text(hash_text(UINT64_C(14695981039346656037) +
		    (uint64_t)e->kind * 2 + e->is_system, e->path), e->target) *
		    UINT64_C(0x9e3779b97f4a7c15);
	}
	return sum;
}

/* One command; its CPU time, but for the compiler's. */
static double
scan_one(struct scan *s, const struct scan_request *req, struct scan_answer *a)
{
	double total = 0, start;
	struct buf text;

	for (;;) {
		start = cpu_us();
		if (scan_command(s, req, a) < 0)
			exit(1);
		total += cpu_us() - start;
		if (a->outcome != SCAN_NEEDS)
			return total;
		if (scan_probe(req, buf_view(&a->queries), &text) < 0)
			exit(1);
		start = cpu_us();
		if (scan_learn(s, req, buf_view(&a->queries),
		    buf_view(&text)) < 0)
			exit(1);
		total += cpu_us() - start;
		buf_free(&text);
		scan_answer_free(a);
	}
}

static bool is_brief;

/* A line's command; the words stay in the line.  Returns the last one. */
static const char *
parse(char *line, char **words, struct scan_request *req)
{
	size_t n = 0;

	while (line != NULL && n < WORDS_MAX)
		words[n++] = strsep(&line, "\t\n");
	if (n < 4)
		exit(2);
	words[n - 1] = NULL;	/* behind the newline */
	*req = (struct scan_request){ .env = environ, .cwd = words[0],
	    .compiler = words[1], .argv = words + 2, .is_brief = is_brief };
	return words[n - 2];
}

static volatile unsigned char *other;
static size_t other_size;

static void
touch_other(void)
{
	size_t i;

	for (i = 0; i < other_size; i += 64)
		other[i]++;
}

static double
scan_line(struct scan *s, char *line)
{
	char *words[WORDS_MAX + 1];
	struct scan_request req;
	struct scan_answer a;
	const char *name = parse(line, words, &req);
	double us;

	touch_other();
	us = scan_one(s, &req, &a);

	(void)printf("%8.0f %8zu %6zu %016llx %s\n", us, a.directives, a.n,
	    (unsigned long long)digest(&a), name);
	scan_answer_free(&a);
	return us;
}

static int
compare(void)
{
	struct scan *remembers = scan_new(FDS_MAX), *forgets = scan_new(FDS_MAX);
	struct scan *wholly = scan_new(FDS_MAX);
	char *words[WORDS_MAX + 1], *line = NULL;
	size_t size = 0, n = 0, files = 0, differ = 0, whole = 0;
	struct scan_answer a, b, c;
	struct scan_request req;

	forgets->forgets = true;
	remembers->sources.min_steps = SIZE_MAX;
	wholly->sources.min_steps = 0;
	for (; getline(&line, &size, stdin) > 0; n++) {
		(void)parse(line, words, &req);
		(void)scan_one(remembers, &req, &a);
		(void)scan_one(forgets, &req, &b);
		(void)scan_one(wholly, &req, &c);
		files += b.n;
		whole += c.directives == 0;
		if (a.outcome != b.outcome || digest(&a) != digest(&b) ||
		    c.outcome != b.outcome || digest(&c) != digest(&b)) {
			differ++;
			for (size_t i = 2; words[i] != NULL; i++)
				(void)printf("%s ", words[i]);
			(void)printf("(%zu, %zu and %zu files)\n", a.n, b.n,
			    c.n);
		}
		scan_answer_free(&a);
		scan_answer_free(&b);
		scan_answer_free(&c);
	}
	(void)printf("%zu commands, %zu files, %zu differ; %zu bytes, "
	    "%zu whole\n", n, files, differ, remembers->tree.recalled, whole);
	free(line);
	scan_free(remembers);
	scan_free(forgets);
	scan_free(wholly);
	return differ != 0;
}

int
main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
	struct notices *notices = NULL;
	struct scan *s;
	size_t size = 0;
	char *line = NULL;
	double total;

	if (argc > 1 && strcmp(argv[1], "compare") == 0)
		return compare();
	if (argc > 2) {
		other_size = strtoul(argv[2], NULL, 10) << 20;
		other = mem_calloc(other_size, 1);
		notices = notices_open();
		is_brief = true;
	}
	s = scan_new(FDS_MAX);
	scan_use_notices(s, notices);
	while (rounds-- > 0) {
		rewind(stdin);
		for (total = 0; getline(&line, &size, stdin) > 0; )
			total += scan_line(s, line);
		(void)printf("total %.0f us, %zu bytes held\n", total,
		    scan_memory(s));
	}
	free(line);
	scan_free(s);
	notices_close(notices);
	return 0;
}
