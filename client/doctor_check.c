/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_check - one host: its addresses, a job, each protocol, many jobs. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/auth.h"
#include "client/backoff.h"
#include "client/connect.h"
#include "client/cpp.h"
#include "client/doctor.h"
#include "client/probe.h"
#include "client/remote.h"
#include "client/spawn.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define ASSEMBLY_MAX_BYTES	(1024 * 1024)
#define BURST_WORKERS		8

static const char probe_text[] =
    "int distcc_probe(int n)\n{\n\treturn n + 1;\n}\n";

/* ---- what a compiler made of the probe ---- */

void
doctor_version(const char *assembly, char version[DOCTOR_TEXT_BYTES])
{
	static const char gcc[] = "GCC: ";
	const char *p = strstr(assembly, "\t.ident\t\""), *end;

	version[0] = '\0';
	if (p == NULL)
		return;
	p += strlen("\t.ident\t\"");
	end = strchr(p, '"');
	if (end == NULL)
		return;
	if (strncmp(p, gcc, sizeof(gcc) - 1) == 0)
		p += sizeof(gcc) - 1;
	(void)log_escape(view_of(p, (size_t)(end - p)), version,
	    DOCTOR_TEXT_BYTES);
}

/* The next line that does not name the source file; its length. */
static const char *
next_line(const char **p, size_t *len)
{
	const char *line;

	do {
		line = *p;
		*len = strcspn(line, "\n");
		*p = line + *len + (line[*len] == '\n' ? 1 : 0);
	} while (strncmp(line, "\t.file", 6) == 0);
	return line;
}

bool
doctor_same_code(const char *a, const char *b)
{
	size_t la, lb;

	do {
		const char *line_a = next_line(&a, &la);
		const char *line_b = next_line(&b, &lb);

		if (la != lb || memcmp(line_a, line_b, la) != 0)
			return false;
	} while (*a != '\0' || *b != '\0');
	return true;
}

/* ---- here ---- */

/* Compile the probe here; out: where the assembly goes. */
static int
compile_here(const struct doctor *d, const char *in, const char *out)
{
	char s[] = "-S", o[] = "-o";
	AUTOFREE char *from = mem_strdup(in), *to = mem_strdup(out);
	AUTOFREE char *name = mem_strdup(d->source.argv[0]);
	char *argv[] = { name, s, from, o, to, NULL };
	AUTOFD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid;

	if (spawn_start(d->compiler.file, argv, null, null, &pid) < 0)
		return ERR_NOENT;
	return spawn_wait(pid) == 0 ? 0 : ERR_ACCESS;
}

static char *
read_text(const char *path)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n;

	if (fd < 0)
		return NULL;
	text = mem_calloc(ASSEMBLY_MAX_BYTES + 1, 1);
	n = read(fd, text, ASSEMBLY_MAX_BYTES);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int
write_probe(const char *path)
{
	AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? ERR_SYS : fd_write_all(fd, probe_text,
	    sizeof(probe_text) - 1, -1);
}

char *
doctor_assemble(const struct doctor *d)
{
	const char *tmp = d->env.tmpdir != NULL && d->env.tmpdir[0] != '\0' ?
	    d->env.tmpdir : "/tmp";
	AUTOFREE char *dir = mem_printf("%s/distcc-doctor.XXXXXX", tmp);
	AUTOFREE char *in = NULL, *out = NULL;
	char *text = NULL;

	if (mkdtemp(dir) == NULL)
		return NULL;
	in = mem_printf("%s/probe.i", dir);
	out = mem_printf("%s/probe.s", dir);
	if (write_probe(in) == 0 && compile_here(d, in, out) == 0)
		text = read_text(out);
	(void)unlink(in);
	(void)unlink(out);
	(void)rmdir(dir);
	return text;
}

/* ---- a job ---- */

/* Whether the server compiled; the reply is in res, or why not in res->why. */
static int
run_remote(const struct doctor *d, const struct host *host,
    struct remote_result *res)
{
	struct cpp cpp;
	const struct remote_job job = { .argv = d->args.argv, .cpp = &cpp };
	int r;

	cpp_init(&cpp);
	cpp.input = "probe.i";
	cpp.is_started = cpp.is_done = true;
	cpp.text = probe_text;
	cpp.len = sizeof(probe_text) - 1;
	r = remote_run(&d->env, host, &job, res);
	if (r == 0 && res->status != 0) {
		char text[DOCTOR_TEXT_BYTES / 2];

		(void)snprintf(res->why, sizeof(res->why),
		    "the compile failed with exit code %d: %s",
		    spawn_exit_code((int)res->status),
		    log_escape(buf_view(&res->part[REPLY_SERR]), text,
		    sizeof(text)));
		r = ERR_ACCESS;
	}
	return r;
}

