/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/doctor.h"
#include "client/exits.h"
#include "client/hostfile.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define AT_ONCE		16	/* hosts looked at at one time */
#define IO_TIMEOUT_S	5
#define BURST_MS	300
#define BURST_MANY_MS	100	/* with more than AT_ONCE hosts */

const char *
doctor_status_name(enum doctor_status status)
{
	switch (status) {
	case DOCTOR_OK:		return "ok";
	case DOCTOR_DIFFERS:	return "differs";
	case DOCTOR_SKIPPED:	return "skipped";
	case DOCTOR_FAILED:	return "failed";
	}
	return "?";
}

/* ---- the probe ---- */

/* The words of the command that a user might have typed. */
static char *words[] = { NULL, NULL, NULL, NULL, NULL, NULL };

static int
prepare(struct doctor *d, const struct env *env, const char *compiler)
{
	static const char *const rest[] = { "-S", "probe.i", "-o", "probe.s" };
	int r;

	d->env = *env;
	if (d->env.io_timeout_s > IO_TIMEOUT_S)
		d->env.io_timeout_s = IO_TIMEOUT_S;
	words[0] = mem_strdup(compiler);
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		words[i + 1] = mem_strdup(rest[i]);
	r = find_program(&d->env, compiler, &d->compiler);
	if (r < 0) {
		log_errx("%s is not installed here", compiler);
		return EXIT_COMPILER_MISSING;
	}
	r = cmdline_scan(words, &d->scan);
	d->source = (struct args_source){
		.argv = words, .scan = &d->scan, .file = d->compiler.file,
		.rewrite_cross = !env->no_rewrite_cross,
	};
	if (r == 0)
		r = args_remote(&d->source, &d->args);
	if (r < 0 || !d->scan.distribute) {
		log_errx("%s cannot be probed with", compiler);
		return EXIT_DISTCC_FAILED;
	}
	d->assembly = doctor_assemble(d);
	if (d->assembly != NULL)
		doctor_version(d->assembly, d->version);
	else
		log_warnx("%s does not compile the probe here", compiler);
	return 0;
}

static void
doctor_free(struct doctor *d)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		free(words[i]);
	args_free(&d->args);
	cmdline_scan_free(&d->scan);
	find_free(&d->compiler);
	free(d->assembly);
}

/* ---- all hosts ---- */

/* returns a pipe on which a child will send its report; -1 */
static int
start_check(const struct doctor *d, const struct host *host)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct doctor_report report;

		doctor_check(d, host, &report);
		_exit(fd_write_all(fds[1], &report, sizeof(report), -1) < 0);
	}
	(void)close(fds[1]);
	return fds[0];
}

static void
check_all(const struct doctor *d, const struct host_list *list,
    struct doctor_report *report)
{
	int pipes[AT_ONCE];

	for (size_t from = 0; from < list->n; from += AT_ONCE) {
		size_t n = list->n - from < AT_ONCE ? list->n - from : AT_ONCE;

		for (size_t i = 0; i < n; i++)
			pipes[i] = start_check(d, &list->host[from + i]);
		for (size_t i = 0; i < n; i++) {
			struct doctor_report *r = &report[from + i];

			if (fd_read_exact(pipes[i], r, sizeof(*r), -1) < 0) {
				memset(r, 0, sizeof(*r));
				r->status = DOCTOR_FAILED;
				(void)snprintf(r->why, sizeof(r->why),
				    "the check did not end well");
			}
			fd_close(&pipes[i]);
		}
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

/* One host after the other: they share this machine's processors. */
static void
burst_all(const struct doctor *d, const struct host_list *list,
    struct doctor_report *report)
{
	int64_t ms = list->n > AT_ONCE ? BURST_MANY_MS : BURST_MS;

	for (size_t i = 0; i < list->n; i++)
		if (report[i].job_us != 0)
			report[i].jobs_per_s = doctor_burst(d, &list->host[i],
			    ms);
}

static int
judge(const struct host_list *list, const struct doctor_report *report)
{
	size_t ok = 0, usable = 0;

	for (size_t i = 0; i < list->n; i++) {
		ok += report[i].status == DOCTOR_OK ? 1 : 0;
		usable += report[i].status == DOCTOR_OK ||
		    report[i].status == DOCTOR_DIFFERS ? 1 : 0;
	}
	if (usable == 0)
		return EXIT_NO_HOSTS;
	return ok == list->n ? 0 : 1;
}

static int
examine(const struct env *env, const struct host_list *list,
    const char *compiler, bool json)
{
	struct doctor d = { .assembly = NULL };
	struct doctor_report *report;
	int code = prepare(&d, env, compiler);

	if (code != 0) {
		doctor_free(&d);
		return code;
	}
	report = mem_calloc(list->n, sizeof(*report));
	check_all(&d, list, report);
	burst_all(&d, list, report);
	if (json)
		doctor_print_json(&d, list, report);
	else
		doctor_print(&d, list, report);
	code = judge(list, report);
	free(report);
	doctor_free(&d);
	return fflush(stdout) == 0 ? code : EXIT_IO_ERROR;
}

int
doctor_main(const struct env *env, char *const *argv)
{
	struct host_list list;
	char why[HOSTS_WHY_BYTES];
	bool json = false;
	const char *compiler = "cc";
	int code, r;

	for (; *argv != NULL; argv++) {
		if (strcmp(*argv, "--json") == 0) {
			json = true;
		} else if ((*argv)[0] != '-' && argv[1] == NULL) {
			compiler = *argv;
		} else {
			fputs("usage: distcc --doctor [--json] [COMPILER]\n",
			    stderr);
			return EXIT_BAD_ARGUMENTS;
		}
	}
	r = hostfile_load(env, &list, why);
	if (r < 0) {
		log_errx("%s", why);
		code = r == ERR_SYNTAX ? EXIT_BAD_HOSTSPEC : EXIT_NO_HOSTS;
	} else {
		if (list.warning[0] != '\0')
			log_warnx("%s", list.warning);
		code = examine(env, &list, compiler, json);
	}
	hosts_free(&list);
	return code;
}
