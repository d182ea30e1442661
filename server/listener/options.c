/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/opt.h"
#include "server/listener/options.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* --- flags ------------------------------------------------------------- */

#define FLAG(name, statement)						\
	static int							\
	name(void *target, const char *value)				\
	{								\
		struct options *o = target;				\
									\
		(void)value;						\
		statement;						\
		return 0;						\
	}

FLAG(set_daemon, o->mode = MODE_DAEMON)
FLAG(set_inetd, o->mode = MODE_INETD)
FLAG(set_no_detach, o->no_detach = true)
FLAG(set_log_stderr, o->log_stderr = true)
FLAG(set_insecure, o->any_command = true)
FLAG(set_help, o->show = SHOW_HELP)
FLAG(set_version, o->show = SHOW_VERSION)
FLAG(set_verbose, o->log_level = LOG_LVL_DEBUG; o->has_log_level = true)
FLAG(set_wizard, o->log_level = LOG_LVL_DEBUG; o->has_log_level = true;
    o->no_detach = true; o->log_stderr = true; o->mode = MODE_DAEMON)

/* --- strings ----------------------------------------------------------- */

#define STRING(name, field)						\
	static int							\
	name(void *target, const char *value)				\
	{								\
		struct options *o = target;				\
									\
		o->field = value;					\
		return 0;						\
	}

/* What a system call meets that no table lists: for the tests of the tables. */
static int
set_filter(void *target, const char *value)
{
	static const char *const names[] = { [SANDBOX_ERRNO] = "errno",
	    [SANDBOX_KILL] = "kill", [SANDBOX_LOG] = "log" };
	struct options *o = target;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], value) == 0) {
			o->filter_mode = (enum sandbox_mode)i;
			return 0;
		}
	log_errx("--sandbox-filter: \"%s\" is not errno, kill or log", value);
	return ERR_SYNTAX;
}

STRING(set_user, user)
STRING(set_pid_file, pid_file)
STRING(set_log_file, log_file)

/* Append to one of the lists; name is the option's, for the message. */
static int
add(const char **list, size_t *n, size_t max, const char *name,
    const char *value)
{
	if (*n == max) {
		log_errx("--%s: more than %zu of them", name, max);
		return ERR_LIMIT;
	}
	list[(*n)++] = value;
	return 0;
}

static int
add_listen(void *target, const char *value)
{
	struct options *o = target;

	return add(o->listen, &o->nlisten, OPTIONS_LISTEN_MAX, "listen",
	    value);
}

static int
add_toolchain(void *target, const char *value)
{
	struct options *o = target;

	if (value[0] != '/' || strlen(value) >= 1024) {
		log_errx("--toolchain: \"%s\" is not an absolute path", value);
		return ERR_SYNTAX;
	}
	return add(o->toolchains, &o->ntoolchains, OPTIONS_TOOLCHAIN_MAX,
	    "toolchain", value);
}

/* --- numbers ----------------------------------------------------------- */

#define NUMBER(func, name, field, min, max)				\
	static int							\
	func(void *target, const char *value)				\
	{								\
		struct options *o = target;				\
		long n;							\
									\
		if (opt_number("--" name, value, min, max, &n) < 0)	\
			return ERR_SYNTAX;				\
		o->field = (__typeof__(o->field))n;			\
		return 0;						\
	}

NUMBER(set_port, "port", port, 1, 65535)
NUMBER(set_jobs, "jobs", jobs, 1, OPTIONS_JOBS_MAX)
NUMBER(set_lifetime, "lifetime", lifetime_s, 1, 0x7fffffff)
NUMBER(set_job_lifetime, "job-lifetime", limits.job_lifetime_s, 1, 86400)
NUMBER(set_max_clients, "max-clients", max_clients, 1, 65536)
NUMBER(set_max_per_source, "max-per-source", max_per_source, 1, 65536)
NUMBER(set_max_processes, "max-processes", limits.max_processes, 4, 100000)
NUMBER(set_header_ms, "header-timeout", limits.header_ms, 100, 3600000)
NUMBER(set_idle_ms, "idle-timeout", limits.idle_ms, 100, 3600000)
NUMBER(set_min_rate, "min-rate", limits.min_rate, 1, 0x7fffffff)

static int
set_pool(void *target, const char *value)
{
	struct options *o = target;
	long n;

	if (opt_number("--pool", value, 0, OPTIONS_POOL_MAX, &n) < 0)
		return ERR_SYNTAX;
	o->pool = (uint32_t)n;
	o->has_pool = true;
	return 0;
}

