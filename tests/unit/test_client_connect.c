/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with several addresses, some of which refuse or say nothing. */
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka.h needs those before */
#include <cmocka.h>

static int fake_resolve(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);
#define getaddrinfo(n, p, h, r)	fake_resolve(n, p, h, r)
#define freeaddrinfo(found)	((void)(found))
#include "client/connect.c"
#undef getaddrinfo
#undef freeaddrinfo

#define FILLERS	16

/* A port of 127.0.0.1 or ::1 that answers, refuses, or drops what comes. */
struct port {
	struct sockaddr_storage sa;
	struct addrinfo ai;
	int fd;
	int filler[FILLERS];
};

static struct addrinfo *answer;

static int
fake_resolve(const char *name, const char *port,
    const struct addrinfo *hints, struct addrinfo **found)
{
	(void)name;
	(void)port;
	(void)hints;
	*found = answer;
	return 0;
}

static void
open_port(struct port *p, int family)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in4 = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = family == AF_INET6 ? sizeof(in6) : sizeof(in4);

	memset(p, 0, sizeof(*p));
	memset(p->filler, -1, sizeof(p->filler));
	if (family == AF_INET6)
		memcpy(&p->sa, &in6, len);
	else
		memcpy(&p->sa, &in4, len);
	p->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&p->sa, len), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&p->sa, &len),
	    0);
	p->ai = (struct addrinfo){ .ai_family = family, .ai_addrlen = len,
	    .ai_addr = (struct sockaddr *)&p->sa };
}

static void
open_live(struct port *p, int family)
{
	open_port(p, family);
	assert_int_equal(listen(p->fd, 8), 0);
}

/* Bound, but nobody listens. */
static void
open_refusing(struct port *p, int family)
{
	open_port(p, family);
}

/* Its queue is full, so that the kernel drops what asks to come in. */
static void
open_silent(struct port *p, int family)
{
	open_port(p, family);
	assert_int_equal(listen(p->fd, 0), 0);
	for (size_t i = 0; i < FILLERS; i++) {
		p->filler[i] = socket(family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(p->filler[i], p->ai.ai_addr, p->ai.ai_addrlen);
	}
}

static void
close_port(struct port *p)
{
	for (size_t i = 0; i < FILLERS; i++)
		fd_close(&p->filler[i]);
	fd_close(&p->fd);
}

static void
chain(struct port *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		p[i].ai.ai_next = &p[i + 1].ai;
	answer = &p[0].ai;
}

/* returns how it ended, and how long it took */
static int
run(struct connect *c, int64_t *ms)
{
	static char name[] = "a-name";
	const struct host host = { .name = name, .port = 1 };
	int64_t start = clock_ms();
	int r = connect_start(c, &host);

	while (r == 0 && !c->is_done) {
		struct pollfd p[CONNECT_ADDRS_MAX];
		size_t n = connect_poll(c, p);

		(void)poll(p, n, clock_poll_timeout(connect_wake_ms(c)));
		r = connect_step(c);
	}
	*ms = clock_ms() - start;
	return r;
}

static bool
is_connected_to(const struct connect *c, const struct port *p)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getpeername(c->fd, (struct sockaddr *)&sa, &len) == 0 &&
	    len == p->ai.ai_addrlen && memcmp(&sa, &p->sa, len) == 0;
}

static bool
has_ipv6(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	AUTOFD fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
}

static void
test_refused_then_live(void **state)
{
	struct port p[2];
	struct connect c;
	int64_t ms;

	(void)state;
	open_refusing(&p[0], AF_INET);
	open_live(&p[1], AF_INET);
	chain(p, 2);
	assert_int_equal(run(&c, &ms), 0);
	assert_true(is_connected_to(&c, &p[1]));
	assert_true(ms < CONNECT_NEXT_MS);
	connect_free(&c);
	close_port(&p[0]);
	close_port(&p[1]);
}

static void
test_silent_then_live(void **state)
{
	struct port p[2];
	struct connect c;
	int64_t ms;

	(void)state;
	open_silent(&p[0], AF_INET);
	open_live(&p[1], AF_INET);
	chain(p, 2);
	assert_int_equal(run(&c, &ms), 0);
	assert_true(is_connected_to(&c, &p[1]));
	assert_true(ms >= CONNECT_NEXT_MS - 1 && ms < CONNECT_TIMEOUT_MS);
	/* the other attempt is given up */
	assert_int_equal(c.addr[0].fd, -1);
	connect_free(&c);
	close_port(&p[0]);
	close_port(&p[1]);
}

static void
test_families_take_turns(void **state)
{
	struct port p[4];
	struct connect c;
	int64_t ms;

	(void)state;
	if (!has_ipv6())
		skip();
	open_silent(&p[0], AF_INET6);
	open_silent(&p[1], AF_INET6);
	open_silent(&p[2], AF_INET6);
	open_live(&p[3], AF_INET);
	chain(p, 4);
	assert_int_equal(run(&c, &ms), 0);
	assert_true(is_connected_to(&c, &p[3]));
	/* it was second, not fourth */
	assert_int_equal(c.next, 2);
	connect_free(&c);
	for (size_t i = 0; i < 4; i++)
		close_port(&p[i]);
}

static void
test_all_refuse(void **state)
{
	struct port p[3];
	struct connect c;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		open_refusing(&p[i], AF_INET);
	chain(p, 3);
	assert_int_equal(run(&c, &ms), ERR_CLOSED);
	assert_non_null(strstr(c.why, "refused"));
	assert_true(ms < CONNECT_TIMEOUT_MS);
	connect_free(&c);
	for (size_t i = 0; i < 3; i++)
		close_port(&p[i]);
}

static void
test_all_silent(void **state)
{
	struct port p[3];
	struct connect c;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		open_silent(&p[i], AF_INET);
	chain(p, 3);
	assert_int_equal(run(&c, &ms), ERR_TIMEOUT);
	assert_non_null(strstr(c.why, "timed out"));
	/* all of them together, not each */
	assert_true(ms >= CONNECT_TIMEOUT_MS - 1 &&
	    ms < CONNECT_TIMEOUT_MS + 1500);
	connect_free(&c);
	for (size_t i = 0; i < 3; i++)
		close_port(&p[i]);
}

static void
test_more_addresses_than_room(void **state)
{
	struct port p[CONNECT_ADDRS_MAX + 2];
	struct connect c;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < CONNECT_ADDRS_MAX + 2; i++)
		open_refusing(&p[i], AF_INET);
	chain(p, CONNECT_ADDRS_MAX + 2);
	assert_int_equal(run(&c, &ms), ERR_CLOSED);
	assert_int_equal(c.naddrs, CONNECT_ADDRS_MAX);
	connect_free(&c);
	for (size_t i = 0; i < CONNECT_ADDRS_MAX + 2; i++)
		close_port(&p[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_then_live),
		cmocka_unit_test(test_silent_then_live),
		cmocka_unit_test(test_families_take_turns),
		cmocka_unit_test(test_all_refuse),
		cmocka_unit_test(test_all_silent),
		cmocka_unit_test(test_more_addresses_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
