/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/listener/dispatch.c server/listener/clients.c server/listener/workers.c server/listener/master.c server/listener/jailer.c server/listener/keeper.c server/listener/slots.c server/listener/reserve.c server/listener/sources.c server/listener/ration.c server/listener/spawn.c server/listener/loop.c server/listener/net.c */
/*
 * A worker that is under somebody else's control says all it can: nothing but
 * what the table allows may have an effect, and nothing ends the listener.
 */
#include "tests/unit/wire_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/clients.h"
#include "server/listener/dispatch.h"
#include "server/listener/jailer.h"

#define JOB	7

struct fixture {
	struct server server;
	struct msg_config config;
	struct client *client;
	int worker;		/* the worker's end */
	int jail;		/* the jailer's end */
};

static void
ignore(void *arg)
{
	(void)arg;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct server *s = &f->server;
	struct sockaddr_storage peer = { .ss_family = AF_INET };
	struct client *c = calloc(1, sizeof(*c));
	int pair[2];

	log_set_level(LOG_LVL_CRITICAL);
	s->opt.jobs = 2;
	s->opt.max_clients = 8;
	s->opt.limits = limits_default;
	s->stop_at_ms = -1;
	s->config = &f->config;
	f->config.ncompilers = 3;
	assert_int_equal(loop_open(), 0);
	assert_int_equal(clients_init(s), 0);
	assert_int_equal(jailer_init(s), 0);
	assert_int_equal(chan_pair(pair), 0);
	f->jail = pair[1];
	s->jailer.chan = (struct loop_item){ pair[0], ignore, NULL };
	s->jailer.state = JAILER_READY;
	assert_int_equal(loop_add(&s->jailer.chan), 0);
	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(fd_set_nonblock(pair[0], true), 0);
	assert_int_equal(fd_set_nonblock(pair[1], true), 0);
	assert_int_equal(fd_set_nonblock(f->jail, true), 0);
	f->worker = pair[1];
	*c = (struct client){ .server = s, .door.fd = -1,
	    .chan = { pair[0], ignore, NULL }, .job = JOB, .state = CLIENT_READING };
	assert_int_equal(sources_find(&s->sources, (struct sockaddr *)&peer, 1,
	    &c->source), 0);
	sources_enter(&s->sources, c->source);
	assert_int_equal(loop_add(&c->chan), 0);
	/* no process: pid 0 would make the entry free itself */
	c->pid = -1;
	s->clients = f->client = c;
	s->nclients = 1;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	fd_close(&f->worker);
	fd_close(&f->jail);
	clients_lose(f->client);
	if (f->server.jailer.chan.fd >= 0)
		(void)close(f->server.jailer.chan.fd);
	free(f->client);
	free(f->server.jailer.runs);
	slots_free(&f->server.slots);
	reserve_free(&f->server.reserve);
	sources_free(&f->server.sources);
	free(f);
	return 0;
}

static int
say(struct fixture *f, const void *msg, size_t len, const int *fds, size_t n)
{
	assert_int_equal(chan_send(f->worker, msg, len, fds, n), 0);
	return dispatch_worker(f->client);
}

static int
say_plain(struct fixture *f, uint32_t type)
{
	struct msg_plain m = { .head = { type, JOB } };

	return say(f, &m, sizeof(m), NULL, 0);
}

static void
expect(int fd, uint32_t type)
{
	union {
		struct msg_head head;
		struct msg_compiled compiled;
	} m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	ssize_t n = chan_recv(fd, &m, sizeof(m), fds, &nfds);

	assert_true(n > 0);
	assert_int_equal(m.head.type, type);
	assert_int_equal(m.head.job, JOB);
	for (size_t i = 0; i < nfds; i++)
		(void)close(fds[i]);
}

static void
expect_nothing(int fd)
{
	char byte;

	assert_int_equal(chan_recv(fd, &byte, 1, NULL, NULL), ERR_BUSY);
}

static int
sealed_job(size_t len, bool sealed)
{
	int fd = fd_memfd("job");

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	if (sealed)
		assert_int_equal(fd_seal(fd), 0);
	return fd;
}

static int
say_compile(struct fixture *f, uint32_t compiler, uint32_t protocol,
    size_t len, bool sealed)
{
	struct msg_compile m = { .head = { MSG_COMPILE, JOB },
	    .compiler = compiler, .protocol = protocol };
	AUTOFD fd = sealed_job(len, sealed);

	return say(f, &m, sizeof(m), &fd, 1);
}

static void
get_slot(struct fixture *f)
{
	assert_int_equal(say_plain(f, MSG_SLOT), 0);
	expect(f->worker, MSG_SLOT_GRANTED);
	assert_int_equal(f->client->state, CLIENT_GRANTED);
}

