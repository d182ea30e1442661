/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "sandbox/landlock.h"

/* The kernel's structures and bits, spelled out: an older system's headers
 * lack the newer ones (linux/landlock.h, ABI 6). */
struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

#define RULE_PATH_BENEATH	1
#define CREATE_VERSION		1U

#define FS_EXECUTE	(1ULL << 0)
#define FS_WRITE_FILE	(1ULL << 1)
#define FS_READ_FILE	(1ULL << 2)
#define FS_READ_DIR	(1ULL << 3)
#define FS_MAKE_REMOVE	(0x1ff0ULL)	/* bits 4 to 12 */
#define FS_REFER	(1ULL << 13)	/* ABI 2 */
#define FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* ABI 5 */
#define NET_BIND_CONNECT	3ULL	/* ABI 4 */
#define SCOPE_ALL		3ULL	/* ABI 6 */

/* rights that mean something on a file that is no directory */
#define FS_FILE_RIGHTS (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | \
	FS_TRUNCATE | FS_IOCTL_DEV)

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static uint64_t
fs_rights(unsigned int classes, int abi)
{
	uint64_t fs = 0;

	if ((classes & LANDLOCK_EXEC) != 0)
		fs |= FS_EXECUTE;
	if ((classes & LANDLOCK_READ) != 0)
		fs |= FS_READ_FILE | FS_READ_DIR;
	if ((classes & LANDLOCK_WRITE) != 0) {
		fs |= FS_WRITE_FILE | FS_MAKE_REMOVE;
		if (abi >= 2)
			fs |= FS_REFER;
		if (abi >= 3)
			fs |= FS_TRUNCATE;
		if (abi >= 5)
			fs |= FS_IOCTL_DEV;
	}
	return fs;
}

int
landlock_new(unsigned int classes)
{
	int abi = landlock_abi();
	struct ruleset_attr attr = { .fs = fs_rights(classes, abi) };
	size_t size = sizeof(attr.fs);
	long fd;

	if (abi < 1)
		return ERR_UNSUPPORTED;
	if (abi >= 4) {
		size = offsetof(struct ruleset_attr, scoped);
		if ((classes & LANDLOCK_NET) != 0)
			attr.net = NET_BIND_CONNECT;
	}
	if (abi >= 6) {
		size = sizeof(attr);
		if ((classes & LANDLOCK_SCOPE) != 0)
			attr.scoped = SCOPE_ALL;
	}
	fd = syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	return fd < 0 ? err_from_errno(errno) : (int)fd;
}

int
landlock_allow(int ruleset, const char *path, unsigned int classes)
{
	AUTOFD fd = open(path, O_PATH | O_CLOEXEC);
	struct path_beneath_attr attr;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_from_errno(errno);
	attr.allowed = fs_rights(classes, landlock_abi());
	if (!S_ISDIR(st.st_mode))
		attr.allowed &= FS_FILE_RIGHTS;
	attr.parent_fd = fd;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH,
	    &attr, 0) < 0 ? err_from_errno(errno) : 0;
}

int
landlock_enforce(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ?
	    err_from_errno(errno) : 0;
}
