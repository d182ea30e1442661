/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "sandbox/landlock.h"
#include "sandbox/rootfs.h"

#define JOB_DIR		"/.job"		/* where a job's tmpfs is mounted */
#define LIBRARY_DIR	"/.lib"		/* the libraries' group */
#define LINKS_MAX	32		/* symbolic links in one path */
#define TEMPLATE_BYTES	"4m"		/* directories and empty files only */

enum kind { DIRECTORY, LINK, DATA, PROGRAM, TREE, DEVICE, GROUP };

struct entry {
	enum kind kind;
	bool is_dir;		/* the mount's root is a directory */
	bool is_nested;		/* within another entry's mount */
	char *path;		/* without symbolic links, except its own name */
	char *target;		/* LINK: what it says */
};

struct rootfs {
	size_t nlibraries;
	char *libraries[ROOTFS_ENTRIES_MAX];	/* the real files */
	size_t n;
	struct entry entries[ROOTFS_ENTRIES_MAX];
};

/* What each kind of mount may not do. */
static const uint64_t attributes[] = {
	[DATA]	 = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		   MOUNT_ATTR_NOEXEC,
	[PROGRAM] = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	[TREE]	 = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	[DEVICE] = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	[GROUP] = MOUNT_ATTR_RDONLY,
};

#define SCRATCH_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | \
	MOUNT_ATTR_NOEXEC)

static const char *const devices[] = { "/dev/null", "/dev/zero",
    "/dev/urandom" };

#define DEVICE_DIR	"/dev"

static bool
is_mount(enum kind kind)
{
	return kind != DIRECTORY && kind != LINK;
}

struct rootfs *
rootfs_new(void)
{
	return mem_calloc(1, sizeof(struct rootfs));
}

static struct entry *
find(struct rootfs *fs, const char *path)
{
	for (size_t i = 0; i < fs->n; i++)
		if (strcmp(fs->entries[i].path, path) == 0)
			return &fs->entries[i];
	return NULL;
}

static int
add(struct rootfs *fs, enum kind kind, bool is_dir, const char *path,
    const char *target)
{
	struct entry *e = find(fs, path);

	if (e == NULL) {
		if (fs->n == ROOTFS_ENTRIES_MAX)
			return ERR_LIMIT;
		e = &fs->entries[fs->n++];
		e->path = mem_strdup(path);
		e->kind = kind;
		e->is_dir = is_dir;
		e->target = target != NULL ? mem_strdup(target) : NULL;
	} else if (kind > e->kind) {
		e->kind = kind;		/* more rights: data becomes code */
		e->is_dir = is_dir;
	}
	return 0;
}

/* Cut the last component off: "/a/b" to "/a", "/a" to "". */
static void
cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash != NULL)
		*slash = '\0';
}

/*
 * Walk path component by component from the root, adding each directory and
 * each symbolic link, so that every spelling that leads to the file on the
 * host leads to it in the jail.
 */
static int
add_path(struct rootfs *fs, enum kind kind, const char *path)
{
	char rest[PATH_MAX], done[PATH_MAX] = "", next[PATH_MAX];
	char target[PATH_MAX];
	struct stat st;
	int links = 0, r;

	if (path[0] != '/' || strlen(path) >= sizeof(rest))
		return ERR_SYNTAX;
	memcpy(rest, path, strlen(path) + 1);
	while (rest[0] != '\0') {
		char *name = rest + strspn(rest, "/"), *end;
		size_t len = strcspn(name, "/");
		ssize_t n;

		if (len == 0)
			break;
		end = name + len;
		if (len == 1 && name[0] == '.') {
			memmove(rest, end, strlen(end) + 1);
			continue;
		}
		if (len == 2 && name[0] == '.' && name[1] == '.') {
			cut_last(done);
			memmove(rest, end, strlen(end) + 1);
			continue;
		}
		if (snprintf(next, sizeof(next), "%s/%.*s", done, (int)len,
		    name) >= (int)sizeof(next))
			return ERR_LIMIT;
		if (lstat(next, &st) < 0)
			return err_from_errno(errno);
		if (S_ISLNK(st.st_mode)) {
			char tail[PATH_MAX];

			n = readlink(next, target, sizeof(target) - 1);
			if (n < 0)
				return err_from_errno(errno);
			target[n] = '\0';
			if (++links > LINKS_MAX)
				return ERR_LIMIT;
			if ((r = add(fs, LINK, false, next, target)) < 0)
				return r;
			memcpy(tail, end, strlen(end) + 1);
			if (snprintf(rest, sizeof(rest), "%s/%s", target,
			    tail) >= (int)sizeof(rest))
				return ERR_LIMIT;
			if (target[0] == '/')
				done[0] = '\0';
			continue;
		}
		memcpy(done, next, strlen(next) + 1);
		memmove(rest, end, strlen(end) + 1);
		if (rest[strspn(rest, "/")] == '\0')
			break;
		if ((r = add(fs, DIRECTORY, true, done, NULL)) < 0)
			return r;
	}
	if (done[0] == '\0' || stat(done, &st) < 0)
		return ERR_NOENT;
	return add(fs, kind, S_ISDIR(st.st_mode), done, NULL);
}

