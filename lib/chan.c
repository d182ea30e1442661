/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"

union control {
	char bytes[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	struct cmsghdr align;
};

int
chan_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ?
	    err_from_errno(errno) : 0;
}

int
chan_send(int chan, const void *msg, size_t len, const int *fds, size_t nfds)
{
	union control control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg,
	    .iov_len = len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > CHAN_FDS_MAX)
		return ERR_LIMIT;
	if (nfds != 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	do {
		n = sendmsg(chan, &hdr, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_from_errno(errno);
	return (size_t)n == len ? 0 : ERR_SYS;
}

/* Collect the descriptors of a message; surplus ones are closed. */
static size_t
take_fds(struct msghdr *hdr, int *fds)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL;
	    c = CMSG_NXTHDR(hdr, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(fd));
			if (fds != NULL && count < CHAN_FDS_MAX)
				fds[count] = fd;
			else
				(void)close(fd);
			count++;
		}
	}
	return count;
}

ssize_t
chan_recv(int chan, void *msg, size_t size, int *fds, size_t *nfds)
{
	union control control;
	struct iovec iov = { .iov_base = msg, .iov_len = size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes) };
	size_t count;
	ssize_t n;

	if (fds != NULL) {
		for (size_t i = 0; i < CHAN_FDS_MAX; i++)
			fds[i] = -1;
		*nfds = 0;
	}
	do {
		/* a reset is told once, before what is still queued */
		n = recvmsg(chan, &hdr, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return err_from_errno(errno);
	count = take_fds(&hdr, fds);
	if ((hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    count > (fds != NULL ? (size_t)CHAN_FDS_MAX : 0) ||
	    (n == 0 && count != 0)) {	/* looks like an end of file */
		for (size_t i = 0; fds != NULL && i < CHAN_FDS_MAX; i++)
			fd_close(&fds[i]);
		return ERR_PROTOCOL;
	}
	if (n == 0)
		return ERR_CLOSED;
	if (nfds != NULL)
		*nfds = count;
	return n;
}
