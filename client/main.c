/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distcc - the client: run a compiler command on a volunteer's machine, as if
 * it ran here.  Three ways to say so: "distcc gcc -c x.c", "distcc -c x.c"
 * (the compiler is cc), and as a link called gcc, first on PATH.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cleanup.h"
#include "client/env.h"
#include "client/exits.h"
#include "client/job.h"
#include "client/show.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "policy/cmdline.h"
#include "policy/compiler.h"

#define HEAP_STEP_BYTES		(512 * 1024)
#define HEAP_MAX_BYTES		(1024 * 1024 * 1024)
#define HEAP_PIECE_MAX_BYTES	(16 * 1024 * 1024)

/*
 * One process is one job: what is freed is wanted again in a moment, a page that
 * is given back is faulted in anew, and all of it goes when we end.
 */
static void
keep_heap(void)
{
#ifdef M_TOP_PAD	/* glibc's */
	(void)mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_MAX_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_PIECE_MAX_BYTES);
#endif
}

/* A file of ours must not become somebody's stdout because that was closed. */
static void
fill_standard_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return;
}

static void
start_log(const struct env *env)
{
	if (env->verbose)
		log_set_level(LOG_LVL_DEBUG);
	if (env->log != NULL && env->log[0] != '\0') {
		if (log_to_file(env->log) < 0)
			log_err("failed to open logfile %s", env->log);
	} else if (env->uncached_err_fd >= 0) {
		/* ccache keeps what is written to stderr with the object */
		log_to_fd((int)env->uncached_err_fd);
	}
}

static bool
is_masquerade(const char *program)
{
	return strcmp(compiler_base(program), "distcc") != 0;
}

static int
compile(const struct env *env, char **argv)
{
	if (env->safeguard > 0) {
		log_at(LOG_LVL_CRITICAL,
		    "distcc seems to have invoked itself recursively!");
		return EXIT_RECURSION;
	}
	cleanup_init();
	return job_run(env, argv);
}

/* Compile with a compiler's name in front of the words from first on. */
static int
compile_with(const struct env *env, const char *name, char **first)
{
	AUTOFREE char *compiler = mem_strdup(name);
	AUTOFREE char **argv = NULL;
	size_t n = 0;

	while (first[n] != NULL)
		n++;
	argv = mem_calloc(n + 2, sizeof(*argv));
	argv[0] = compiler;
	memcpy(argv + 1, first, n * sizeof(*argv));
	return compile(env, argv);
}

static int
dispatch(const struct env *env, char **argv)
{
	int code;

	if (argv[0] == NULL)
		return EXIT_BAD_ARGUMENTS;
	if (is_masquerade(argv[0]))
		return compile_with(env, compiler_base(argv[0]), argv + 1);
	if (argv[1] == NULL) {
		fputs("distcc: a command is missing\n"
		    "Try \"distcc --help\".\n", stderr);
		return EXIT_BAD_ARGUMENTS;
	}
	if (show_option(env, argv + 1, &code))
		return code;
	if (cmdline_lacks_compiler(argv[1]))
		return compile_with(env, "cc", argv + 1);
	return compile(env, argv + 1);
}

int
main(int argc, char **argv)
{
	struct env env;

	(void)argc;
	keep_heap();
	fill_standard_fds();
	log_init("distcc");
	env_load(&env);
	start_log(&env);
	return dispatch(&env, argv);
}