/* Niceness may be negative for root, as nice(1) has it. */
static int
set_nice(void *target, const char *value)
{
	struct options *o = target;
	const char *digits = value[0] == '-' ? value + 1 : value;
	long n;

	if (opt_number("--nice", digits, 0, 20, &n) < 0)
		return ERR_SYNTAX;
	o->nice = (int)(value[0] == '-' ? -n : n);
	return 0;
}

/* A size in bytes, or with K, M, G behind it; within [min, max]. */
static int
parse_size(const char *name, const char *value, uint64_t min, uint64_t max,
    uint64_t *out)
{
	static const char suffixes[] = "KMG";
	size_t len = strlen(value);
	AUTOFREE char *digits = mem_strdup(value);
	const char *suffix;
	unsigned int shift = 0;
	long n;

	if (len > 1 && (suffix = strchr(suffixes,
	    value[len - 1] & ~0x20)) != NULL) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		digits[len - 1] = '\0';
	}
	if (opt_number(name, digits, 0, (long)(max >> shift), &n) < 0)
		return ERR_SYNTAX;
	*out = (uint64_t)n << shift;
	if (*out < min) {
		log_errx("%s: \"%s\" is too small, the least is %llu", name,
		    value, (unsigned long long)min);
		return ERR_SYNTAX;
	}
	return 0;
}

#define MIB	(1024ULL * 1024)
#define SIZE(func, name, field, min, max)				\
	static int							\
	func(void *target, const char *value)				\
	{								\
		struct options *o = target;				\
									\
		return parse_size("--" name, value, min, max,		\
		    &o->field);						\
	}

SIZE(set_max_memory, "max-memory", limits.max_memory, 16 * MIB, MIB << 20)
SIZE(set_max_scratch, "max-scratch", limits.max_scratch, MIB, MIB << 20)
SIZE(set_max_output, "max-output", limits.max_output, 4096, 2048 * MIB - 1)
SIZE(set_max_request, "max-request", limits.max_request, 4096, 1024 * MIB)

static int
set_jail_uids(void *target, const char *value)
{
	struct options *o = target;
	const char *dash = strchr(value, '-');
	AUTOFREE char *base = NULL;
	long first, last;

	if (dash == NULL) {
		log_errx("--jail-uids: \"%s\" is not BASE-END", value);
		return ERR_SYNTAX;
	}
	base = mem_strndup(value, (size_t)(dash - value));
	if (opt_number("--jail-uids", base, 1000, 0xfffffffdL, &first) < 0 ||
	    opt_number("--jail-uids", dash + 1, first, 0xfffffffdL,
	    &last) < 0)
		return ERR_SYNTAX;
	o->jail_uid_base = (uint32_t)first;
	o->jail_uid_count = (uint32_t)(last - first + 1);
	return 0;
}

/* --- words ------------------------------------------------------------- */

static int
set_log_level(void *target, const char *value)
{
	struct options *o = target;

	if (log_level_from_name(value, &o->log_level) < 0) {
		log_errx("--log-level: \"%s\" is none of critical, error, "
		    "warning, notice, info, debug", value);
		return ERR_SYNTAX;
	}
	o->has_log_level = true;
	return 0;
}

static int
set_sandbox(void *target, const char *value)
{
	struct options *o = target;

	if (strcmp(value, "strict") != 0 && strcmp(value, "reduced") != 0) {
		log_errx("--sandbox: \"%s\" is neither strict nor reduced; "
		    "there is no way to run without it", value);
		return ERR_SYNTAX;
	}
	o->is_reduced = strcmp(value, "reduced") == 0;
	return 0;
}

static int
set_show_sandbox(void *target, const char *value)
{
	struct options *o = target;

	if (value != NULL && strcmp(value, "json") != 0) {
		log_errx("--show-sandbox: the only format is json");
		return ERR_SYNTAX;
	}
	o->show = value != NULL ? SHOW_JSON : SHOW_TABLE;
	return 0;
}

/* Stock looks up -specs= files there; those are refused here whatever they
 * say, so what is left is a directory that compilers may read. */
static int
set_sysroot(void *target, const char *value)
{
	log_warnx("--sysroot=%s: taken as --toolchain; -specs= of a client "
	    "stays refused", value);
	return add_toolchain(target, value);
}

static int
not_built_in(const char *what)
{
	log_errx("%s is not built in", what);
	return ERR_UNSUPPORTED;
}

#define MISSING(func, name)						\
	static int							\
	func(void *target, const char *value)				\
	{								\
		(void)target;						\
		(void)value;						\
		return not_built_in("--" name);				\
	}

