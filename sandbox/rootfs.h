/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootfs - the file tree that a compiler sees: the tool chain's own files,
 * three devices, and an empty file system of its own for everything else.
 *
 * Made in two steps.  Once, the jailer lists what the tool chain needs and
 * moves itself into a mount namespace that holds only that (the template).
 * Then each jail gets a fresh, size-limited, noexec tmpfs as its root, with the
 * template's mounts put in their places.
 *
 * noexec on everything but the files that were added as programs or libraries
 * is load-bearing: Landlock does not stop mmap(PROT_EXEC), so without it
 * "ld.so ./uploaded" would run.
 */
#ifndef SANDBOX_ROOTFS_H
#define SANDBOX_ROOTFS_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

#define ROOTFS_ENTRIES_MAX	2048

struct rootfs;

struct rootfs *rootfs_new(void);

/*
 * rootfs_add_data - a directory or file that may be read: headers.
 * rootfs_add_program - one regular file that may be mapped executable, at its
 *   own place: drivers find their other files from where they stand.
 * rootfs_add_library - the same for a library or a dynamic loader; they lie
 *   together under one mount, with links at their own places (a mount for
 *   each would cost every job 40 us).
 * rootfs_add_tree - a whole directory whose files may be mapped executable;
 *   only --enable-tcp-insecure asks for that.
 * in      path: absolute; symbolic links on the way are reproduced
 * returns 0 (also when it is there already), ERR_NOENT, ERR_LIMIT
 */
int rootfs_add_data(struct rootfs *fs, const char *path) MUST_CHECK;
int rootfs_add_program(struct rootfs *fs, const char *path) MUST_CHECK;
int rootfs_add_library(struct rootfs *fs, const char *path) MUST_CHECK;
int rootfs_add_tree(struct rootfs *fs, const char *path) MUST_CHECK;

/*
 * rootfs_enter_template - build the template and pivot into it.
 * The caller is in a mount namespace of its own and may mount.  Afterwards no
 * path of the host can be reached but what was added.
 */
int rootfs_enter_template(struct rootfs *fs) MUST_CHECK;

struct rootfs_job {
	uint64_t bytes;		/* size limit */
	uint64_t inodes;	/* inode limit */
	uid_t uid;		/* owner, as seen in the jail's namespace */
	gid_t gid;
};

/*
 * rootfs_enter_job - in a mount namespace copied from the template's owner:
 * make the job's root, pivot into it, drop the template.  errno is kept.
 */
int rootfs_enter_job(const struct rootfs *fs, const struct rootfs_job *job)
    MUST_CHECK;

/*
 * rootfs_allow_read - --sandbox=reduced, where the host's own tree is seen: give
 * a Landlock ruleset the right to read what was added, and nothing else.
 */
int rootfs_allow_read(const struct rootfs *fs, int ruleset) MUST_CHECK;

#endif
