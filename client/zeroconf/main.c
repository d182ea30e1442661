/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distcc-zeroconf - keep DISTCC_DIR/zeroconf/hosts: the servers on the local
 * network that announce themselves as _distcc._tcp, as Avahi tells.  distcc
 * starts it for "+zeroconf"; it ends when no job has needed it for long.
 */
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/simple-watch.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/zeroconf.h"
#include "client/zeroconf/found.h"
#include "client/zeroconf/version.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/sandbox.h"

#define SERVICE		"_distcc._tcp"
#define TURN_MS		250	/* between looks at what else is to be done */
#define FIRST_MS	2000	/* then there is a list, though it be empty */
#define RETRY_MS	10000	/* until D-Bus or Avahi is asked for again */
#define LIST_MAX_BYTES	(FOUND_MAX * 128)

static struct state {
	AvahiSimplePoll *poll;
	AvahiClient *client;
	AvahiServiceBrowser *browser;
	struct found_list found;
	size_t asking;		/* resolvers at work */
	bool is_complete;	/* Avahi has told what it knows so far */
	bool is_dirty;		/* the file is not what we know */
	bool has_list;		/* there is a file: perhaps an older one */
	bool has_failed;	/* the client is of no use any more */
	int64_t retry_ms;	/* when to make another one */
	int64_t settle_ms;	/* when to write what there is */
	int dir;		/* DISTCC_DIR/zeroconf */
	int lock;
	struct utsname uts;
	char version[VERSION_BYTES];	/* of our gcc */
} state;

/* ---- the file ---- */

static int
write_list(struct buf *b)
{
	AUTOFD fd = openat(state.dir, "hosts.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int r = fd < 0 ? ERR_SYS : fd_write_all(fd, b->ptr, b->len, -1);

	if (r == 0 && renameat(state.dir, "hosts.new", state.dir, "hosts") < 0)
		r = ERR_SYS;
	return r;
}

static void
update(void)
{
	struct buf b = BUF_INIT(LIST_MAX_BYTES);
	int r = found_print(&state.found, &b);

	if (r == 0)
		r = write_list(&b);
	if (r < 0)
		log_warnx("cannot write the list: %s", err_text(r));
	state.is_dirty = false;
	state.has_list = true;
	buf_free(&b);
}

/* ---- what Avahi tells ---- */

/* One "KEY=VALUE"; freed with avahi_free(); NULL: not there */
static char *
text_value(AvahiStringList *texts, const char *key)
{
	AvahiStringList *t = avahi_string_list_find(texts, key);
	char *value = NULL;

	if (t == NULL || avahi_string_list_get_pair(t, NULL, &value, NULL) < 0)
		return NULL;
	return value;
}

static bool
is_for_us(AvahiStringList *texts)
{
	char *triple = text_value(texts, "cc_machine");
	char *version = text_value(texts, "cc_version");
	bool is_ours = found_is_for(triple, state.uts.machine) &&
	    found_is_version(version, state.version);

	avahi_free(triple);
	avahi_free(version);
	return is_ours;
}

static unsigned int
slots_of(AvahiStringList *texts)
{
	char *jobs = text_value(texts, "jobs");
	char *cpus = text_value(texts, "cpus");
	unsigned int n = found_slots(jobs, cpus);

	avahi_free(jobs);
	avahi_free(cpus);
	return n;
}

static void
put(AvahiIfIndex interface, AvahiProtocol protocol, const char *name,
    const AvahiAddress *address, uint16_t port, AvahiStringList *texts)
{
	struct found f = {
		.interface = interface, .protocol = protocol, .port = port,
		.is_ipv6 = address->proto == AVAHI_PROTO_INET6,
		.slots = slots_of(texts),
	};
	char text[AVAHI_ADDRESS_STR_MAX];

	if (!is_for_us(texts))
		return;
	(void)snprintf(f.name, sizeof(f.name), "%s", name);
	avahi_address_snprint(text, sizeof(text), address);
	/* fe80::/10 means another machine on each interface */
	if (f.is_ipv6 && strncmp(text, "fe80:", 5) == 0)
		(void)snprintf(f.address, sizeof(f.address), "%s%%%d", text,
		    interface);
	else
		(void)snprintf(f.address, sizeof(f.address), "%s", text);
	if (found_put(&state.found, &f) == 0)
		state.is_dirty = true;
}

static void
on_resolved(AvahiServiceResolver *r, AvahiIfIndex interface,
    AvahiProtocol protocol, AvahiResolverEvent event, const char *name,
    const char *type, const char *domain, const char *host,
    const AvahiAddress *address, uint16_t port, AvahiStringList *texts,
    AvahiLookupResultFlags flags, void *arg)
{
	(void)type;
	(void)domain;
	(void)host;
	(void)flags;
	(void)arg;
	if (event == AVAHI_RESOLVER_FOUND)
		put(interface, protocol, name, address, port, texts);
	state.asking--;
	avahi_service_resolver_free(r);
}

static void
on_browsed(AvahiServiceBrowser *b, AvahiIfIndex interface,
    AvahiProtocol protocol, AvahiBrowserEvent event, const char *name,
    const char *type, const char *domain, AvahiLookupResultFlags flags,
    void *arg)
{
	(void)b;
	(void)flags;
	(void)arg;
	switch (event) {
	case AVAHI_BROWSER_NEW:
		if (avahi_service_resolver_new(state.client, interface,
		    protocol, name, type, domain, AVAHI_PROTO_UNSPEC, 0,
		    on_resolved, NULL) != NULL)
			state.asking++;
		break;
	case AVAHI_BROWSER_REMOVE:
		found_remove(&state.found, interface, protocol, name);
		state.is_dirty = true;
		break;
	case AVAHI_BROWSER_ALL_FOR_NOW:
		state.is_complete = true;
		break;
	case AVAHI_BROWSER_FAILURE:
		state.has_failed = true;
		break;
	case AVAHI_BROWSER_CACHE_EXHAUSTED:
		break;
	}
}

static void
on_client(AvahiClient *client, AvahiClientState what, void *arg)
{
	(void)arg;
	/* its daemon has gone: meanwhile the list is what it was */
	if (what == AVAHI_CLIENT_FAILURE) {
		log_warnx("Avahi: %s",
		    avahi_strerror(avahi_client_errno(client)));
		state.has_failed = true;
	}
	if (what == AVAHI_CLIENT_S_RUNNING && state.browser == NULL)
		state.browser = avahi_service_browser_new(client,
		    AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, SERVICE, NULL, 0,
		    on_browsed, NULL);
}

/* ---- the process ---- */

/* returns ERR_BUSY when there is one already */
static int
take_place(const struct env *env)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[DIRS_PATH_BYTES];
	int r = dirs_top(env, path, sizeof(path), ZEROCONF_LOCK);

	if (r < 0)
		return r;
	state.lock = dirs_open(env, path, O_RDWR | O_CREAT | O_CLOEXEC);
	if (state.lock < 0)
		return state.lock;
	if (fcntl(state.lock, F_SETLK, &lock) < 0)
		return ERR_BUSY;
	(void)futimens(state.lock, NULL);
	*strrchr(path, '/') = '\0';
	state.dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return state.dir < 0 ? ERR_SYS : 0;
}