int
rootfs_add_data(struct rootfs *fs, const char *path)
{
	return add_path(fs, DATA, path);
}

int
rootfs_add_program(struct rootfs *fs, const char *path)
{
	return add_path(fs, PROGRAM, path);
}

int
rootfs_add_library(struct rootfs *fs, const char *path)
{
	char real[PATH_MAX], dir[PATH_MAX], place[PATH_MAX], target[32];
	const char *base = strrchr(path, '/');
	size_t i;
	int r;

	if (base == NULL || realpath(path, real) == NULL)
		return ERR_NOENT;
	if (snprintf(dir, sizeof(dir), "%.*s", (int)(base - path), path) >=
	    (int)sizeof(dir) || fs->nlibraries == ROOTFS_ENTRIES_MAX)
		return ERR_LIMIT;
	if ((r = add_path(fs, DIRECTORY, dir)) < 0)
		return r;
	if (realpath(dir, place) == NULL ||
	    strlen(place) + strlen(base) >= sizeof(place))
		return ERR_LIMIT;
	memcpy(place + strlen(place), base, strlen(base) + 1);
	if (find(fs, place) != NULL)
		return 0;
	for (i = 0; i < fs->nlibraries; i++)
		if (strcmp(fs->libraries[i], real) == 0)
			break;
	if (i == fs->nlibraries)
		fs->libraries[fs->nlibraries++] = mem_strdup(real);
	(void)snprintf(target, sizeof(target), LIBRARY_DIR "/%zu", i);
	return add(fs, LINK, false, place, target);
}

int
rootfs_add_tree(struct rootfs *fs, const char *path)
{
	return add_path(fs, TREE, path);
}

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/*
 * Whether entry i lies within another entry's mount (it is nested), and if so
 * whether with no more rights than that: then it need not be mounted again.
 */
static bool
is_covered(struct rootfs *fs, size_t i)
{
	struct entry *e = &fs->entries[i];

	for (size_t k = 0; k < fs->n; k++) {
		const struct entry *o = &fs->entries[k];
		size_t len = strlen(o->path);

		if (k == i || !is_mount(o->kind) || !o->is_dir ||
		    strncmp(e->path, o->path, len) != 0 ||
		    e->path[len] != '/')
			continue;
		e->is_nested = true;
		if (!is_mount(e->kind) || e->kind <= o->kind)
			return true;
	}
	return false;
}

/* Parents first, and nothing twice. */
static void
arrange(struct rootfs *fs)
{
	size_t kept = 0;

	qsort(fs->entries, fs->n, sizeof(fs->entries[0]), compare);
	for (size_t i = 0; i < fs->n; i++) {
		if (!is_covered(fs, i))
			continue;
		free(fs->entries[i].target);
		fs->entries[i].target = NULL;
		fs->entries[i].kind = DIRECTORY;
		fs->entries[i].is_dir = false;	/* marked for removal */
	}
	for (size_t i = 0; i < fs->n; i++) {
		if (fs->entries[i].kind == DIRECTORY && !fs->entries[i].is_dir)
			free(fs->entries[i].path);
		else
			fs->entries[kept++] = fs->entries[i];
	}
	fs->n = kept;
}