MISSING(no_stats, "stats")
MISSING(no_stats_port, "stats-port")
#ifdef NO_ZEROCONF
MISSING(set_zeroconf, "zeroconf")
#else
FLAG(set_zeroconf, o->zeroconf = true)
#endif

/* --- authentication ---------------------------------------------------- */

#ifdef NO_GSSAPI
MISSING(set_auth, "auth")
MISSING(add_whitelist, "whitelist")
MISSING(add_blacklist, "blacklist")
MISSING(add_allow_principal, "allow-principal")
MISSING(add_deny_principal, "deny-principal")
#else
static int
set_auth(void *target, const char *value)
{
	struct options *o = target;

	if (value != NULL && strcmp(value, "seal") != 0) {
		log_errx("--auth=%s: the only word here is seal", value);
		return ERR_SYNTAX;
	}
	o->auth = value != NULL ? AUTH_SEAL : AUTH_ANY;
	return 0;
}

#define PRINCIPAL(func, name, deny, file)				\
	static int							\
	func(void *target, const char *value)				\
	{								\
		struct options *o = target;				\
									\
		if (o->nprincipals == OPTIONS_PRINCIPALS_MAX) {		\
			log_errx("--" name ": more than %d of them; use a " \
			    "file", OPTIONS_PRINCIPALS_MAX);		\
			return ERR_LIMIT;				\
		}							\
		o->principals[o->nprincipals++] =			\
		    (struct principal_option){ deny, file, value };	\
		return 0;						\
	}

PRINCIPAL(add_whitelist, "whitelist", false, true)
PRINCIPAL(add_blacklist, "blacklist", true, true)
PRINCIPAL(add_allow_principal, "allow-principal", false, false)
PRINCIPAL(add_deny_principal, "deny-principal", true, false)
#endif

const char *
options_principal(void)
{
	const char *name = getenv("DISTCCD_PRINCIPAL");

	return name != NULL && name[0] != '\0' ? name : "distcc";
}

void
options_show_principal(void)
{
	const char *name = getenv("DISTCCD_PRINCIPAL");

	(void)printf(name != NULL ? "Principal is\t: %s\n" : "Principal\t: %s\n",
	    name != NULL ? name : "Not Set");
}

FLAG(set_show_principal, o->show = SHOW_PRINCIPAL)

/* --- who may connect --------------------------------------------------- */

static void
add_rule(struct options *o, const struct access_rule *rule)
{
	o->rules = mem_realloc(o->rules, o->nrules + 1,
	    sizeof(*o->rules));
	o->rules[o->nrules++] = *rule;
}

/* Every address that a name has now, each with the width behind the slash. */
static int
allow_name(struct options *o, const char *name, const char *bits)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int r = getaddrinfo(name, NULL, &hints, &list);

	if (r != 0) {
		log_errx("--allow: \"%s\" is neither an address nor a name "
		    "that can be resolved (%s)", name, gai_strerror(r));
		return ERR_SYNTAX;
	}
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		unsigned int width = a->ai_family == AF_INET6 ? 128 : 32;
		struct access_rule rule;

		r = bits != NULL ?
		    access_parse_bits(bits, a->ai_family, &width) : 0;
		if (r < 0 || access_rule_from_addr(a->ai_addr, width,
		    &rule) < 0)
			continue;
		add_rule(o, &rule);
	}
	freeaddrinfo(list);
	if (r < 0)
		log_errx("--allow: \"/%s\" is no width of a mask", bits);
	return r;
}

static int
add_allow(void *target, const char *value)
{
	struct options *o = target;
	struct access_rule rule;
	const char *slash = strchr(value, '/');
	AUTOFREE char *name = NULL;
	const char *c;

	if (access_parse(value, &rule) == 0) {
		add_rule(o, &rule);
		return 0;
	}
	name = slash != NULL ?
	    mem_strndup(value, (size_t)(slash - value)) : mem_strdup(value);
	/* what looks like an address is never looked up as a name */
	for (c = name; *c != '\0'; c++)
		if (strchr("0123456789.:", *c) == NULL)
			break;
	if (*c == '\0' || strchr(name, ':') != NULL) {
		log_errx("--allow: \"%s\" is not ADDRESS or ADDRESS/BITS",
		    value);
		return ERR_SYNTAX;
	}
	return allow_name(o, name, slash != NULL ? slash + 1 : NULL);
}

static int
add_allow_private(void *target, const char *value)
{
	size_t n;
	const struct access_rule *rules = access_private(&n);

	(void)value;
	for (size_t i = 0; i < n; i++)
		add_rule(target, &rules[i]);
	return 0;
}