/* Also when DISTCC_DIR was removed. */
static bool
is_needed(void)
{
	struct stat st;

	return fstat(state.lock, &st) == 0 && st.st_nlink != 0 &&
	    time(NULL) - st.st_mtime < ZEROCONF_IDLE_S;
}

/* ---- the connection to Avahi ---- */

static void
disconnect(void)
{
	if (state.client != NULL)
		avahi_client_free(state.client);	/* browsers, too */
	if (state.poll != NULL)
		avahi_simple_poll_free(state.poll);
	state.client = NULL;
	state.poll = NULL;
	state.browser = NULL;
	state.asking = 0;
}

/* NO_FAIL: D-Bus is enough, the daemon may come later. */
static void
reconnect(void)
{
	int error = AVAHI_ERR_NO_MEMORY;

	state.found.n = 0;
	state.is_dirty = true;
	state.is_complete = state.has_failed = false;
	state.settle_ms = clock_ms() + FIRST_MS;
	state.retry_ms = clock_ms() + RETRY_MS;
	state.poll = avahi_simple_poll_new();
	if (state.poll != NULL)
		state.client = avahi_client_new(
		    avahi_simple_poll_get(state.poll), AVAHI_CLIENT_NO_FAIL,
		    on_client, NULL, &error);
	if (state.client == NULL) {
		log_warnx("Avahi: %s", avahi_strerror(error));
		state.has_failed = true;
	}
}

static void
turn(void)
{
	const struct timespec rest = { 0, TURN_MS * 1000000L };

	if (state.poll == NULL && clock_ms() >= state.retry_ms)
		reconnect();
	if (state.has_failed && state.poll != NULL)
		disconnect();
	if (state.poll == NULL)
		(void)nanosleep(&rest, NULL);
	else if (avahi_simple_poll_iterate(state.poll, TURN_MS) != 0)
		state.has_failed = true;
}

/* Whoever announces what cannot be resolved does not hold up the others. */
static bool
is_settled(void)
{
	return state.is_complete &&
	    (state.asking == 0 || clock_ms() >= state.settle_ms);
}

/* A list of what was known before is better than none; and when there is none,
 * no job shall wait for it. */
static void
run(void)
{
	while (is_needed()) {
		turn();
		if (is_settled() ? state.is_dirty : !state.has_list &&
		    (state.has_failed || clock_ms() >= state.settle_ms))
			update();
	}
	disconnect();
}

/*
 * What it reads now was said by anybody on the network, and went through Avahi
 * and D-Bus.  From here on it can write its own directory and no more, run
 * nothing, and connect to no TCP port; a kernel without Landlock does without.
 */
static void
confine(void)
{
	static const char *const readable[] = { "/etc/machine-id",
	    "/var/lib/dbus/machine-id", NULL };
	char dir[32];
	int r;

	(void)snprintf(dir, sizeof(dir), "/proc/self/fd/%d", state.dir);
	r = sandbox_few_files(readable, dir);
	if (r < 0)
		log_warnx("no Landlock here: %s", err_text(r));
}

int
main(void)
{
	struct env env;
	int r;

	log_init("distcc-zeroconf");
	env_load(&env);
	r = take_place(&env);
	if (r == ERR_BUSY)
		return 0;
	if (r < 0) {
		log_errx("cannot use DISTCC_DIR: %s", err_text(r));
		return 1;
	}
	/* neither a terminal's signals nor a directory of the build's */
	(void)setsid();
	if (chdir("/") < 0)
		log_warn("cannot change to /");
	(void)uname(&state.uts);
	version_ask(&env, state.version);
	state.has_list = faccessat(state.dir, "hosts", F_OK, 0) == 0;
	confine();
	run();
	return 0;
}
