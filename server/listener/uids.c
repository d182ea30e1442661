/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "server/listener/uids.h"

/* What systemd's list of uid ranges leaves to nobody: 0x70000000-0x7fffffff. */
#define SPACE_BASE	0x70000000u
#define SPACE_COUNT	0x10000000u
#define RANGES		(SPACE_COUNT / UIDS_COUNT)
#define TRIES_MAX	256U

#define LOCK_DIR	"/run/distccd"
#define LOCK_FILE	LOCK_DIR "/jail-uids"

/* Open for as long as we live: closing it gives the range back. */
static int lock_fd = -1;

static int
open_lock(const char *file)
{
	if (file == NULL) {
		file = LOCK_FILE;
		if (mkdir(LOCK_DIR, 0755) < 0 && errno != EEXIST)
			return err_from_errno(errno);
	}
	lock_fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return lock_fd < 0 ? err_from_errno(errno) : 0;
}

/*
 * One byte of the file for each range.  The lock belongs to the open file, so
 * it outlives the process that goes to the background, and no started program
 * has it.
 */
static int
lock_byte(uint32_t i)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = (off_t)i, .l_len = 1 };

	return fcntl(lock_fd, F_OFD_SETLK, &l) < 0 ?
	    err_from_errno(errno) : 0;
}

/*
 * Drawn at random first: containers have a /run of their own, and may share
 * their user ids with the host.
 */
static int
draw(uint32_t *i)
{
	if (getrandom(i, sizeof(*i), 0) != sizeof(*i))
		return ERR_SYS;
	*i %= RANGES;
	return 0;
}

/* The first range from first on that nobody holds. */
static int
lock_from(uint32_t first, uint32_t *base)
{
	int r = ERR_BUSY;

	for (uint32_t n = 0; n < TRIES_MAX && r == ERR_BUSY; n++) {
		uint32_t i = (first + n) % RANGES;

		r = lock_byte(i);
		if (r == 0)
			*base = SPACE_BASE + i * UIDS_COUNT;
	}
	return r;
}

int
uids_take(const char *file, uint32_t *base)
{
	uint32_t first;
	int r = draw(&first);

	if (r < 0)
		return r;
	*base = SPACE_BASE + first * UIDS_COUNT;
	if ((r = open_lock(file)) == 0)
		r = lock_from(first, base);
	if (r < 0)
		log_info("can't lock %s: user ids of jails are drawn at "
		    "random only: %s", file != NULL ? file : LOCK_FILE,
		    err_text(r));
	return 0;
}