/* --- the table --------------------------------------------------------- */

static const struct opt mode_table[] = {
	{ "daemon", 0, OPT_NONE, NULL, "listen on TCP", set_daemon },
	{ "inetd", 0, OPT_NONE, NULL, "serve the client on stdin and stdout",
	    set_inetd },
	{ "no-detach", 0, OPT_NONE, NULL, "stay in the foreground",
	    set_no_detach },
	{ "jobs", 'j', OPT_REQUIRED, "N",
	    "compiles at one time (default: CPUs + 2)", set_jobs },
	{ "nice", 'N', OPT_REQUIRED, "LEVEL",
	    "niceness added for compilers (5)", set_nice },
	{ "user", 0, OPT_REQUIRED, "USER",
	    "when root: run workers as USER (distcc, else nobody)", set_user },
	{ "pid-file", 'P', OPT_REQUIRED, "FILE", "write the process id",
	    set_pid_file },
	{ "lifetime", 0, OPT_REQUIRED, "SECONDS", "end the daemon after that",
	    set_lifetime },
	{ "wizard", 0, OPT_NONE, NULL,
	    "for debugging: --daemon --no-detach --log-stderr --verbose",
	    set_wizard },
	{ "no-fork", 0, OPT_NONE, NULL, NULL, set_no_detach },
};

static const struct opt network_table[] = {
	{ "listen", 0, OPT_REQUIRED, "ADDRESS",
	    "listen here only (repeatable; IPv4 or IPv6)", add_listen },
	{ "port", 'p', OPT_REQUIRED, "PORT", "TCP port (3632)", set_port },
	{ "allow", 'a', OPT_REQUIRED, "ADDR[/BITS]",
	    "serve these clients (repeatable; required)", add_allow },
	{ "allow-private", 0, OPT_NONE, NULL,
	    "serve private and local networks", add_allow_private },
	{ "max-clients", 0, OPT_REQUIRED, "N", "connections at one time (1024)",
	    set_max_clients },
	{ "max-per-source", 0, OPT_REQUIRED, "N",
	    "connections from one address (256)", set_max_per_source },
	{ "header-timeout", 0, OPT_REQUIRED, "MS",
	    "time for the command line to arrive (10000)", set_header_ms },
	{ "idle-timeout", 0, OPT_REQUIRED, "MS",
	    "time without a byte in or out (30000)", set_idle_ms },
	{ "min-rate", 0, OPT_REQUIRED, "BYTES",
	    "slowest client, bytes a second (4096)", set_min_rate },
	{ "stats", 0, OPT_NONE, NULL, NULL, no_stats },
	{ "stats-port", 0, OPT_REQUIRED, "PORT", NULL, no_stats_port },
	{ "zeroconf", 0, OPT_NONE, NULL,
	    "announce the daemon on the local network", set_zeroconf },
};

static const struct opt auth_table[] = {
	{ "auth", 0, OPT_OPTIONAL, "seal",
	    "only clients that prove who they are; seal: only encrypted",
	    set_auth },
	{ "allow-principal", 0, OPT_REQUIRED, "NAME",
	    "serve this principal or pattern (repeatable)",
	    add_allow_principal },
	{ "deny-principal", 0, OPT_REQUIRED, "NAME",
	    "never serve this principal or pattern (repeatable)",
	    add_deny_principal },
	{ "whitelist", 0, OPT_REQUIRED, "FILE",
	    "--allow-principal for each line of FILE", add_whitelist },
	{ "blacklist", 0, OPT_REQUIRED, "FILE",
	    "--deny-principal for each line of FILE", add_blacklist },
	{ "show-principal", 0, OPT_NONE, NULL,
	    "print $DISTCCD_PRINCIPAL, and exit", set_show_principal },
};