static int
new_tmpfs(const char *bytes, const char *inodes, const struct rootfs_job *job)
{
	AUTOFD fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char id[24];
	int fd;

	if (fs < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", bytes, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode",
	    job != NULL ? "0777" : "0755", 0) < 0)
		return err_from_errno(errno);
	if (job != NULL) {
		(void)snprintf(id, sizeof(id), "%u", job->uid);
		if (fsconfig(fs, FSCONFIG_SET_STRING, "uid", id, 0) < 0)
			return err_from_errno(errno);
		(void)snprintf(id, sizeof(id), "%u", job->gid);
		if (fsconfig(fs, FSCONFIG_SET_STRING, "gid", id, 0) < 0)
			return err_from_errno(errno);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_from_errno(errno);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, SCRATCH_ATTRIBUTES);
	return fd < 0 ? err_from_errno(errno) : fd;
}

/*
 * Make the place for an entry below root: a directory, a link, or an empty
 * file to mount on.  One that is there already will do.  Directories are open
 * to all: in a job's root, the client may have headers of its own in /usr.
 */
static int
make_place(int root, const struct entry *e)
{
	const char *rel = e->path + 1;
	int r;

	if (e->kind == LINK)
		r = symlinkat(e->target, root, rel);
	else if (e->is_dir)
		r = mkdirat(root, rel, 0777);
	else
		r = mknodat(root, rel, S_IFREG | 0644, 0);
	return r < 0 && errno != EEXIST ? err_from_errno(errno) : 0;
}

/* Clone what is mounted (or lies) at path and attach it below root. */
static int
attach(int root, const struct entry *e, const uint64_t *set)
{
	struct mount_attr attr = { .attr_set = set != NULL ? *set : 0 };
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	    (e->is_dir ? AT_RECURSIVE : 0);
	AUTOFD tree = open_tree(AT_FDCWD, e->path, flags);

	if (tree < 0)
		return err_from_errno(errno);
	if (set != NULL && mount_setattr(tree, "",
	    AT_EMPTY_PATH | (e->is_dir ? AT_RECURSIVE : 0), &attr,
	    sizeof(attr)) < 0)
		return err_from_errno(errno);
	return move_mount(tree, "", root, e->path + 1,
	    MOVE_MOUNT_F_EMPTY_PATH) < 0 ? err_from_errno(errno) : 0;
}

/*
 * Put one of the template's mounts into the job's root.  In a namespace of a
 * lesser user the copied mounts are locked in their places; clones are not.
 */
static int
take(int root, const struct entry *e)
{
	if (move_mount(AT_FDCWD, e->path, root, e->path + 1, 0) == 0)
		return 0;
	return errno == EINVAL ? attach(root, e, NULL) :
	    err_from_errno(errno);
}

/* A directory to build the template on that hides none of what it needs. */
static const char *
find_base(const struct rootfs *fs)
{
	static const char *const bases[] = { "/tmp", "/mnt", "/media",
	    "/var/tmp", "/run", "/srv", "/home" };
	struct stat st;

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t len = strlen(bases[i]);
		bool used = lstat(bases[i], &st) < 0 || !S_ISDIR(st.st_mode);

		for (size_t k = 0; k < fs->n && !used; k++)
			used = strncmp(fs->entries[k].path, bases[i],
			    len) == 0;
		if (!used)
			return bases[i];
	}
	return NULL;
}

static int
pivot_here(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_from_errno(errno);
	return 0;
}

