/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msgs - for targets that fuzz a receiver of messages: the input is a row of
 * operations of OP_BYTES each and a text that messages are filled with.
 */
#ifndef TESTS_FUZZ_MSGS_H
#define TESTS_FUZZ_MSGS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/fd.h"
#include "server/msg.h"
#include "tests/fuzz/trace.h"

#define OP_BYTES	8
#define MSGS_JOB	7

union msgs_any {
	struct msg_head head;
	struct msg_plain plain;
	struct msg_reserve reserve;
	struct msg_compile compile;
	struct msg_compiled compiled;
	struct msg_log log;
	struct msg_summary summary;
	struct msg_layer layer;
	unsigned char bytes[8192];
};

/* the right sizes, most often */
static inline size_t
msgs_size(const uint8_t op[OP_BYTES])
{
	static const size_t sizes[] = { sizeof(struct msg_plain),
	    sizeof(struct msg_reserve), sizeof(struct msg_compile),
	    sizeof(struct msg_compiled), sizeof(struct msg_log),
	    sizeof(struct msg_summary), sizeof(struct msg_layer) };

	if (op[3] < 200)
		return sizes[op[3] % (sizeof(sizes) / sizeof(sizes[0]))];
	return op[3] * 13U % 4000U;
}

/* A sealed memfd, an unsealed one, or no memfd at all. */
static inline int
msgs_fd(uint8_t kind)
{
	int fd;

	if (kind % 3 == 2)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = fd_memfd("fuzz");
	if (fd >= 0 && write(fd, "0123456789", 10) == 10 && kind % 3 == 0)
		(void)!fd_seal(fd);
	return fd;
}

/* Send what op says, filled with text; false when it did not go. */
static inline bool
msgs_send(int chan, const uint8_t op[OP_BYTES], const uint8_t *text,
    size_t len)
{
	union msgs_any m;
	int fds[CHAN_FDS_MAX];
	size_t nfds = op[4] % (CHAN_FDS_MAX + 1), size = msgs_size(op);
	int r;

	memset(&m, 0, sizeof(m));
	for (size_t i = 0; i < size && len != 0; i++)
		m.bytes[i] = text[(i + op[6]) % len];
	m.head.type = op[1];
	m.head.job = op[2] < 200 ? MSGS_JOB : op[2];
	/* small numbers in the fields, or nothing gets far */
	if (op[7] % 2 == 0 && size > sizeof(m.head))
		memset(m.bytes + sizeof(m.head), op[7] >> 4,
		    size < 32 ? size - sizeof(m.head) : 24);
	if (op[7] % 4 == 0)
		for (size_t i = sizeof(m.head); i < 32; i++)
			m.bytes[i] = i % 4 == 0 ? m.bytes[i] : 0;
	for (size_t i = 0; i < nfds; i++)
		fds[i] = msgs_fd((uint8_t)(op[5] + i));
	r = chan_send(chan, &m, size, fds, nfds);
	for (size_t i = 0; i < nfds; i++)
		(void)close(fds[i]);
	return r == 0;
}

/* What was sent is read away, or sends would begin to fail. */
static inline void
msgs_drain(int fd)
{
	union msgs_any m;
	int fds[CHAN_FDS_MAX];
	size_t nfds;

	while (chan_recv(fd, &m, sizeof(m), fds, &nfds) > 0)
		for (size_t i = 0; i < CHAN_FDS_MAX; i++)
			fd_close(&fds[i]);
}

static inline size_t
msgs_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

#endif