static const struct opt jail_table[] = {
	{ "sandbox", 0, OPT_REQUIRED, "MODE",
	    "strict (default) or reduced (containers, SSH)", set_sandbox },
	{ "show-sandbox", 0, OPT_OPTIONAL, "json",
	    "say which layers hold here, and exit", set_show_sandbox },
	{ "toolchain", 0, OPT_REQUIRED, "DIR",
	    "compilers that live elsewhere (repeatable)", add_toolchain },
	{ "enable-tcp-insecure", 0, OPT_NONE, NULL,
	    "any command of a client, not only compilers", set_insecure },
	{ "job-lifetime", 0, OPT_REQUIRED, "SECONDS",
	    "longest compile (600)", set_job_lifetime },
	{ "max-memory", 0, OPT_REQUIRED, "SIZE", "memory of a job (960M)",
	    set_max_memory },
	{ "max-scratch", 0, OPT_REQUIRED, "SIZE", "files of a job (512M)",
	    set_max_scratch },
	{ "max-output", 0, OPT_REQUIRED, "SIZE",
	    "one result of a job (100M)", set_max_output },
	{ "max-request", 0, OPT_REQUIRED, "SIZE",
	    "a request, as sent and expanded (192M)", set_max_request },
	{ "max-processes", 0, OPT_REQUIRED, "N", "processes of a job (32)",
	    set_max_processes },
	{ "jail-uids", 0, OPT_REQUIRED, "BASE-END",
	    "when root: user ids for jobs", set_jail_uids },
	{ "pool", 0, OPT_REQUIRED, "N", "jails made ready in advance",
	    set_pool },
	{ "sandbox-filter", 0, OPT_REQUIRED, "MODE", NULL, set_filter },
	{ "sysroot", 0, OPT_REQUIRED, "DIR", NULL, set_sysroot },
};

static const struct opt log_table[] = {
	{ "log-file", 0, OPT_REQUIRED, "FILE", "log here, not to syslog",
	    set_log_file },
	{ "log-level", 0, OPT_REQUIRED, "LEVEL",
	    "critical, error, warning, notice, info, debug", set_log_level },
	{ "log-stderr", 0, OPT_NONE, NULL, "log to stderr", set_log_stderr },
	{ "verbose", 0, OPT_NONE, NULL, "--log-level=debug", set_verbose },
	{ "help", 0, OPT_NONE, NULL, "this text", set_help },
	{ "version", 0, OPT_NONE, NULL, "version and protocols",
	    set_version },
};

static const struct group {
	const char *title;
	const struct opt *table;
	size_t n;
} groups[] = {
	{ "Mode", mode_table, COUNT(mode_table) },
	{ "Network", network_table, COUNT(network_table) },
	{ "Authentication", auth_table, COUNT(auth_table) },
	{ "Jobs and their jails", jail_table, COUNT(jail_table) },
	{ "Messages", log_table, COUNT(log_table) },
};

void
options_help(void)
{
	(void)printf("Usage: distccd --allow ADDR[/BITS] [OPTIONS]\n"
	    "Compile files for distcc clients, each in a jail of its own.\n");
	for (size_t i = 0; i < COUNT(groups); i++) {
		(void)printf("\n%s:\n", groups[i].title);
		opt_print_help(groups[i].table, groups[i].n);
	}
	(void)printf("\nSee distccd(1).\n");
}

void
options_version(void)
{
	struct utsname u;

	(void)printf("distccd %s %s-pc-linux-gnu\n", VERSION,
	    uname(&u) == 0 ? u.machine : "unknown");
	(void)printf("  (protocols 1, 2 and 3) (default port %d)\n",
	    OPTIONS_PORT);
	(void)printf("  each job in a jail of its own: "
	    "distccd --show-sandbox\n");
	(void)printf("distcc comes with no warranty.  It is free software "
	    "under the GNU General\nPublic License, version 2 or later.\n");
}

/* stock's rule: two more than there are processors */
static uint32_t
default_jobs(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return (uint32_t)(n > 0 ? n : 1) + 2;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	struct opt all[COUNT(mode_table) + COUNT(network_table) +
	    COUNT(auth_table) + COUNT(jail_table) + COUNT(log_table)];
	size_t n = 0;
	int first, r;

	memset(o, 0, sizeof(*o));
	o->port = OPTIONS_PORT;
	o->jobs = default_jobs();
	o->nice = 5;
	o->max_clients = 1024;
	o->max_per_source = 256;
	o->log_level = LOG_LVL_NOTICE;
	o->limits = limits_default;
	for (size_t i = 0; i < COUNT(groups); i++) {
		memcpy(all + n, groups[i].table,
		    groups[i].n * sizeof(all[0]));
		n += groups[i].n;
	}
	if ((r = opt_parse(all, n, argc, argv, o, &first)) < 0)
		return r;
	if (first < argc) {
		log_errx("\"%s\" is no option; see distccd --help",
		    argv[first]);
		return ERR_SYNTAX;
	}
	if (!o->has_pool)
		o->pool = o->jobs < 8 ? o->jobs : 8;
	return 0;
}

void
options_free(struct options *o)
{
	free(o->rules);
	o->rules = NULL;
	o->nrules = 0;
}