static bool
runs(const struct doctor *d, const struct host *host)
{
	struct remote_result res;
	int r;

	remote_result_init(&res);
	r = run_remote(d, host, &res);
	remote_result_free(&res);
	return r == 0;
}

static void
compare(const struct doctor *d, struct remote_result *res,
    struct doctor_report *report)
{
	const char *assembly = buf_str(&res->part[REPLY_DOTO]);

	if (assembly == NULL || d->assembly == NULL)
		return;
	doctor_version(assembly, report->version);
	if (strcmp(report->version, d->version) != 0)
		report->match = DOCTOR_OTHER_VERSION;
	else if (!doctor_same_code(assembly, d->assembly))
		report->match = DOCTOR_OTHER_OUTPUT;
	else
		report->match = DOCTOR_SAME;
}

/* returns what run_remote() did */
static int
check_job(const struct doctor *d, const struct host *host,
    struct doctor_report *report)
{
	int64_t start = clock_us();
	struct remote_result res;
	int r;

	remote_result_init(&res);
	r = run_remote(d, host, &res);
	if (r == 0) {
		report->job_us = clock_us() - start;
		report->status = DOCTOR_OK;
		report->is_authentic = host->has_auth || host->has_seal;
		compare(d, &res, report);
	} else {
		report->status = DOCTOR_FAILED;
		(void)snprintf(report->why, sizeof(report->why), "%.*s",
		    (int)sizeof(report->why) - 1, res.why);
	}
	remote_result_free(&res);
	return r;
}

/* The server's principal, as a job names it. */
static void
name_principal(const struct doctor *d, const struct host *host,
    struct doctor_report *report)
{
	if (!host->has_auth && !host->has_seal)
		return;
	if (host->auth_name != NULL)
		(void)snprintf(report->principal, sizeof(report->principal),
		    "%s", host->auth_name);
	else if (d->env.principal != NULL)
		(void)snprintf(report->principal, sizeof(report->principal),
		    "%s", d->env.principal);
	else
		(void)snprintf(report->principal, sizeof(report->principal),
		    "distcc@%s", host->name);
}

/* ---- addresses ---- */

static void
check_address(const struct addrinfo *ai, struct doctor_address *a)
{
	struct probe p;

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, a->text, sizeof(a->text),
	    NULL, 0, NI_NUMERICHOST) != 0)
		a->text[0] = '\0';
	probe_run(&p, ai->ai_addr, ai->ai_addrlen, 0, view_of(NULL, 0),
	    CONNECT_TIMEOUT_MS);
	a->connect_us = p.phase == PROBE_OK ? p.connect_us : -1;
	(void)snprintf(a->why, sizeof(a->why), "%.*s",
	    (int)sizeof(a->why) - 1, p.why);
	probe_free(&p);
}

/* Protocol 3 to the first address that answers, with all it needs. */
static int
check_pump(const struct doctor *d, const struct addrinfo *ai)
{
	struct buf request;
	struct probe p;
	int served = -1;

	if (probe_request(3, d->args.argv[0], &request) == 0) {
		probe_run(&p, ai->ai_addr, ai->ai_addrlen, 3,
		    buf_view(&request), d->env.io_timeout_s * 1000);
		served = p.phase == PROBE_OK ? 1 : 0;
		probe_free(&p);
	}
	buf_free(&request);
	return served;
}

/* in      try_pump: the server is not one that never answers */
static void
check_addresses(const struct doctor *d, const struct host *host,
    bool try_pump, struct doctor_report *report)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char port[8];
	int e;

	(void)snprintf(port, sizeof(port), "%u", host->port);
	e = getaddrinfo(host->name, port, &hints, &found);
	if (e != 0)
		return;		/* the job says why */
	for (const struct addrinfo *ai = found; ai != NULL &&
	    report->naddresses < DOCTOR_ADDRESSES; ai = ai->ai_next) {
		struct doctor_address *a =
		    &report->address[report->naddresses++];

		check_address(ai, a);
		if (try_pump && a->connect_us >= 0 && report->protocol[3] < 0)
			report->protocol[3] = check_pump(d, ai);
	}
	freeaddrinfo(found);
}

