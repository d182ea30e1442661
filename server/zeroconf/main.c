/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distccd-zeroconf - announce the daemon on the local network, through Avahi.
 *
 * Started by "distccd --zeroconf" as the workers' user, with what it is to say
 * in its environment.  It asks the compiler for its name and version, shuts
 * itself in, and then talks to D-Bus only: it reads no byte that a client or
 * the network sent, and has no channel to the daemon.  When it ends, with the
 * daemon at the latest, Avahi takes the announcement back.
 */
#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/domain.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/opt.h"
#include "sandbox/sandbox.h"
#include "server/jail/capture.h"
#include "server/msg.h"

#define SERVICE		"_distcc._tcp"
#define MEMORY_BYTES	(256ULL * 1024 * 1024)	/* address space */
#define RETRY_S		10	/* until D-Bus is asked for again */
#define ANSWER_MAX_BYTES 4096
#define WORD_BYTES	48	/* a label of DNS has 63 */
#define COLLISIONS_MAX	100

static struct state {
	AvahiSimplePoll *poll;
	AvahiClient *client;
	AvahiEntryGroup *group;
	char *name;		/* owns: what we are called */
	unsigned int collisions;
	bool has_failed;
	uint16_t port;
	long jobs;
	struct utsname uts;
	char machine[WORD_BYTES], version[WORD_BYTES];	/* "": not known */
} state;

/* ---- what it says ---- */

/* The first word that the compiler answers. returns whether it is one */
static bool
ask(const char *compiler, const char *option, char *out)
{
	char *argv[] = { (char *)(uintptr_t)compiler,
	    (char *)(uintptr_t)option, NULL };
	const struct capture_as as = { .drop = 0 };
	struct buf b = BUF_INIT(ANSWER_MAX_BYTES);
	size_t n = 0;

	if (access(compiler, X_OK) == 0 && capture_run(argv, &as, &b) == 0)
		n = strcspn(buf_str(&b), " \n");
	if (n < WORD_BYTES)
		(void)snprintf(out, WORD_BYTES, "%.*s", (int)n, buf_str(&b));
	buf_free(&b);
	return out[0] != '\0';
}

static void
ask_compiler(void)
{
	static const char *const names[] = { "/usr/local/bin/gcc",
	    "/usr/bin/gcc", "/usr/local/bin/cc", "/usr/bin/cc" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ask(names[i], "-dumpmachine", state.machine) &&
		    ask(names[i], "-dumpversion", state.version))
			return;
}

static AvahiStringList *
texts(void)
{
	AvahiStringList *l = avahi_string_list_new("txtvers=1",
	    "distcc=" VERSION, NULL);

	l = avahi_string_list_add_printf(l, "cpus=%ld",
	    sysconf(_SC_NPROCESSORS_ONLN));
	l = avahi_string_list_add_printf(l, "jobs=%ld", state.jobs);
	l = avahi_string_list_add_printf(l, "gnuhost=%s-pc-linux-gnu",
	    state.uts.machine);
	if (state.version[0] != '\0') {
		l = avahi_string_list_add_printf(l, "cc_version=%s",
		    state.version);
		l = avahi_string_list_add_printf(l, "cc_machine=%s",
		    state.machine);
	}
	return l;
}

