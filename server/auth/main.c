/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distccd-auth - clients' handshakes.  Started once by distccd with the
 * descriptors of server/msg.h; loads GSSAPI, shuts itself in, and then forks a
 * process for each client, which gives up still more before it meets it.  The
 * first process never has a client's socket.  (To start afresh for each client
 * would take longer than the handshake.  What a fork shares with its siblings,
 * it could not keep from who took it over anyway: it holds the keytab.)
 */
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "auth/config.h"
#include "auth/context.h"
#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/sandbox.h"
#include "server/auth/handshake.h"
#include "server/forker.h"

#define MEMORY_BYTES	(160ULL * 1024 * 1024)	/* address space */
#define TEXT(n)		TEXT_(n)
#define TEXT_(n)	#n
#define KEYTAB		"FILE:/proc/self/fd/" TEXT(MSG_KEYTAB_FD)
#define REPLAY_FILE	"/proc/self/fd/" TEXT(MSG_REPLAY_FD)

static struct handshake handshake;

static int
map_config(struct handshake *h, int fd)
{
	struct stat st;
	void *map = MAP_FAILED;

	if (fd_is_sealed(fd) && fstat(fd, &st) == 0 &&
	    st.st_size == (off_t)sizeof(*h->config))
		map = mmap(NULL, sizeof(*h->config), PROT_READ, MAP_SHARED, fd,
		    0);
	if (map == MAP_FAILED)
		return ERR_PROTOCOL;
	h->config = map;
	return h->config->magic == MSG_CONFIG_MAGIC ? 0 : ERR_PROTOCOL;
}

/* The keytab's and the replay cache's descriptors go to their numbers. */
static int
hello(struct handshake *h)
{
	struct msg_plain m;
	int fds[CHAN_FDS_MAX], r;
	size_t nfds;
	ssize_t n = chan_recv(MSG_CHAN_FD, &m, sizeof(m), fds, &nfds);

	if (n != (ssize_t)sizeof(m) || m.head.type != MSG_AUTH_HELLO ||
	    nfds != 3)
		return ERR_PROTOCOL;
	h->job = m.head.job;
	r = map_config(h, fds[0]);
	fd_close(&fds[0]);
	if (r < 0)
		return r;
	/* they came as the lowest free numbers, which may be these */
	for (int i = 1; i <= 2; i++) {
		int high = fcntl(fds[i], F_DUPFD, MSG_REPLAY_FD + 1);

		if (high < 0)
			return ERR_SYS;
		fd_close(&fds[i]);
		fds[i] = high;
	}
	if (dup2(fds[1], MSG_KEYTAB_FD) < 0 || dup2(fds[2], MSG_REPLAY_FD) < 0)
		return ERR_SYS;
	fd_close(&fds[1]);
	fd_close(&fds[2]);
	return 0;
}

static int
set_environment(void)
{
	return setenv("KRB5_KTNAME", KEYTAB, 1) < 0 ||
	    setenv("KRB5RCACHENAME", "file2:" REPLAY_FILE, 1) < 0 ?
	    ERR_NOMEM : 0;
}

static int
confine(void)
{
	int r = sandbox_confine_auth(MEMORY_BYTES, config_paths(),
	    REPLAY_FILE);

	if (r < 0)
		log_errx("can't confine distccd-auth: %s", err_text(r));
	return r;
}

/* Whether the keytab is good for anything is found out now, not later. */
static int
say_ready(struct handshake *h)
{
	struct msg_auth_ready m = { .head = { MSG_AUTH_READY, h->job } };
	struct context *c = context_new();
	int r = c != NULL ? context_open_acceptor(c) : ERR_NOMEM;

	if (r == ERR_ACCESS)
		log_errx("%s", context_why(c));
	context_free(c);
	if (r < 0)
		return r;
	r = context_default_realm(m.realm, sizeof(m.realm));
	return r < 0 ? r : chan_send(MSG_CHAN_FD, &m, sizeof(m), NULL, 0);
}

static int
set_up(struct handshake *h)
{
	int r = hello(h);

	if (r < 0)
		return r;
	log_set_level((enum log_level)h->config->log_level);
	log_to_sink(handshake_log, h);
	if ((r = set_environment()) < 0)
		return r;
	if (context_warm_up() < 0) {
		log_errx("libgssglue finds no mechanism; see "
		    "/etc/gssapi_mech.conf");
		return ERR_UNSUPPORTED;
	}
	if ((r = confine()) < 0)
		return r;
	return say_ready(h);
}

/* Wait, perhaps long, for a client. */
static int
take_client(struct handshake *h)
{
	struct msg_plain m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	ssize_t n = chan_recv(MSG_CHAN_FD, &m, sizeof(m), fds, &nfds);

	if (n == ERR_CLOSED)
		return ERR_CLOSED;
	if (n != (ssize_t)sizeof(m) || m.head.type != MSG_AUTH_BEGIN ||
	    nfds != 2)
		return ERR_PROTOCOL;
	h->job = m.head.job;
	h->deadline_ms = clock_ms() + h->config->limits.header_ms;
	h->in = fds[0];
	h->out = fds[1];
	return 0;
}

/* --- in the forked process ---------------------------------------------- */

static int
serve(struct handshake *h)
{
	AUTOFD context = -1;

	if (sandbox_confine_forked(&h->config->auth_filter) < 0 ||
	    take_client(h) < 0)
		return EXIT_FAILURE;
	(void)!handshake_run(h, &context);
	h->over.head = (struct msg_head){ MSG_AUTH_OVER, h->job };
	h->over.is_sealed = context >= 0 ? 1 : 0;
	return chan_send(MSG_CHAN_FD, &h->over, sizeof(h->over), &context,
	    context >= 0 ? 1 : 0) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(void)
{
	struct handshake *h = &handshake;
	int r;

	log_init("distccd-auth");
	/* started from a descriptor: older kernels make that its name */
	(void)prctl(PR_SET_NAME, program_invocation_short_name);
	(void)signal(SIGPIPE, SIG_IGN);
	r = set_up(h);
	if (r == 0)
		r = forker_serve();
	if (r == 1)
		return serve(h);
	return r == ERR_CLOSED ? EXIT_SUCCESS : EXIT_FAILURE;
}
