/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsdistcc - find the servers that answer. */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/lsdistcc/names.h"
#include "client/lsdistcc/scan.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"

#define DEFAULT_PATTERN	"distcc%d"
#define MS_MAX		86400000

struct settings {
	struct scan_options scan;
	bool add_domain;
	bool show_help;
};

/* ---- options ---- */

#define FLAG(name, field) \
static int \
name(void *target, const char *value) \
{ \
	(void)value; \
	((struct settings *)target)->field = true; \
	return 0; \
}
#define NUMBER(name, letter, field, min, max) \
static int \
name(void *target, const char *value) \
{ \
	return opt_number(letter, value, min, max, \
	    &((struct settings *)target)->field); \
}

FLAG(set_latency, scan.show_latency)
FLAG(set_numeric, scan.numeric)
FLAG(set_down, scan.show_down)
FLAG(set_domain, add_domain)
FLAG(set_verbose, scan.verbose)
FLAG(set_help, show_help)
NUMBER(set_timeout, "-t", scan.timeout_s, 0, 86400)
NUMBER(set_lookup, "-h", scan.lookup_ms, 1, MS_MAX)
NUMBER(set_connect, "-c", scan.connect_ms, 0, MS_MAX)
NUMBER(set_compile, "-k", scan.compile_ms, 0, MS_MAX)
NUMBER(set_bits, "-m", scan.bits, 0, 128)
NUMBER(set_overlap, "-o", scan.overlap, 0, 1000)
NUMBER(set_gap, "-g", scan.gap, 0, 1000)
NUMBER(set_port, "-r", scan.port, 1, 65535)
NUMBER(set_protocol, "-P", scan.protocol, 1, 3)

static int
set_compiler(void *target, const char *value)
{
	((struct settings *)target)->scan.compiler = value;
	return 0;
}

static const struct opt table[] = {
	{ NULL, 'l', OPT_NONE, NULL,
	    "print the latency in ms behind each host", set_latency },
	{ NULL, 'n', OPT_NONE, NULL,
	    "print addresses, not names", set_numeric },
	{ NULL, 'x', OPT_NONE, NULL,
	    "print hosts that are down too, with \",down\"", set_down },
	{ NULL, 't', OPT_REQUIRED, "S",
	    "stop after S seconds [7]", set_timeout },
	{ NULL, 'h', OPT_REQUIRED, "MS",
	    "look a name up again after MS [500]", set_lookup },
	{ NULL, 'c', OPT_REQUIRED, "MS",
	    "connect within MS [900]; 0: do not connect", set_connect },
	{ NULL, 'k', OPT_REQUIRED, "MS",
	    "compile within MS [1500]; 0: do not compile", set_compile },
	{ NULL, 'm', OPT_REQUIRED, "BITS",
	    "only hosts in the first one's network [0]", set_bits },
	{ NULL, 'o', OPT_REQUIRED, "N",
	    "look up N names ahead [1]", set_overlap },
	{ NULL, 'g', OPT_REQUIRED, "N",
	    "go on over N missing names [0]", set_gap },
	{ NULL, 'r', OPT_REQUIRED, "PORT",
	    "the servers' port [3632]", set_port },
	{ NULL, 'P', OPT_REQUIRED, "N",
	    "protocol 1, 2 (lzo) or 3 (lzo,cpp) [1]", set_protocol },
	{ NULL, 'p', OPT_REQUIRED, "COMPILER",
	    "have a source compiled with COMPILER", set_compiler },
	{ NULL, 'd', OPT_NONE, NULL,
	    "put this machine's domain behind FORMAT", set_domain },
	{ NULL, 'v', OPT_NONE, NULL, "tell what is done", set_verbose },
	{ "help", 0, OPT_NONE, NULL, "this text", set_help },
};

#define ROWS	(sizeof(table) / sizeof(table[0]))

static int
usage(void)
{
	fputs("Usage: lsdistcc [OPTIONS] [FORMAT]\n"
	    "       lsdistcc [OPTIONS] HOST...\n"
	    "Prints the hosts whose distccd answers.  FORMAT has a %d, which\n"
	    "becomes 1, 2, 3, ... until a name is not found; it is "
	    DEFAULT_PATTERN "\nwhen it is missing.\n\n", stdout);
	opt_print_help(table, ROWS);
	return 1;
}

/* ---- this machine's domain ---- */

/* From the full name that the resolver gives us; "" if there is none. */
static void
find_domain(char domain[NAMES_MAX_BYTES])
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *found;
	char host[NAMES_MAX_BYTES];
	const char *dot;

	domain[0] = '\0';
	if (gethostname(host, sizeof(host)) < 0)
		return;
	host[sizeof(host) - 1] = '\0';
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		found = NULL;
	dot = strchr(found != NULL && found->ai_canonname != NULL ?
	    found->ai_canonname : host, '.');
	if (dot != NULL && dot[1] != '\0')
		(void)snprintf(domain, NAMES_MAX_BYTES, "%s", dot);
	if (found != NULL)
		freeaddrinfo(found);
}

static int
scan_format(const struct settings *s, const char *format, size_t *good)
{
	char domain[NAMES_MAX_BYTES] = "";
	AUTOFREE char *whole = NULL;

	if (s->add_domain) {
		find_domain(domain);
		if (domain[0] == '\0') {
			log_errx("-d: this machine's domain is not known");
			return ERR_NOENT;
		}
	}
	whole = mem_printf("%s%s", format, domain);
	return scan_pattern(&s->scan, whole, good);
}

int
main(int argc, char **argv)
{
	struct settings s = {
		.scan = {
			.timeout_s = 7, .lookup_ms = 500, .connect_ms = 900,
			.compile_ms = 1500, .overlap = 1, .port = 3632,
			.protocol = 1,
		},
	};
	size_t good = 0;
	int first, r;

	log_init("lsdistcc");
	(void)signal(SIGPIPE, SIG_DFL);
	if (opt_parse(table, ROWS, argc, argv, &s, &first) < 0 || s.show_help)
		return usage();
	if (s.scan.verbose)
		log_set_level(LOG_LVL_INFO);
	if (first == argc)
		r = scan_format(&s, DEFAULT_PATTERN, &good);
	else if (first + 1 == argc && names_is_pattern(argv[first]))
		r = scan_format(&s, argv[first], &good);
	else
		r = scan_list(&s.scan, argv + first, (size_t)(argc - first),
		    &good);
	return r == 0 && good != 0 ? 0 : 1;
}