/* Stock's clients ask for servers with their own compiler by such a name. */
static int
add_subtype(void)
{
	char type[sizeof("_--._sub." SERVICE) + 2 * (size_t)WORD_BYTES];
	int n = snprintf(type, sizeof(type), "_%s--%s", state.machine,
	    state.version);

	if (state.version[0] == '\0' || n > AVAHI_LABEL_MAX - 1)
		return 0;
	for (char *c = type + 1; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
	(void)snprintf(type + n, sizeof(type) - (size_t)n, "._sub." SERVICE);
	return avahi_entry_group_add_service_subtype(state.group,
	    AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, 0, state.name, SERVICE, NULL,
	    type);
}

/* ---- saying it ---- */

/* returns whether there is another name to try */
static bool
rename_us(void)
{
	char *next = avahi_alternative_service_name(state.name);

	if (next == NULL || ++state.collisions > COLLISIONS_MAX)
		return false;
	avahi_free(state.name);
	state.name = next;
	(void)avahi_entry_group_reset(state.group);
	return true;
}

static int
add_all(void)
{
	AvahiStringList *l = texts();
	int e = avahi_entry_group_add_service_strlst(state.group,
	    AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, 0, state.name, SERVICE, NULL,
	    NULL, state.port, l);

	avahi_string_list_free(l);
	if (e == AVAHI_OK)
		e = add_subtype();
	return e == AVAHI_OK ? avahi_entry_group_commit(state.group) : e;
}

static void
announce(void)
{
	int e;

	do {
		e = add_all();
	} while (e == AVAHI_ERR_COLLISION && rename_us());
	if (e != AVAHI_OK) {
		log_errx("cannot announce: %s", avahi_strerror(e));
		state.has_failed = true;
	}
}

static void
on_group(AvahiEntryGroup *group, AvahiEntryGroupState what, void *arg)
{
	(void)group;
	(void)arg;
	if (what == AVAHI_ENTRY_GROUP_ESTABLISHED)
		log_info("announced as \"%s\"", state.name);
	else if (what == AVAHI_ENTRY_GROUP_COLLISION && rename_us())
		announce();
	else if (what == AVAHI_ENTRY_GROUP_COLLISION ||
	    what == AVAHI_ENTRY_GROUP_FAILURE)
		state.has_failed = true;
}

static void
begin(AvahiClient *client)
{
	if (state.group == NULL)
		state.group = avahi_entry_group_new(client, on_group, NULL);
	if (state.group == NULL)
		state.has_failed = true;
	else if (avahi_entry_group_is_empty(state.group))
		announce();
}

static void
on_client(AvahiClient *client, AvahiClientState what, void *arg)
{
	(void)arg;
	if (what == AVAHI_CLIENT_S_RUNNING) {
		begin(client);
	} else if (what == AVAHI_CLIENT_FAILURE) {
		log_errx("Avahi: %s",
		    avahi_strerror(avahi_client_errno(client)));
		state.has_failed = true;
	} else if (what != AVAHI_CLIENT_CONNECTING && state.group != NULL) {
		/* the host takes another name: again when it has it */
		(void)avahi_entry_group_reset(state.group);
	}
}

/* ---- the process ---- */

/* One connection to D-Bus, until something goes wrong with it. */
static void
serve(void)
{
	int e = AVAHI_ERR_NO_MEMORY;

	state.has_failed = false;
	state.poll = avahi_simple_poll_new();
	if (state.poll != NULL)
		state.client = avahi_client_new(
		    avahi_simple_poll_get(state.poll), AVAHI_CLIENT_NO_FAIL,
		    on_client, NULL, &e);
	if (state.client == NULL)
		log_errx("Avahi: %s", avahi_strerror(e));
	while (state.client != NULL && !state.has_failed &&
	    avahi_simple_poll_iterate(state.poll, -1) == 0)
		;
	if (state.client != NULL)
		avahi_client_free(state.client);	/* the group, too */
	if (state.poll != NULL)
		avahi_simple_poll_free(state.poll);
	state.client = NULL;
	state.group = NULL;
	state.poll = NULL;
}

static int
confine(void)
{
	/* D-Bus is a path; which path, its library knows itself */
	static const char *const readable[] = { "/etc/machine-id",
	    "/var/lib/dbus/machine-id", NULL };

	return sandbox_confine_auth(MEMORY_BYTES, readable, NULL);
}

static int
number(const char *name, long max, long *out)
{
	const char *value = getenv(name);

	return opt_number(name, value != NULL ? value : "", 1, max, out);
}

static int
prepare(void)
{
	char *name;
	long port;
	int r = number(MSG_ZEROCONF_PORT, UINT16_MAX, &port);

	if (r == 0)
		r = number(MSG_ZEROCONF_JOBS, INT32_MAX, &state.jobs);
	if (r < 0 || uname(&state.uts) < 0)
		return r < 0 ? r : ERR_SYS;
	state.port = (uint16_t)port;
	ask_compiler();
	name = avahi_strdup_printf("distcc@%.*s", 48, state.uts.nodename);
	state.name = name;
	return name != NULL ? confine() : ERR_NOMEM;
}

int
main(void)
{
	int r;

	log_init("distccd-zeroconf");
	/* started from a descriptor: older kernels make that its name */
	(void)prctl(PR_SET_NAME, program_invocation_short_name);
	r = prepare();
	if (r < 0) {
		log_errx("cannot start: %s", err_text(r));
		return 1;
	}
	for (;;) {
		const struct timespec rest = { RETRY_S, 0 };

		serve();
		(void)nanosleep(&rest, NULL);
	}
}