/* ---- */

static void
test_good_life(void **state)
{
	struct fixture *f = *state;
	struct msg_compiled done = { .head = { MSG_COMPILED, JOB } };
	struct msg_summary end = { .head = { MSG_SUMMARY, JOB } };
	struct msg_reserve ask = { .head = { MSG_RESERVE, JOB },
	    .bytes = 1000 };

	assert_int_equal(say(f, &ask, sizeof(ask), NULL, 0), 0);
	expect(f->worker, MSG_RESERVED);
	get_slot(f);
	assert_int_equal(say_compile(f, 2, 1, 4096, true), 0);
	expect(f->jail, MSG_RUN);
	assert_int_equal(f->client->state, CLIENT_COMPILING);
	clients_compiled(&f->server, &done, NULL, 0);
	expect(f->worker, MSG_COMPILED);
	assert_int_equal(slots_running(&f->server.slots), 0);
	assert_int_equal(f->server.reserve.used, 0);
	assert_int_equal(say(f, &end, sizeof(end), NULL, 0), 0);
	assert_int_equal(f->client->state, CLIENT_ENDED);
	/* and nothing after the last word */
	assert_int_equal(say_plain(f, MSG_SLOT), ERR_PROTOCOL);
	assert_int_equal(say(f, &end, sizeof(end), NULL, 0), ERR_PROTOCOL);
}

static void
test_states(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(say_compile(f, 0, 1, 4096, true), ERR_PROTOCOL);
	expect_nothing(f->jail);
	get_slot(f);
	assert_int_equal(say_plain(f, MSG_SLOT), ERR_PROTOCOL);
	assert_int_equal(slots_running(&f->server.slots), 1);
	assert_int_equal(say_compile(f, 0, 1, 4096, true), 0);
	assert_int_equal(say_compile(f, 0, 1, 4096, true), ERR_PROTOCOL);
	expect(f->jail, MSG_RUN);
	expect_nothing(f->jail);
}

/* Types that only others send, and types that nobody does. */
static void
test_foreign_types(void **state)
{
	struct fixture *f = *state;

	for (uint32_t type = 0; type < 64; type++) {
		if (type == MSG_SLOT)
			continue;
		/* the types that a worker may send are longer */
		assert_int_equal(say_plain(f, type), ERR_PROTOCOL);
	}
	expect_nothing(f->jail);
	expect_nothing(f->worker);
	assert_int_equal(f->client->state, CLIENT_READING);
}

static void
test_shape(void **state)
{
	struct fixture *f = *state;
	struct msg_plain other = { .head = { MSG_SLOT, JOB + 1 } };
	struct msg_plain slot = { .head = { MSG_SLOT, JOB } };
	char big[sizeof(struct msg_summary) + 64] = { 0 };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(say(f, &other, sizeof(other), NULL, 0), ERR_PROTOCOL);
	assert_int_equal(say(f, &slot, sizeof(slot) - 1, NULL, 0),
	    ERR_PROTOCOL);
	assert_int_equal(say(f, &slot, 1, NULL, 0), ERR_PROTOCOL);
	memcpy(big, &slot, sizeof(slot));
	assert_int_equal(say(f, big, sizeof(slot) + 1, NULL, 0), ERR_PROTOCOL);
	assert_int_equal(say(f, big, sizeof(big), NULL, 0), ERR_PROTOCOL);
	assert_int_equal(say(f, &slot, sizeof(slot), &null, 1), ERR_PROTOCOL);
	assert_int_equal(slots_waiting(&f->server.slots), 0);
	(void)close(null);
}

static void
test_descriptors_do_not_leak(void **state)
{
	struct fixture *f = *state;
	struct msg_plain slot = { .head = { MSG_SLOT, JOB } };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), before, after;
	int fds[CHAN_FDS_MAX] = { null, null, null, null };

	before = dup(null);
	(void)close(before);
	for (int i = 0; i < 50; i++)
		assert_int_equal(say(f, &slot, sizeof(slot), fds,
		    CHAN_FDS_MAX), ERR_PROTOCOL);
	after = dup(null);
	(void)close(after);
	assert_int_equal(before, after);
	(void)close(null);
}