/* Mount one of the host's files within an open directory of the template. */
static int
attach_file(int dir, const char *path, const char *name, uint64_t set)
{
	struct mount_attr attr = { .attr_set = set };
	AUTOFD tree = open_tree(AT_FDCWD, path,
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || mknodat(dir, name, S_IFREG | 0644, 0) < 0 ||
	    mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
	    move_mount(tree, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		log_warn("rootfs: %s", path);
		return err_from_errno(errno);
	}
	return 0;
}

/*
 * A group of files: a small file system that they are mounted in, so that a job
 * gets it, and all that is in it, with one call.
 */
static int
attach_group(const struct rootfs *fs, int root, const char *path)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTOFD dir = new_tmpfs(TEMPLATE_BYTES, "8192", NULL);
	char name[24];
	int r = 0;

	if (dir < 0)
		return dir;
	if (move_mount(dir, "", root, path + 1, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_from_errno(errno);
	if (strcmp(path, DEVICE_DIR) == 0) {
		for (size_t i = 0; r == 0 && i < sizeof(devices) /
		    sizeof(devices[0]); i++)
			r = attach_file(dir, devices[i],
			    strrchr(devices[i], '/') + 1, attributes[DEVICE]);
	} else {
		for (size_t i = 0; r == 0 && i < fs->nlibraries; i++) {
			(void)snprintf(name, sizeof(name), "%zu", i);
			r = attach_file(dir, fs->libraries[i], name,
			    attributes[PROGRAM]);
		}
	}
	if (r == 0 && mount_setattr(dir, "", AT_EMPTY_PATH, &readonly,
	    sizeof(readonly)) < 0)
		r = err_from_errno(errno);
	return r;
}

int
rootfs_enter_template(struct rootfs *fs)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTOFD root = -1;
	const char *base;
	int r;

	if ((r = add(fs, GROUP, true, DEVICE_DIR, NULL)) < 0 ||
	    (r = add(fs, GROUP, true, LIBRARY_DIR, NULL)) < 0)
		return r;
	arrange(fs);
	base = find_base(fs);
	if (base == NULL)
		return ERR_NOENT;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_from_errno(errno);
	root = new_tmpfs(TEMPLATE_BYTES, "8192", NULL);
	if (root < 0)
		return root;
	if (move_mount(root, "", AT_FDCWD, base, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_from_errno(errno);
	for (size_t i = 0; i < fs->n; i++) {
		const struct entry *e = &fs->entries[i];

		r = make_place(root, e);
		if (r == 0 && e->kind == GROUP)
			r = attach_group(fs, root, e->path);
		else if (r == 0 && is_mount(e->kind))
			r = attach(root, e, &attributes[e->kind]);
		if (r < 0) {
			log_warn("rootfs: %s", e->path);
			return r;
		}
	}
	if (mkdirat(root, JOB_DIR + 1, 0755) < 0 ||
	    mount_setattr(root, "", AT_EMPTY_PATH, &readonly,
	    sizeof(readonly)) < 0 || fchdir(root) < 0)
		return err_from_errno(errno);
	return pivot_here();
}

int
rootfs_enter_job(const struct rootfs *fs, const struct rootfs_job *job)
{
	char bytes[24], inodes[24];
	AUTOFD root = -1;
	int r;

	(void)umask(0);
	(void)snprintf(bytes, sizeof(bytes), "%llu",
	    (unsigned long long)job->bytes);
	(void)snprintf(inodes, sizeof(inodes), "%llu",
	    (unsigned long long)job->inodes);
	root = new_tmpfs(bytes, inodes, job);
	if (root < 0)
		return root;
	if (move_mount(root, "", AT_FDCWD, JOB_DIR,
	    MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_from_errno(errno);
	for (size_t i = 0; i < fs->n; i++) {
		const struct entry *e = &fs->entries[i];

		if (e->is_nested)	/* comes with the one around it */
			continue;
		if ((r = make_place(root, e)) < 0 ||
		    (is_mount(e->kind) && (r = take(root, e)) < 0))
			return r;
	}
	/* a tool chain below /tmp has made it already */
	if ((mkdirat(root, "tmp", 0777) < 0 && errno != EEXIST) ||
	    fchmodat(root, "tmp", 01777, 0) < 0 || fchdir(root) < 0)
		return err_from_errno(errno);
	return pivot_here();
}

int
rootfs_allow_read(const struct rootfs *fs, int ruleset)
{
	int r;

	for (size_t i = 0; i < fs->n; i++)
		if (is_mount(fs->entries[i].kind) &&
		    (r = landlock_allow(ruleset, fs->entries[i].path,
		    LANDLOCK_READ)) < 0)
			return r;
	for (size_t i = 0; i < fs->nlibraries; i++)
		if ((r = landlock_allow(ruleset, fs->libraries[i],
		    LANDLOCK_READ)) < 0)
			return r;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if ((r = landlock_allow(ruleset, devices[i],
		    LANDLOCK_READ)) < 0)
			return r;
	/* the loader's index; it may be missing */
	r = landlock_allow(ruleset, "/etc/ld.so.cache", LANDLOCK_READ);
	return r == ERR_NOENT ? 0 : r;
}
