/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/fd.h"

#define READ_BYTES	4096	/* fd_read_all, at a time */

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

void
fd_close(int *fd)
{
	int keep = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = keep;
}

int
fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_from_errno(errno);
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? err_from_errno(errno) : 0;
}

int
fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ?
	    err_from_errno(errno) : 0;
}

int
fd_wait(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, clock_poll_timeout(deadline_ms));

		if (n > 0)
			return p.revents;
		if (n == 0)
			return ERR_TIMEOUT;
		if (errno != EINTR)
			return err_from_errno(errno);
	}
}

int
fd_write_all(int fd, const void *ptr, size_t len, int64_t deadline_ms)
{
	const char *p = ptr;

	while (len != 0) {
		ssize_t n = write(fd, p, len);

		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			int r = fd_wait(fd, POLLOUT, deadline_ms);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return err_from_errno(errno);
		}
	}
	return 0;
}

ssize_t
fd_read_some(int fd, void *ptr, size_t size, int64_t deadline_ms)
{
	for (;;) {
		ssize_t n;
		int r;

		if (deadline_ms >= 0) {
			r = fd_wait(fd, POLLIN, deadline_ms);
			if (r < 0)
				return r;
		}
		n = read(fd, ptr, size);
		if (n > 0)
			return n;
		if (n == 0)
			return ERR_CLOSED;
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			r = fd_wait(fd, POLLIN, deadline_ms);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return err_from_errno(errno);
		}
	}
}

int
fd_read_exact(int fd, void *ptr, size_t len, int64_t deadline_ms)
{
	char *p = ptr;
	size_t left = len;

	while (left != 0) {
		ssize_t n = fd_read_some(fd, p, left, deadline_ms);

		if (n == ERR_CLOSED)
			return left == len ? ERR_CLOSED : ERR_TRUNCATED;
		if (n < 0)
			return (int)n;
		p += n;
		left -= (size_t)n;
	}
	return 0;
}

int
fd_read_text(int fd, size_t len, struct buf *b)
{
	int r = buf_reserve(b, len + 1);

	if (r == 0)
		r = fd_read_exact(fd, b->ptr, len, -1);
	if (r < 0)
		return r;
	b->len = len;
	b->ptr[len] = '\0';
	return 0;
}

int
fd_read_all(int fd, struct buf *b)
{
	for (;;) {
		int r = buf_reserve(b, READ_BYTES);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(fd, b->ptr + b->len, READ_BYTES);
		if (n < 0)
			return err_from_errno(errno);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
	}
}

void
fd_keep_only(unsigned int first)
{
	/* close_range(2) is in Linux since 5.9; the loop is for older ones */
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	for (int fd = (int)first; fd < 65536; fd++)
		(void)close(fd);
}

int
fd_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? err_from_errno(errno) : fd;
}

int
fd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0 ?
	    err_from_errno(errno) : 0;
}

bool
fd_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}
