/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "client/doctor.h"
#include "client/exits.h"
#include "client/hostfile.h"
#include "client/includes.h"
#include "client/show.h"
#include "client/stats.h"
#include "lib/log.h"

#if defined(__x86_64__)
#define TRIPLE	"x86_64-linux-gnu"
#elif defined(__aarch64__)
#define TRIPLE	"aarch64-linux-gnu"
#else
#define TRIPLE	"linux-gnu"
#endif

static int
show_version(const struct env *env)
{
	(void)env;
	printf("distcc %s %s\n"
	    "  (protocols 1, 2 and 3) (default port %d)\n"
	    "\n"
	    "distcc comes with no warranty.  It is free software: you may use,\n"
	    "change and pass it on under the terms of the GNU General Public\n"
	    "License, version 2 or any later one.\n", VERSION, TRIPLE,
	    HOSTS_DEFAULT_PORT);
	return 0;
}

static int
show_help(const struct env *env)
{
	(void)show_version(env);
	fputs("\n"
	    "Usage:\n"
	    "   distcc [COMPILER] [COMPILER OPTIONS] -o OBJECT -c SOURCE\n"
	    "   distcc [--help|--version|--show-hosts|-j|--show-principal]\n"
	    "   distcc --scan-includes [COMPILER] [COMPILER OPTIONS] SOURCE\n"
	    "   distcc --doctor [--json] [COMPILER]\n"
	    "   distcc --stats [--since WHEN] [--json]\n"
	    "\n"
	    "COMPILER is \"cc\" when the first word is an option or a source.\n"
	    "\n"
	    "   --help             this text\n"
	    "   --version          version and protocols\n"
	    "   --show-hosts       the host list, one a line\n"
	    "   -j                 how many jobs the hosts take together\n"
	    "   --scan-includes    what pump mode would send for a command\n"
	    "   --doctor           try every host; say what is wrong\n"
	    "   --stats            where jobs went since WHEN (2h, 3d, today,\n"
	    "                      YYYY-MM-DD), and why\n"
	    "   --show-principal   the server's principal, from\n"
	    "                      $DISTCC_PRINCIPAL\n"
	    "\n"
	    "Hosts, from $DISTCC_HOSTS, $DISTCC_DIR/hosts, ~/.distcc/hosts or\n"
	    "the system's own list:\n"
	    "   localhost[/N]                    run here, N at a time\n"
	    "   HOST[:PORT][/N][,lzo][,cpp][,auth[=NAME]][,seal[=NAME]]\n"
	    "   [USER]@HOST[/N][:COMMAND][,...]  through SSH\n"
	    "   --randomize --localslots=N --localslots_cpp=N +zeroconf\n"
	    "\n"
	    "DISTCC_VERBOSE=1 tells what happens and why; DISTCC_LOG=FILE\n"
	    "puts it in a file; DISTCC_FALLBACK=0 forbids local compiles of\n"
	    "what could be remote.  distcc(1) has the others.\n", stdout);
	return 0;
}

static int
load(const struct env *env, struct host_list *list)
{
	char why[HOSTS_WHY_BYTES];
	int r = hostfile_load(env, list, why);

	if (r == 0)
		return 0;
	log_errx("%s", why);
	return r == ERR_SYNTAX ? EXIT_BAD_HOSTSPEC : EXIT_NO_HOSTS;
}

static int
show_hosts(const struct env *env)
{
	struct host_list list;
	int code = load(env, &list);

	for (size_t i = 0; code == 0 && i < list.n; i++)
		puts(list.host[i].spec);
	hosts_free(&list);
	return code;
}

static int
show_jobs(const struct env *env)
{
	struct host_list list;
	unsigned long jobs = 0;
	int code = load(env, &list);

	for (size_t i = 0; i < list.n; i++)
		jobs += list.host[i].is_down ? 0 : list.host[i].slots;
	if (code == 0)
		printf("%lu\n", jobs);
	hosts_free(&list);
	return code;
}

static int
show_principal(const struct env *env)
{
	if (env->principal != NULL)
		printf("Principal is\t: %s\n", env->principal);
	else
		puts("Principal\t: Not Set.");
	return 0;
}

static const struct {
	const char *word;
	int (*show)(const struct env *env);
	/* instead, for those that take words; argv: the words behind */
	int (*run)(const struct env *env, char *const *argv);
} table[] = {
	{ "--help", show_help, NULL },
	{ "--version", show_version, NULL },
	{ "--show-hosts", show_hosts, NULL },
	{ "-j", show_jobs, NULL },
	{ "--show-principal", show_principal, NULL },
	{ "--scan-includes", NULL, includes_main },
	{ "--doctor", NULL, doctor_main },
	{ "--stats", NULL, stats_main },
};

bool
show_option(const struct env *env, char *const *argv, int *code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(argv[0], table[i].word) == 0) {
			*code = table[i].run != NULL ?
			    table[i].run(env, argv + 1) : table[i].show(env);
			return true;
		}
	}
	return false;
}
