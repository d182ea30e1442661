/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "server/listener/loop.h"

static int epoll_fd = -1;

int
loop_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? err_from_errno(errno) : 0;
}

int
loop_add(struct loop_item *item)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = item };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, item->fd, &ev) < 0 ?
	    err_from_errno(errno) : 0;
}

void
loop_remove(struct loop_item *item)
{
	if (item->fd >= 0)
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, item->fd, NULL);
	item->fd = -1;
}

int
loop_once(int timeout_ms)
{
	struct epoll_event ev;
	struct loop_item *item;
	int n = epoll_wait(epoll_fd, &ev, 1, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : err_from_errno(errno);
	if (n == 0)
		return 0;
	item = ev.data.ptr;
	item->ready(item->arg);
	return 0;
}
