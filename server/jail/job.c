/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/jail/job.h"
#include "server/msg.h"

#define ARGC_MAX	4096
#define ENTRIES_MAX	20001	/* the files of a request and one more */
#define PATH_BYTES_MAX	4097	/* with the NUL */

/*
 * Absolute, and no component that climbs: in a reduced jail names are put
 * behind the job's directory, and must stay there.
 */
static bool
is_below_root(const char *path)
{
	const char *p = path;

	if (path[0] != '/')
		return false;
	while (p != NULL) {
		p++;
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return false;
		p = strchr(p, '/');
	}
	return true;
}

/* A path of exactly len bytes, the last of them its only NUL. */
static int
take_path(struct view *v, uint32_t len, const char **out)
{
	struct view s;
	int r;

	if (len == 0 || len > PATH_BYTES_MAX)
		return ERR_SYNTAX;
	if ((r = view_take(v, len, &s)) < 0)
		return r;
	if (memchr(s.ptr, '\0', len) != s.ptr + len - 1)
		return ERR_SYNTAX;
	*out = (const char *)s.ptr;
	return is_below_root(*out) ? 0 : ERR_SYNTAX;
}

static int
take_optional(struct view *v, uint32_t len, const char **out)
{
	*out = NULL;
	return len == 0 ? 0 : take_path(v, len, out);
}

/* Split argv_bytes into exactly argc words. */
static int
take_argv(struct view *v, uint32_t argc, uint32_t argv_bytes, char ***out)
{
	struct view words;
	char **argv;
	int r;

	if (argc == 0 || argc > ARGC_MAX)
		return ERR_LIMIT;
	if ((r = view_take(v, argv_bytes, &words)) < 0)
		return r;
	argv = calloc(argc + 1, sizeof(*argv));
	if (argv == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < argc; i++) {
		struct view word;
		const unsigned char *nul = words.len == 0 ? NULL :
		    memchr(words.ptr, '\0', words.len);

		if (nul == NULL ||
		    view_take(&words, (size_t)(nul - words.ptr) + 1, &word) < 0) {
			free(argv);
			return ERR_SYNTAX;
		}
		argv[i] = (char *)(uintptr_t)word.ptr;
	}
	if (words.len != 0) {
		free(argv);
		return ERR_SYNTAX;
	}
	*out = argv;
	return 0;
}

int
job_parse(struct view whole, struct job *job)
{
	struct view rest = whole, head;
	struct job_header h;
	int r;

	memset(job, 0, sizeof(*job));
	if ((r = view_take(&rest, sizeof(h), &head)) < 0)
		return r;
	memcpy(&h, head.ptr, sizeof(h));
	if (h.magic != MSG_CONFIG_MAGIC || h.protocol < 1 || h.protocol > 3 ||
	    (h.cdir_bytes != 0) != (h.protocol == 3))
		return ERR_SYNTAX;
	if (h.nentries > ENTRIES_MAX)
		return ERR_LIMIT;
	if ((r = take_argv(&rest, h.argc, h.argv_bytes, &job->argv)) < 0)
		return r;
	if ((r = take_optional(&rest, h.cdir_bytes, &job->cdir)) < 0 ||
	    (r = take_path(&rest, h.output_bytes, &job->output)) < 0 ||
	    (r = take_optional(&rest, h.deps_bytes, &job->deps)) < 0) {
		job_free(job);
		return r;
	}
	job->protocol = h.protocol;
	job->argc = h.argc;
	job->nentries = h.nentries;
	job->entries = rest;
	return 0;
}

void
job_free(struct job *job)
{
	free(job->argv);
	job->argv = NULL;
}

int
job_next_entry(struct job *job, struct view whole, struct job_file *out)
{
	struct job_entry e;
	struct view head;
	int r;

	if (job->nentries == 0)
		return job->entries.len == 0 ? ERR_CLOSED : ERR_SYNTAX;
	if ((r = view_take(&job->entries, sizeof(e), &head)) < 0)
		return r;
	memcpy(&e, head.ptr, sizeof(e));
	if (e.kind > JOB_SYSTEM_LINK)
		return ERR_SYNTAX;
	if ((r = take_path(&job->entries, e.name_bytes, &out->name)) < 0)
		return r;
	if (e.len > SIZE_MAX)
		return ERR_LIMIT;
	out->kind = e.kind;
	out->offset = (uint64_t)(job->entries.ptr - whole.ptr);
	if ((r = view_take(&job->entries, (size_t)e.len, &out->contents)) < 0)
		return r;
	job->nentries--;
	return 0;
}