static void
test_bad_compiles(void **state)
{
	struct fixture *f = *state;

	get_slot(f);
	/* each is tried for itself: "once" would hide the others */
	const struct {
		uint32_t compiler, protocol;
		size_t len;
		bool sealed;
		int want;
	} bad[] = {
		{ 3, 1, 4096, true, ERR_PROTOCOL },
		{ MSG_COMPILER_ANY, 1, 4096, true, ERR_PROTOCOL },
		{ 0, 0, 4096, true, ERR_PROTOCOL },
		{ 0, 4, 4096, true, ERR_PROTOCOL },
		{ 0, 1, 4096, false, ERR_PROTOCOL },
		{ 0, 1, 4, true, ERR_LIMIT },
		{ 0, 1, MSG_JOB_MAX_BYTES + 1, true, ERR_LIMIT },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f->client->seen = 0;
		f->client->state = CLIENT_GRANTED;
		assert_int_equal(say_compile(f, bad[i].compiler,
		    bad[i].protocol, bad[i].len, bad[i].sealed), bad[i].want);
		expect_nothing(f->jail);
	}
	f->client->seen = 0;
	f->config.any_command = 1;
	assert_int_equal(say_compile(f, MSG_COMPILER_ANY, 1, 4096, true), 0);
	expect(f->jail, MSG_RUN);
}

static void
test_bad_numbers(void **state)
{
	struct fixture *f = *state;
	struct msg_reserve ask = { .head = { MSG_RESERVE, JOB } };
	struct msg_summary end = { .head = { MSG_SUMMARY, JOB } };

	assert_int_equal(say(f, &ask, sizeof(ask), NULL, 0), ERR_LIMIT);
	ask.bytes = UINT64_MAX;
	assert_int_equal(say(f, &ask, sizeof(ask), NULL, 0), ERR_LIMIT);
	assert_int_equal(f->server.reserve.used, 0);
	end.outcome = MSG_OUTCOME_COUNT;
	assert_int_equal(say(f, &end, sizeof(end), NULL, 0), ERR_PROTOCOL);
	f->client->seen = 0;
	end.outcome = UINT32_MAX;
	assert_int_equal(say(f, &end, sizeof(end), NULL, 0), ERR_PROTOCOL);
}

/* Text without a NUL, and control bytes, in everything that is logged. */
static char logged[LOG_LINE_BYTES];

static void
keep(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	(void)snprintf(logged, sizeof(logged), "%s", line);
}

static void
test_log_text(void **state)
{
	struct fixture *f = *state;
	struct msg_log m = { .head = { MSG_LOG, JOB }, .level = 99 };
	struct msg_summary end = { .head = { MSG_SUMMARY, JOB } };

	log_to_sink(keep, NULL);
	log_set_level(LOG_LVL_DEBUG);
	memset(m.text, '\n', sizeof(m.text));
	assert_int_equal(say(f, &m, sizeof(m), NULL, 0), 0);
	assert_null(strchr(logged, '\n'));
	assert_non_null(strstr(logged, "job=7 \\x0a"));
	for (int i = 0; i < 100; i++)
		assert_int_equal(say(f, &m, sizeof(m), NULL, 0), 0);
	memset(end.compiler, 0x1b, sizeof(end.compiler));
	memset(end.input, 0x1b, sizeof(end.input));
	memset(end.why, 0x1b, sizeof(end.why));
	assert_int_equal(say(f, &end, sizeof(end), NULL, 0), 0);
	assert_null(strchr(logged, 0x1b));
	assert_non_null(strstr(logged, "COMPILE_OK"));
	log_to_stderr();
	log_set_level(LOG_LVL_CRITICAL);
}

/* A worker that ends gives everything back; its compile is ended. */
static void
test_loss(void **state)
{
	struct fixture *f = *state;
	struct msg_reserve ask = { .head = { MSG_RESERVE, JOB },
	    .bytes = 1000 };
	struct msg_compiled done = { .head = { MSG_COMPILED, JOB },
	    .end = MSG_END_KILLED };

	assert_int_equal(say(f, &ask, sizeof(ask), NULL, 0), 0);
	expect(f->worker, MSG_RESERVED);
	get_slot(f);
	assert_int_equal(say_compile(f, 0, 1, 4096, true), 0);
	clients_lose(f->client);
	assert_int_equal(f->server.reserve.used, 0);
	expect(f->jail, MSG_RUN);
	expect(f->jail, MSG_KILL);
	/* the slot is free when the jail is gone, not before */
	assert_int_equal(slots_running(&f->server.slots), 1);
	clients_compiled(&f->server, &done, NULL, 0);
	assert_int_equal(slots_running(&f->server.slots), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good_life),
		TEST(test_states),
		TEST(test_foreign_types),
		TEST(test_shape),
		TEST(test_descriptors_do_not_leak),
		TEST(test_bad_compiles),
		TEST(test_bad_numbers),
		TEST(test_log_text),
		TEST(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
