/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/job.h"
#include "client/scan/source.h"
#include "lib/mem.h"

/* The words of a list, each with its NUL, and one more; returns the length. */
static size_t
put_list(char *to, char *const *list)
{
	size_t at = 0, n;

	for (; list != NULL && *list != NULL; list++) {
		n = strlen(*list) + 1;
		if (to != NULL)
			memcpy(to + at, *list, n);
		at += n;
	}
	if (to != NULL)
		to[at] = '\0';
	return at + 1;
}

/* All that the client said, so that no option need be understood here. */
static struct view
words_of(struct job *j)
{
	const struct scan_request *req = j->req;
	char *const cwd[] = { (char *)(uintptr_t)req->cwd, NULL };
	char *const *lists[] = { cwd, req->argv, req->env };
	size_t len = 0, at = 0, i;
	char *text;

	for (i = 0; i < 3; i++)
		len += put_list(NULL, lists[i]);
	text = arena_alloc(&j->scan->arena, len);
	for (i = 0; i < 3; i++)
		at += put_list(text + at, lists[i]);
	return view_of(text, len);
}

static void
drop(struct sources *s, struct source *one)
{
	if (one->whole == NULL)
		return;
	s->bytes -= one->words_len + record_size(one->whole);
	free(one->words);
	free(one->whole);
	*one = (struct source){ .whole = NULL };
}

static struct source *
find(struct sources *s, const struct job *j, uint64_t context,
    struct view words)
{
	size_t i;

	for (i = 0; i < SOURCES_MAX; i++)
		if (s->all[i].whole != NULL && s->all[i].context == context &&
		    s->all[i].cwd == j->cwd &&
		    s->all[i].words_len == words.len &&
		    memcmp(s->all[i].words, words.ptr, words.len) == 0)
			return &s->all[i];
	return NULL;
}

int
source_find(struct job *j, bool *done)
{
	struct sources *s = &j->scan->sources;
	struct source *one;

	*done = false;
	j->ops = j->scan->trace.nops;
	j->doubts = j->scan->trace.doubts;
	if (s->bytes == 0 || !replay_is_possible(j, NULL))
		return 0;
	one = find(s, j, replay_context_of(j), words_of(j));
	if (one == NULL)
		return 0;
	if (!replay_is_met(j, one->whole)) {
		drop(s, one);
		return 0;
	}
	*done = true;
	return replay_find_again(j, one->whole);
}

/* in      bytes: not more than there may be */
static void
make_room(struct sources *s, size_t bytes)
{
	size_t i;

	drop(s, &s->all[s->next]);
	for (i = s->next; s->bytes + bytes > SOURCES_MAX_BYTES;
	    i = (i + 1) % SOURCES_MAX)
		drop(s, &s->all[i]);
}

void
source_keep(struct job *j)
{
	struct sources *s = &j->scan->sources;
	struct source one = { .context = 0 };
	struct view words;
	size_t bytes;

	if (j->steps < s->min_steps)
		return;
	one.whole = record_scan(j);
	if (one.whole == NULL)
		return;
	words = words_of(j);
	bytes = words.len + record_size(one.whole);
	if (bytes > SOURCES_MAX_BYTES) {
		free(one.whole);
		return;
	}
	make_room(s, bytes);
	one.context = replay_context_of(j);
	one.cwd = j->cwd;
	one.words = mem_calloc(words.len, 1);
	one.words_len = words.len;
	memcpy(one.words, words.ptr, words.len);
	s->all[s->next] = one;
	s->next = (s->next + 1) % SOURCES_MAX;
	s->bytes += bytes;
}

void
sources_init(struct sources *s)
{
	s->min_steps = SOURCE_MIN_STEPS;
}

void
sources_free(struct sources *s)
{
	size_t i;

	for (i = 0; i < SOURCES_MAX; i++)
		drop(s, &s->all[i]);
}
