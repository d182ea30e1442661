/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/net.h"

#define BACKLOG		1024
#define KEEPALIVE_S	60

const char *
net_name(const struct sockaddr *sa, char dst[NET_NAME_BYTES])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		(void)snprintf(dst, NET_NAME_BYTES, "%s:%u", host,
		    ntohs(in.sin_port));
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		(void)snprintf(dst, NET_NAME_BYTES, "[%s]:%u", host,
		    ntohs(in6.sin6_port));
	} else {
		(void)snprintf(dst, NET_NAME_BYTES, "local");
	}
	return dst;
}

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/*
 * An accepted socket inherits these.  Deferred accept: a connection that sends
 * nothing does not even wake us.  No delay: a worker writes what belongs
 * together with one call.
 */
static void
tune(int fd, int family)
{
	const char *defer = getenv("DISTCC_TCP_DEFER_ACCEPT");

	(void)set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	(void)set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	(void)set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
	(void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (family == AF_INET6)
		(void)set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (defer == NULL || strcmp(defer, "0") != 0)
		(void)set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
}

static int
open_one(const struct addrinfo *a, int *fds, size_t *n)
{
	AUTOFD fd = socket(a->ai_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_from_errno(errno);
	if (*n == NET_SOCKETS_MAX)
		return ERR_LIMIT;
	tune(fd, a->ai_family);
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return err_from_errno(errno);
	fds[(*n)++] = fd_take(&fd);
	return 0;
}

/*
 * Bind host (NULL: the wildcard of family).  A machine without IPv6 is no
 * error as long as nobody asked for IPv6.
 */
static int
open_host(const char *host, int family, const char *port, int *fds, size_t *n)
{
	struct addrinfo hints = { .ai_family = family,
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
	int r = getaddrinfo(host, port, &hints, &list);

	if (r != 0) {
		log_errx("can't listen on %s: %s", host != NULL ? host :
		    "any address", gai_strerror(r));
		return ERR_NOENT;
	}
	for (struct addrinfo *a = list; r == 0 && a != NULL; a = a->ai_next) {
		char name[NET_NAME_BYTES];

		r = open_one(a, fds, n);
		if (r < 0 && host == NULL && family == AF_INET6 &&
		    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
			r = 0;
		if (r < 0)
			log_err("can't listen on %s",
			    net_name(a->ai_addr, name));
	}
	freeaddrinfo(list);
	return r;
}

int
net_listen(const struct options *o, int *fds, size_t *n)
{
	char port[8];
	int r = 0;

	*n = 0;
	(void)snprintf(port, sizeof(port), "%u", o->port);
	for (size_t i = 0; r == 0 && i < o->nlisten; i++)
		r = open_host(o->listen[i], AF_UNSPEC, port, fds, n);
	if (o->nlisten == 0) {
		r = open_host(NULL, AF_INET, port, fds, n);
		if (r == 0)
			r = open_host(NULL, AF_INET6, port, fds, n);
	}
	if (r < 0)
		while (*n > 0)
			fd_close(&fds[--*n]);
	return r;
}

int
net_accept(int listener, int *fd, struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*peer);

	memset(peer, 0, sizeof(*peer));
	*fd = accept4(listener, (struct sockaddr *)peer, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (*fd >= 0)
		return 0;
	if (errno == EMFILE || errno == ENFILE)
		return ERR_LIMIT;
	return err_from_errno(errno);
}
