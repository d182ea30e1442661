/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options - distccd's command line, as one struct. */
#ifndef SERVER_LISTENER_OPTIONS_H
#define SERVER_LISTENER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/log.h"
#include "policy/access.h"
#include "policy/limits.h"
#include "sandbox/sandbox.h"

#define OPTIONS_PORT		3632
#define OPTIONS_LISTEN_MAX	32
#define OPTIONS_TOOLCHAIN_MAX	16
#define OPTIONS_JOBS_MAX	4096
#define OPTIONS_POOL_MAX	1024

/* distcc's exit codes, those that distccd has a use for */
enum exit_code {
	EXIT_DISTCC_FAILED	= 100,
	EXIT_BAD_ARGUMENTS	= 101,
	EXIT_BIND_FAILED	= 102,
	EXIT_OUT_OF_MEMORY	= 105,
	EXIT_IO_ERROR		= 107,
	EXIT_COMPILER_MISSING	= 110,
	EXIT_SETUID_FAILED	= 112,
	EXIT_ACCESS_DENIED	= 113,
	EXIT_GSSAPI_FAILED	= 119,
};

#define OPTIONS_PRINCIPALS_MAX	64

/* one of --allow-principal, --deny-principal, --whitelist, --blacklist */
struct principal_option {
	bool is_deny;
	bool is_file;
	const char *value;
};

enum options_auth { AUTH_OFF, AUTH_ANY, AUTH_SEAL };
enum options_mode { MODE_GUESS, MODE_DAEMON, MODE_INETD };
enum options_show { SHOW_NOTHING, SHOW_TABLE, SHOW_JSON, SHOW_HELP,
	SHOW_VERSION, SHOW_PRINCIPAL };

struct options {
	enum options_mode mode;
	enum options_show show;
	bool no_detach;
	bool is_reduced;		/* --sandbox=reduced */
	bool any_command;		/* --enable-tcp-insecure */
	enum sandbox_mode filter_mode;	/* hidden, for tests */
	uint16_t port;
	const char *listen[OPTIONS_LISTEN_MAX];
	size_t nlisten;			/* 0: all addresses */
	struct access_rule *rules;	/* owns */
	size_t nrules;
	enum options_auth auth;
	struct principal_option principals[OPTIONS_PRINCIPALS_MAX];
	size_t nprincipals;
	uint32_t jobs;
	uint32_t max_clients;
	uint32_t max_per_source;
	uint32_t pool;
	bool has_pool;
	int nice;
	const char *user;		/* NULL: distcc, else nobody */
	bool zeroconf;			/* announce us */
	const char *pid_file;
	const char *log_file;
	bool log_stderr;
	bool has_log_level;
	enum log_level log_level;
	uint32_t lifetime_s;		/* 0: for ever */
	uint32_t jail_uid_base;		/* 0: not given */
	uint32_t jail_uid_count;
	const char *toolchains[OPTIONS_TOOLCHAIN_MAX];
	size_t ntoolchains;
	struct limits limits;
};

/*
 * options_parse - the whole command line; strings are borrowed from argv.
 * returns 0; anything else has been reported and is to end in exit code 101
 */
int options_parse(struct options *o, int argc, char **argv) MUST_CHECK;
void options_free(struct options *o);

/* options_help, options_version, options_show_principal - to stdout. */
void options_help(void);
void options_version(void);

/* options_principal - $DISTCCD_PRINCIPAL, or the default for it. */
const char *options_principal(void);
void options_show_principal(void);

#endif