static bool
answers(const struct doctor_report *report)
{
	for (size_t i = 0; i < report->naddresses; i++)
		if (report->address[i].connect_us >= 0)
			return true;
	return report->job_us != 0;
}

/* Protocols 1 and 2, by the way that the host asks for. */
static void
check_protocols(const struct doctor *d, const struct host *host,
    struct doctor_report *report)
{
	struct host other = *host;

	other.has_cpp = false;
	other.is_compressed = false;
	report->protocol[1] = runs(d, &other);
#ifndef NO_LZO
	other.is_compressed = true;
	report->protocol[2] = runs(d, &other);
#endif
}

/* ---- the whole host ---- */

/* Why a job would pass it over just now. */
static void
check_skipped(const struct doctor *d, const struct host *host,
    struct doctor_report *report)
{
	const char *missing = host->has_auth || host->has_seal ?
	    auth_missing() : NULL;

	if (host->is_down)
		(void)snprintf(report->skipped, sizeof(report->skipped),
		    "the host list says ,down");
	else if (missing != NULL)
		(void)snprintf(report->skipped, sizeof(report->skipped), "%s",
		    missing);
	else if (backoff_state(&d->env, host) == BACKOFF_ON)
		(void)snprintf(report->skipped, sizeof(report->skipped),
		    "failed less than %ld s ago (DISTCC_BACKOFF_PERIOD)",
		    d->env.backoff_s);
}

static void
check_local(const struct doctor *d, struct doctor_report *report)
{
	int64_t start = clock_us();
	AUTOFREE char *assembly = doctor_assemble(d);

	if (assembly == NULL) {
		report->status = DOCTOR_FAILED;
		(void)snprintf(report->why, sizeof(report->why),
		    "the compiler here does not compile the probe");
		return;
	}
	report->job_us = clock_us() - start;
	report->match = DOCTOR_SAME;
	memcpy(report->version, d->version, sizeof(report->version));
}

static void
check_remote(const struct doctor *d, const struct host *host,
    struct doctor_report *report)
{
	bool is_dead;

	name_principal(d, host, report);
	is_dead = check_job(d, host, report) == ERR_TIMEOUT;
	if (host->kind == HOST_TCP)
		check_addresses(d, host, !is_dead && !host->has_auth &&
		    !host->has_seal, report);
	if (answers(report) && !is_dead)
		check_protocols(d, host, report);
}

void
doctor_check(const struct doctor *d, const struct host *host,
    struct doctor_report *report)
{
	memset(report, 0, sizeof(*report));
	for (int p = 0; p <= DOCTOR_PROTOCOLS; p++)
		report->protocol[p] = -1;
	check_skipped(d, host, report);
	if (host->kind == HOST_LOCAL)
		check_local(d, report);
	else
		check_remote(d, host, report);
	if (report->status == DOCTOR_OK && report->match != DOCTOR_SAME &&
	    report->match != DOCTOR_UNKNOWN)
		report->status = DOCTOR_DIFFERS;
	if (report->skipped[0] != '\0' && report->status != DOCTOR_FAILED)
		report->status = DOCTOR_SKIPPED;
}

/* ---- many jobs ---- */

static bool
one_job(const struct doctor *d, const struct host *host)
{
	AUTOFREE char *assembly = NULL;

	if (host->kind != HOST_LOCAL)
		return runs(d, host);
	assembly = doctor_assemble(d);
	return assembly != NULL;
}

/* One worker: sends how many jobs it did. */
static _Noreturn void
work(const struct doctor *d, const struct host *host, int64_t until, int fd)
{
	uint32_t n = 0;

	while (clock_ms() < until && one_job(d, host))
		n++;
	_exit(fd_write_all(fd, &n, sizeof(n), -1) < 0);
}

double
doctor_burst(const struct doctor *d, const struct host *host, int64_t ms)
{
	unsigned int workers = host->slots < BURST_WORKERS ? host->slots :
	    BURST_WORKERS;
	int64_t start = clock_us();
	uint32_t n, sum = 0;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 0;
	for (unsigned int i = 0; i < workers; i++)
		if (fork() == 0)
			work(d, host, clock_ms() + ms, fds[1]);
	(void)close(fds[1]);
	while (fd_read_exact(fds[0], &n, sizeof(n), -1) == 0)
		sum += n;
	(void)close(fds[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return sum * 1e6 / (double)(clock_us() - start);
}
