/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fd - file descriptors that close themselves, and reads and writes that
 * finish or say why not.
 */
#ifndef LIB_FD_H
#define LIB_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/err.h"

/* fd_close - close *fd if it is >= 0 and set it to -1. errno is kept. */
void fd_close(int *fd);
#define AUTOFD __attribute__((cleanup(fd_close))) int

/* fd_take - hand the descriptor on: returns *fd and leaves -1 behind. */
static inline int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int fd_set_nonblock(int fd, bool on) MUST_CHECK;
int fd_set_cloexec(int fd, bool on) MUST_CHECK;

/*
 * fd_write_all - write len bytes, waiting where the fd would block.
 * in      deadline_ms: clock_ms() at which to give up; < 0: never
 * returns 0, ERR_TIMEOUT, ERR_CLOSED or another folded errno
 */
int fd_write_all(int fd, const void *ptr, size_t len, int64_t deadline_ms)
    MUST_CHECK;

/*
 * fd_read_some - one read of up to size bytes, waiting for data first.
 * returns the count (> 0), ERR_CLOSED at end of file, ERR_TIMEOUT, …
 */
ssize_t fd_read_some(int fd, void *ptr, size_t size, int64_t deadline_ms)
    MUST_CHECK;

/* fd_read_exact - exactly len bytes; ERR_TRUNCATED if the file ends within. */
int fd_read_exact(int fd, void *ptr, size_t len, int64_t deadline_ms)
    MUST_CHECK;

/*
 * fd_read_text - exactly len bytes as the contents of b, and a NUL behind them.
 * returns as fd_read_exact(); ERR_LIMIT beyond b's limit, ERR_NOMEM
 */
int fd_read_text(int fd, size_t len, struct buf *b) MUST_CHECK;

/* fd_read_all - append what is left of a file that does not block. */
int fd_read_all(int fd, struct buf *b) MUST_CHECK;

/*
 * fd_wait - poll one fd for events (POLLIN, POLLOUT).
 * returns revents (> 0), ERR_TIMEOUT or ERR_SYS
 */
int fd_wait(int fd, short events, int64_t deadline_ms) MUST_CHECK;

/*
 * fd_keep_only - close every descriptor from first up.
 * Everything of ours is CLOEXEC; this is for what our parent left open.
 */
void fd_keep_only(unsigned int first);

/* fd_memfd - an anonymous file, CLOEXEC, sealable. */
int fd_memfd(const char *name) MUST_CHECK;
/* fd_seal - no more writes, growing, shrinking or sealing. */
int fd_seal(int fd) MUST_CHECK;
/* fd_is_sealed - whether fd is a memfd with all of fd_seal()'s seals. */
bool fd_is_sealed(int fd);

#endif
