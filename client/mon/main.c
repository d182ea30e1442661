/* SPDX-License-Identifier: GPL-2.0-or-later */
/* distccmon-text - the jobs that run now, a line each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/env.h"
#include "client/exits.h"
#include "client/state.h"
#include "lib/log.h"
#include "lib/mem.h"

#define DELAY_MAX_S	1e6

static int
usage(void)
{
	fputs("usage: distccmon-text [DELAY]\n"
	    "\n"
	    "Prints the jobs that distcc runs now, one a line: process,\n"
	    "phase, source, host and slot.\n"
	    "\n"
	    "DELAY: go on for ever, every DELAY seconds; may have a\n"
	    "fraction.\n", stderr);
	return 1;
}

static void
print_job(const struct state_record *job)
{
	(void)printf("%6lu  %-10.10s  %-30.30s %24.24s[%d]\n", job->pid,
	    state_phase_name(job->phase), job->file, job->host, job->slot);
}

/* One block: its lines and a blank one. */
static int
print_jobs(const struct env *env)
{
	AUTOFREE struct state_record *list = NULL;
	size_t n;
	int r = state_list(env, &list, &n);

	if (r == ERR_NOENT) {
		log_warnx("neither DISTCC_DIR nor HOME is set");
		return EXIT_BAD_ARGUMENTS;
	}
	if (r < 0) {
		log_errx("cannot read the state directory: %s", err_text(r));
		return EXIT_IO_ERROR;
	}
	for (size_t i = 0; i < n; i++)
		print_job(&list[i]);
	(void)putchar('\n');
	return fflush(stdout) == 0 ? 0 : EXIT_IO_ERROR;
}

static void
pause_s(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* returns seconds; < 0: not a delay */
static double
parse_delay(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end != '\0' || !(s >= 0) || s > DELAY_MAX_S)
		return -1;
	return s;
}

int
main(int argc, char **argv)
{
	struct env env;
	double delay = 0;
	int code;

	log_init("distccmon-text");
	env_load(&env);
	if (argc > 2)
		return usage();
	if (argc == 2) {
		delay = parse_delay(argv[1]);
		if (delay < 0)
			return usage();
	}
	while ((code = print_jobs(&env)) == 0 && delay > 0)
		pause_s(delay);
	return code;
}
