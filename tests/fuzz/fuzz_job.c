/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_job - a job memfd lends nothing but its own bytes.
 * needs: server/jail/job.c
 */
#include "server/jail/job.h"
#include "server/msg.h"
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether len bytes at ptr lie in whole; check_string: with their NUL. */
static void
check_lent(struct view whole, const void *ptr, size_t len)
{
	const unsigned char *p = ptr;

	MUST(p >= whole.ptr && p <= whole.ptr + whole.len);
	MUST(len <= (size_t)(whole.ptr + whole.len - p));
}

static void
check_string(struct view whole, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	check_lent(whole, s, 1);
	check_lent(whole, s,
	    strnlen(s, (size_t)(whole.ptr + whole.len - p)) + 1);
}

static void
check_head(struct view whole, const struct job *job)
{
	MUST(job->protocol >= 1 && job->protocol <= 3);
	MUST(job->argc >= 1 && job->argc <= WIRE_ARGC_MAX);
	for (uint32_t i = 0; i < job->argc; i++)
		check_string(whole, job->argv[i]);
	MUST(job->argv[job->argc] == NULL);
	if (job->cdir != NULL)
		check_string(whole, job->cdir);
	check_string(whole, job->output);
	if (job->deps != NULL)
		check_string(whole, job->deps);
	MUST(job->nentries <= WIRE_NFIL_MAX + 1);
}

static void
check_entries(struct view whole, struct job *job)
{
	struct job_file f;
	uint32_t announced = job->nentries, n = 0;
	int r;

	while ((r = job_next_entry(job, whole, &f)) == 0) {
		MUST(++n <= announced);
		MUST(f.kind <= JOB_SYSTEM_LINK);
		check_string(whole, f.name);
		if (f.contents.len == 0)
			continue;
		check_lent(whole, f.contents.ptr, f.contents.len);
		MUST(f.contents.ptr == whole.ptr + f.offset);
	}
	MUST(r == ERR_CLOSED || r == ERR_SYNTAX || r == ERR_TRUNCATED ||
	    r == ERR_LIMIT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size != 0 ? size : 1);
	struct view whole;
	struct job job;
	int r;

	MUST(copy != NULL);
	if (size != 0)
		memcpy(copy, data, size);
	whole = view_of(copy, size);
	r = job_parse(whole, &job);
	if (r == 0) {
		check_head(whole, &job);
		check_entries(whole, &job);
		job_free(&job);
	} else {
		MUST(r == ERR_SYNTAX || r == ERR_LIMIT || r == ERR_TRUNCATED);
	}
	free(copy);
	return 0;
}
