/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/exits.h"
#include "client/includes.h"
#include "client/job.h"
#include "lib/log.h"
#include "lib/mem.h"

static int
show(struct job *job)
{
	AUTOFREE char *cwd = pump_cwd();
	char why[PUMP_WHY_BYTES];
	struct scan_answer answer = { .n = 0 };
	int r = ERR_NOENT;

	pump_find(job->env, &job->pump.where);
	if (cwd != NULL)
		r = pump_scan(&job->pump.where, &job->source, cwd, false, &answer,
		    why);
	if (r == 0)
		scan_answer_print(&answer, false);
	else
		log_errx("%s has to be preprocessed locally: %s", job->file,
		    cwd != NULL ? why : "no working directory");
	scan_answer_free(&answer);
	return r == 0 ? 0 : EXIT_LOCAL_CPP;
}

static int
scan(const struct env *env, char *const *argv)
{
	struct job job = { .env = env, .argv = argv, .file = argv[0] };
	int code = EXIT_COMPILER_MISSING;

	if (job_prepare(&job) == 0) {
		code = EXIT_LOCAL_CPP;
		if (job.scan.distribute)
			code = show(&job);
		else
			log_errx("%s runs locally: %s", job.file,
			    job.scan.reason);
	}
	job_free(&job);
	return code;
}

int
includes_main(const struct env *env, char *const *argv)
{
	static char cc[] = "cc";
	AUTOFREE char **words = NULL;
	size_t n = 0;

	if (argv[0] == NULL) {
		fputs("distcc: --scan-includes needs a command\n", stderr);
		return EXIT_BAD_ARGUMENTS;
	}
	if (!cmdline_lacks_compiler(argv[0]))
		return scan(env, argv);
	while (argv[n] != NULL)
		n++;
	words = mem_calloc(n + 2, sizeof(*words));
	words[0] = cc;
	memcpy(words + 1, argv, n * sizeof(*words));
	return scan(env, words);
}
