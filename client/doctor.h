/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor - "distcc --doctor": do to every host what a job would do, and tell
 * what came of it.
 */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/args.h"
#include "client/env.h"
#include "client/find.h"
#include "client/hosts.h"
#include "policy/cmdline.h"

#define DOCTOR_ADDRESSES	4	/* of one host, at most */
#define DOCTOR_TEXT_BYTES	160
#define DOCTOR_PROTOCOLS	3

/* What all hosts are asked to do, and what came of it here. */
struct doctor {
	struct env env;			/* with less patience */
	struct find compiler;
	struct cmdline_scan scan;
	struct args_source source;
	struct args args;		/* the command as it is sent */
	char version[DOCTOR_TEXT_BYTES];	/* of the compiler here */
	char *assembly;			/* owns: what it made of the probe */
};

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_DIFFERS,		/* works, but with another compiler */
	DOCTOR_SKIPPED,		/* a job would not go there now: skipped */
	DOCTOR_FAILED,		/* why */
};

enum doctor_match {
	DOCTOR_UNKNOWN,
	DOCTOR_SAME,
	DOCTOR_OTHER_OUTPUT,	/* the same version compiles differently */
	DOCTOR_OTHER_VERSION,
};

struct doctor_address {
	char text[INET6_ADDRSTRLEN];
	int64_t connect_us;	/* -1: failed */
	char why[64];
};

/* What one host was found to be.  Sent between our own processes as it is. */
struct doctor_report {
	enum doctor_status status;
	char why[DOCTOR_TEXT_BYTES];
	char skipped[DOCTOR_TEXT_BYTES];
	struct doctor_address address[DOCTOR_ADDRESSES];
	unsigned int naddresses;
	int protocol[DOCTOR_PROTOCOLS + 1];	/* 1 served, 0 not, -1 unknown */
	bool is_authentic;
	char principal[DOCTOR_TEXT_BYTES];
	char version[DOCTOR_TEXT_BYTES];
	enum doctor_match match;
	int64_t job_us;			/* of the first job; 0: none */
	double jobs_per_s;
};

/* doctor_check - look at one host.  Takes seconds if the host is dead. */
void doctor_check(const struct doctor *d, const struct host *host,
    struct doctor_report *report);

/*
 * doctor_burst - jobs a second over some 100 ms, as many at one time as the
 * host has slots, but at most 8.
 */
double doctor_burst(const struct doctor *d, const struct host *host,
    int64_t ms);

/* doctor_assemble - the local compiler's assembly of the probe, malloc'ed;
 * NULL: it failed. */
char *doctor_assemble(const struct doctor *d);

/*
 * doctor_version - the compiler's name and version that an assembly names in
 * its .ident line.
 * in      assembly: untrusted
 * out     version: printable; "" if there is none
 */
void doctor_version(const char *assembly, char version[DOCTOR_TEXT_BYTES]);

/* doctor_same_code - whether two assemblies are equal but for the names of
 * their source files. */
bool doctor_same_code(const char *a, const char *b);

void doctor_print(const struct doctor *d, const struct host_list *list,
    const struct doctor_report *report);
void doctor_print_json(const struct doctor *d, const struct host_list *list,
    const struct doctor_report *report);

/* doctor_status_name - "ok", "differs", "skipped", "failed". */
const char *doctor_status_name(enum doctor_status status);

/*
 * doctor_main - "distcc --doctor [--json] [COMPILER]".
 * returns 0: every host is well; 1: some are not; EXIT_NO_HOSTS: none can be
 *         used; EXIT_BAD_HOSTSPEC, EXIT_COMPILER_MISSING, EXIT_BAD_ARGUMENTS
 */
int doctor_main(const struct env *env, char *const *argv);

#endif
