/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_listener - what a worker or a jailer says, in whatever order and state:
 * the listener stays, keeps no descriptor of theirs, and grants nothing twice.
 */
/* needs: server/listener/dispatch.c server/listener/clients.c server/listener/workers.c server/listener/master.c server/listener/keeper.c server/listener/slots.c server/listener/reserve.c server/listener/sources.c server/listener/ration.c server/listener/spawn.c server/listener/loop.c server/listener/net.c */
#include "server/listener/jailer.c"
#include "server/listener/dispatch.h"
#include "tests/fuzz/msgs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fixture {
	struct server server;
	struct msg_config config;
	struct client *client;
	int worker, jail;	/* the other ends */
};

static void
ignore(void *arg)
{
	(void)arg;
}

static struct loop_item
connected(int *other)
{
	int pair[2];

	MUST(chan_pair(pair) == 0);
	MUST(fd_set_nonblock(pair[0], true) == 0);
	MUST(fd_set_nonblock(pair[1], true) == 0);
	*other = pair[1];
	return (struct loop_item){ pair[0], ignore, NULL };
}

static void
prepare(struct fixture *f)
{
	struct server *s = &f->server;
	struct sockaddr_storage peer = { .ss_family = AF_INET };
	struct client *c = calloc(1, sizeof(*c));

	memset(f, 0, sizeof(*f));
	log_set_level(LOG_LVL_CRITICAL);
	s->opt.jobs = 2;
	s->opt.max_clients = 8;
	s->opt.limits = limits_default;
	s->stop_at_ms = -1;
	s->config = &f->config;
	s->keeper.chan = -1;
	f->config.ncompilers = 3;
	MUST(clients_init(s) == 0 && jailer_init(s) == 0);
	s->jailer.chan = connected(&f->jail);
	s->jailer.state = JAILER_READY;
	MUST(loop_add(&s->jailer.chan) == 0);
	*c = (struct client){ .server = s, .door.fd = -1, .job = MSGS_JOB,
	    .state = CLIENT_READING };
	c->chan = connected(&f->worker);
	MUST(sources_find(&s->sources, (struct sockaddr *)&peer, 1,
	    &c->source) == 0);
	sources_enter(&s->sources, c->source);
	MUST(loop_add(&c->chan) == 0);
	c->pid = -1;	/* no process; so the entry does not free itself */
	s->clients = f->client = c;
	s->nclients = 1;
}

static void
tear_down(struct fixture *f)
{
	(void)close(f->worker);
	(void)close(f->jail);
	clients_lose(f->client);
	if (f->server.jailer.chan.fd >= 0)
		(void)close(f->server.jailer.chan.fd);
	free(f->client);
	free(f->server.jailer.runs);
	slots_free(&f->server.slots);
	reserve_free(&f->server.reserve);
	sources_free(&f->server.sources);
}

static void
one(struct fixture *f, const uint8_t *op, const uint8_t *text, size_t len)
{
	struct server *s = &f->server;
	bool is_worker = op[0] % 2 == 0;
	int r;

	if ((is_worker ? f->client->chan.fd : s->jailer.chan.fd) < 0 ||
	    !msgs_send(is_worker ? f->worker : f->jail, op, text, len))
		return;
	if (op[0] % 8 == 7)
		s->jailer.state = JAILER_STARTING;
	r = is_worker ? dispatch_worker(f->client) : receive(s);
	MUST(r <= 0);
	if (r < 0 && r != ERR_BUSY) {
		if (is_worker)
			clients_lose(f->client);
		else
			go_down(s, "fuzzed");
	}
	MUST(slots_running(&s->slots) <= s->opt.jobs);
	MUST(s->jailer.nlayers <= JAILER_LAYERS_MAX);
	MUST(s->nclients == 1);
	msgs_drain(f->worker);
	msgs_drain(f->jail);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_open;
	struct fixture f;
	size_t n = size / (2 * OP_BYTES), files;

	if (!is_open)
		MUST(loop_open() == 0);
	is_open = true;
	files = msgs_open_files();
	prepare(&f);
	for (size_t i = 0; i < n && i < 64; i++)
		one(&f, data + i * OP_BYTES, data + n * OP_BYTES,
		    size - n * OP_BYTES);
	tear_down(&f);
	MUST(msgs_open_files() == files);
	return 0;
}
