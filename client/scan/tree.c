/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "client/scan/recall.h"
#include "client/scan/record.h"
#include "client/scan/tree.h"
#include "lib/fd.h"
#include "lib/hash.h"
#include "lib/mem.h"

#define NS_PER_S	INT64_C(1000000000)
/* Older than this, a time was not made by a change that is still going on:
 * the coarsest grain of a local file system is one second. */
#define GRAIN_LOCAL_NS	(2 * NS_PER_S)
#define GRAIN_OTHER_NS	(60 * NS_PER_S)
#define CLOCK_STEP_NS	(NS_PER_S / 2)
#define PERIOD_NS	(60 * NS_PER_S)	/* in which each file is looked at */

/* Names that are compared with those that events tell of, before a scan. */
#define COMPARED_MAX	((size_t)1024 * 1024)

#define SCANS_BEFORE_OPEN	2	/* then a directory is worth an fd */

#define FILE_BUCKETS	8192
#define DIR_BUCKETS	8
#define LINKS_MAX	40	/* the kernel's own limit */
#define TEXT_KEPT_BYTES	((size_t)4 * 1024 * 1024)
#define FILE_MAX_BYTES	((uint64_t)256 * 1024 * 1024)

/* Numbers that <linux/magic.h> does not have. */
#define ZFS_SUPER_MAGIC_	0x2fc12fc1
#define BCACHEFS_SUPER_MAGIC_	0xca451a4e

/*
 * Those that tell are changed by system calls on them and in no other way.  An
 * overlay's layers may be written to underneath, and what is copied up becomes
 * another inode; ZFS can be rolled back while it is mounted.
 */
static const struct {
	long type;
	enum fs_kind kind;
} local_types[] = {
	{ EXT4_SUPER_MAGIC, FS_TELLS }, { XFS_SUPER_MAGIC, FS_TELLS },
	{ BTRFS_SUPER_MAGIC, FS_TELLS }, { TMPFS_MAGIC, FS_TELLS },
	{ F2FS_SUPER_MAGIC, FS_TELLS }, { SQUASHFS_MAGIC, FS_TELLS },
	{ EROFS_SUPER_MAGIC_V1, FS_TELLS },
	{ OVERLAYFS_SUPER_MAGIC, FS_LOCAL }, { ZFS_SUPER_MAGIC_, FS_LOCAL },
	{ BCACHEFS_SUPER_MAGIC_, FS_LOCAL },
};

static int64_t
clock_now_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static struct dir *
new_dir(struct tree *t, struct dir *parent, const char *path)
{
	struct dir *d = mem_calloc(1, sizeof(*d));
	const char *slash = strrchr(path, '/');

	d->parent = parent != NULL ? parent : d;
	d->path = mem_strdup(path);
	d->len = strlen(path);
	d->base = slash != NULL ? d->path + (slash + 1 - path) : "/";
	d->fd = -1;
	t->names_bytes += sizeof(*d);
	return d;
}

void
tree_init(struct tree *t, struct atoms *atoms, size_t fds_max)
{
	memset(t, 0, sizeof(*t));
	t->atoms = atoms;
	t->fds_max = fds_max;
	t->nfiles_buckets = FILE_BUCKETS;
	t->files = mem_calloc(t->nfiles_buckets, sizeof(struct file *));
	t->trust = 1;
	t->stirs = 1;
	t->root = new_dir(t, NULL, "");
}

static void
drop_readings(struct tree *t, struct file *f)
{
	struct reading *r;

	f->drops = ++t->drops;
	t->stirs++;
	while ((r = f->readings) != NULL) {
		f->readings = r->next;
		t->bytes -= r->unit.arena.total;
		recall_drop(&r->unit, &t->recalled);
		record_drop(&r->unit, &t->replayed);
		unit_free(&r->unit);
		free(r);
	}
}

static void
close_dir(struct tree *t, struct dir *d)
{
	if (d->fd >= 0)
		t->nfds--;
	fd_close(&d->fd);
}

static void
free_dir(struct tree *t, struct dir *d)
{
	struct ent *e, *next;
	size_t i;

	for (i = 0; i < d->nbuckets; i++)
		for (e = d->buckets[i]; e != NULL; e = next) {
			next = e->next;
			if (e->type == ENT_DIR)
				free_dir(t, e->dir);
			if (e->type == ENT_LINK)
				free((void *)(uintptr_t)e->target);
			free(e);
			t->names_bytes -= sizeof(*e);
		}
	t->names_bytes -= sizeof(*d);
	t->deaths++;
	t->stirs++;
	notice_drop(t->notices, &d->notice, false);
	close_dir(t, d);
	free(d->buckets);
	free((void *)(uintptr_t)d->path);
	free(d);
}

void
tree_free(struct tree *t)
{
	struct file *f, *next;
	size_t i;

	for (i = 0; i < t->nfiles_buckets; i++)
		for (f = t->files[i]; f != NULL; f = next) {
			next = f->next;
			drop_readings(t, f);
			notice_drop(t->notices, &f->notice, false);
			free(f);
		}
	free(t->files);
	free_dir(t, t->root);
	for (i = 0; i < WALKS_KEPT; i++)
		free(t->walks[i].path);
	free(t->path);
	free(t->text);
}

/* ---- what the kernel tells ------------------------------------------- */

/* Whether the names of d are what they were found to be, as far as we know. */
static bool
is_sure(const struct tree *t, const struct dir *d)
{
	return d->settled == t->trust || d->notice.wd != 0;
}

/* Nothing that is known about names in d is known any more. */
static void
turn_over(struct tree *t, struct dir *d)
{
	d->gen++;
	t->stirs++;
}

/* Ends d's watch: names that only the watch vouched for are not known. */
static void
lose_dir(struct tree *t, struct dir *d, bool is_doubtful)
{
	notice_drop(t->notices, &d->notice, is_doubtful);
	t->stirs++;
	if (d->settled != t->trust)
		turn_over(t, d);
}

/* Ends f's watch: what it would have told of may have happened. */
static void
lose_file(struct tree *t, struct file *f, bool is_doubtful)
{
	if (f->notice.wd == 0)
		return;
	notice_drop(t->notices, &f->notice, is_doubtful);
	t->stirs++;
}

/*
 * Whether a file system could take one name for the other: some do not tell
 * upper from lower case, in a way of their own beyond ASCII.
 */
static bool
may_be_same(const char *a, const char *b)
{
	while (*a != '\0' && tolower((unsigned char)*a) ==
	    tolower((unsigned char)*b)) {
		a++;
		b++;
	}
	return *a == *b || ((*a | *b) & 0x80) != 0;
}

/*
 * Builds write files of all sorts beside the sources: few are looked for.  Where
 * it would take long to tell, any may have been.
 */
static bool
was_looked_for(struct tree *t, const struct dir *d, const char *name)
{
	const struct ent *e;
	size_t i;

	if (t->compared > COMPARED_MAX)
		return true;
	t->compared += d->count + d->nbuckets;
	for (i = 0; i < d->nbuckets; i++)
		for (e = d->buckets[i]; e != NULL; e = e->next)
			if (may_be_same(e->name->name, name))
				return true;
	return false;
}

#define OWNER(w, type)	\
	((type *)(void *)((char *)(w) - offsetof(type, notice)))

/* A notice_told. */
static void
told(void *arg, struct notice *w, const char *name)
{
	struct tree *t = arg;
	struct dir *d;

	if (!w->is_dir) {
		lose_file(t, OWNER(w, struct file), true);
		return;
	}
	d = OWNER(w, struct dir);
	if (name == NULL)
		lose_dir(t, d, true);
	else if (was_looked_for(t, d, name))
		turn_over(t, d);
}

void
tree_begin(struct tree *t)
{
	int64_t up_ns, offset;

	t->scan++;
	t->now_ns = clock_now_ns(CLOCK_REALTIME);
	up_ns = clock_now_ns(CLOCK_BOOTTIME);
	if (t->period != (uint32_t)(up_ns / PERIOD_NS))
		t->stirs++;	/* files are asked for again */
	t->period = (uint32_t)(up_ns / PERIOD_NS);
	offset = t->now_ns - up_ns;
	if (llabs(offset - t->clock_offset_ns) > CLOCK_STEP_NS) {
		t->trust++;
		t->stirs++;
	}
	t->clock_offset_ns = offset;
	t->compared = 0;
	/* if not, a device may be another one by now */
	if (t->notices != NULL && !notices_take(t->notices, told, t)) {
		t->ndevs = 0;
		t->stirs++;
	}
}

static const char *
build_path(struct tree *t, const struct dir *d, const struct sym *name)
{
	size_t need = d->len + 1 + name->len + 1;

	if (need > t->path_size) {
		t->path_size = need * 2;
		t->path = mem_realloc(t->path, t->path_size, 1);
	}
	memcpy(t->path, d->path, d->len);
	t->path[d->len] = '/';
	memcpy(t->path + d->len + 1, name->name, name->len + 1);
	return t->path;
}

const char *
tree_path(struct tree *t, const struct ent *e)
{
	return build_path(t, e->in, e->name);
}

static struct scan_stamp
stamp_of(const struct stat *st)
{
	return (struct scan_stamp){
		.dev = st->st_dev, .ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * NS_PER_S +
		    st->st_mtim.tv_nsec,
		.ctime_ns = (int64_t)st->st_ctim.tv_sec * NS_PER_S +
		    st->st_ctim.tv_nsec,
	};
}

static bool
same_stamp(const struct scan_stamp *a, const struct scan_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* ---- directories ----------------------------------------------------- */

/*
 * How to name something in d to the kernel: from the descriptor of d, or by
 * its whole path.  *name is lent until the next call.
 */
static int
name_in(struct tree *t, struct dir *d, const struct sym *s, const char **name)
{
	if (d->fd >= 0) {
		*name = s->name;
		return d->fd;
	}
	*name = build_path(t, d, s);
	return AT_FDCWD;
}

static int
stat_dir(const struct dir *d, struct stat *st)
{
	if (d->parent != d && d->parent->fd >= 0)
		return fstatat(d->parent->fd, d->base, st,
		    AT_SYMLINK_NOFOLLOW);
	return stat(d->len != 0 ? d->path : "/", st);
}

/*
 * Holds a much used directory open.  Only where "/" is: elsewhere it would
 * keep somebody from unmounting.
 */
static void
open_dir(struct tree *t, struct dir *d)
{
	struct stat st;

	if (t->nfds >= t->fds_max || d->stamp.dev != t->root->stamp.dev)
		return;
	d->fd = open(d->len != 0 ? d->path : "/",
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return;
	t->nfds++;
	if (fstat(d->fd, &st) < 0 || st.st_ino != d->stamp.ino ||
	    st.st_dev != d->stamp.dev)
		close_dir(t, d);
}

static enum fs_kind
kind_of_type(long type)
{
	size_t i;

	for (i = 0; i < sizeof(local_types) / sizeof(local_types[0]); i++)
		if ((uint32_t)type == (uint32_t)local_types[i].type)
			return local_types[i].kind;
	return FS_OTHER;
}

/* How far the device that d is on can be trusted. */
static enum fs_kind
kind_of(struct tree *t, struct dir *d)
{
	struct statfs fs;
	size_t i;

	for (i = 0; i < t->ndevs; i++)
		if (t->devs[i].dev == d->stamp.dev)
			return t->devs[i].kind;
	if (statfs(d->len != 0 ? d->path : "/", &fs) < 0)
		return FS_OTHER;
	d->is_proc = fs.f_type == PROC_SUPER_MAGIC;
	if (d->is_proc || t->ndevs == sizeof(t->devs) / sizeof(t->devs[0]))
		return kind_of_type(fs.f_type);
	t->devs[t->ndevs].dev = d->stamp.dev;
	t->devs[t->ndevs].kind = kind_of_type(fs.f_type);
	return t->devs[t->ndevs++].kind;
}

/*
 * Has the kernel tell of names in d from here on.  What is known of them holds
 * if d's times say so now that the watch is there.
 */
static void
watch_dir(struct tree *t, struct dir *d)
{
	struct scan_stamp now;
	struct stat st;
	AUTOFD own = -1;
	int fd = d->fd;

	if (d->notice.wd != 0 || !notice_is_due(t->notices, &d->notice) ||
	    kind_of(t, d) != FS_TELLS)
		return;
	if (fd < 0)
		fd = own = open(d->len != 0 ? d->path : "/", O_PATH |
		    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || notice_add_dir(t->notices, &d->notice, fd) < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_ino != d->stamp.ino ||
	    st.st_dev != d->stamp.dev) {
		lose_dir(t, d, true);
		return;
	}
	now = stamp_of(&st);
	if (d->settled == t->trust && same_stamp(&now, &d->stamp))
		return;
	turn_over(t, d);
	d->stamp = now;
	d->settled = 0;
}

/* Takes what d's times say now; a watch knows better, if it is on this d. */
static void
compare_dir(struct tree *t, struct dir *d, const struct scan_stamp *now)
{
	if (d->gen == 0) {	/* new: nothing depends on it yet */
		d->gen++;
		d->stamp = *now;
	} else if (now->ino != d->stamp.ino || now->dev != d->stamp.dev) {
		close_dir(t, d);
		notice_drop(t->notices, &d->notice, false);
		t->stirs++;
	}
	if (d->notice.wd != 0)
		return;
	if (!same_stamp(now, &d->stamp)) {
		turn_over(t, d);
		d->stamp = *now;
		d->settled = 0;
		d->is_proc = false;
	}
	if (d->settled != t->trust && kind_of(t, d) != FS_OTHER &&
	    now->ctime_ns < t->now_ns - GRAIN_LOCAL_NS)
		d->settled = t->trust;
}

/* Asks for the directory's times; its parent was asked already. */
static void
look_at_dir(struct tree *t, struct dir *d)
{
	struct scan_stamp now;
	struct stat st;

	d->at_gen = d->parent->gen;
	d->at_settled = is_sure(t, d->parent) ? t->trust : 0;
	d->is_gone = stat_dir(d, &st) < 0 || !S_ISDIR(st.st_mode);
	if (d->is_gone) {
		notice_drop(t->notices, &d->notice, true);
		close_dir(t, d);
		turn_over(t, d);
		d->settled = 0;
		return;
	}
	now = stamp_of(&st);
	compare_dir(t, d, &now);
	if (d->fd < 0 && ++d->uses > SCANS_BEFORE_OPEN)
		open_dir(t, d);
	watch_dir(t, d);
}

/* Whether the path still leads to the directory that was looked at. */
static bool
is_in_place(const struct tree *t, const struct dir *d)
{
	const struct dir *p = d->parent;

	return p == d || (!p->is_gone && d->at_gen == p->gen &&
	    d->at_settled == t->trust);
}

/* Makes sure of the directory, once a scan. */
static void
touch_dir(struct tree *t, struct dir *d)
{
	if (d->scan == t->scan)
		return;
	d->scan = t->scan;
	if (d->parent != d)
		touch_dir(t, d->parent);	/* its fd must be the right one */
	if (d->notice.wd != 0 && !notice_holds(t->notices, &d->notice))
		lose_dir(t, d, false);
	if (d->notice.wd == 0 || !is_in_place(t, d))
		look_at_dir(t, d);
}

static void
grow_dir(struct dir *d)
{
	size_t n = d->nbuckets != 0 ? d->nbuckets * 4 : DIR_BUCKETS, i;
	struct ent **fresh = mem_calloc(n, sizeof(struct ent *)), *e, *next;

	for (i = 0; i < d->nbuckets; i++)
		for (e = d->buckets[i]; e != NULL; e = next) {
			next = e->next;
			e->next = fresh[e->name->hash & (n - 1)];
			fresh[e->name->hash & (n - 1)] = e;
		}
	free(d->buckets);
	d->buckets = fresh;
	d->nbuckets = n;
}

struct ent *
tree_ent(struct tree *t, struct dir *d, struct sym *name)
{
	struct ent *e = NULL;

	if (d->nbuckets != 0)
		for (e = d->buckets[name->hash & (d->nbuckets - 1)];
		    e != NULL; e = e->next)
			if (e->name == name)
				return e;
	if (d->count++ >= d->nbuckets)
		grow_dir(d);
	e = mem_calloc(1, sizeof(*e));
	t->names_bytes += sizeof(*e);
	e->name = name;
	e->in = d;
	e->next = d->buckets[name->hash & (d->nbuckets - 1)];
	d->buckets[name->hash & (d->nbuckets - 1)] = e;
	return e;
}

/* ---- files ----------------------------------------------------------- */

static void
set_stamp(struct tree *t, struct file *f, const struct scan_stamp *s)
{
	if (f->change == 0 || !same_stamp(&f->stamp, s))
		f->change = ++t->changes;
	f->stamp = *s;
}

static struct file *
get_file(struct tree *t, const struct scan_stamp *s)
{
	struct file **head, *f;

	head = &t->files[(s->ino ^ (s->dev << 7)) & (t->nfiles_buckets - 1)];
	for (f = *head; f != NULL; f = f->next)
		if (f->stamp.ino == s->ino && f->stamp.dev == s->dev)
			return f;
	f = mem_calloc(1, sizeof(*f));
	set_stamp(t, f, s);
	f->drops = ++t->drops;
	f->next = *head;
	*head = f;
	t->nfiles++;
	return f;
}

/*
 * Whether a file is what it was without asking.  Once a period it is asked all
 * the same, in case that there is a change of which no kernel tells.
 */
static bool
is_unchanged(const struct tree *t, const struct file *f)
{
	return f->notice.wd != 0 && f->settled == t->trust &&
	    notice_holds(t->notices, &f->notice) && f->looked == t->period;
}

static void
check_file(struct tree *t, struct file *f, const struct scan_stamp *now)
{
	bool is_new = f->checked == 0;

	if (f->checked == t->scan)
		return;
	f->checked = t->scan;
	if (is_new)
		return;		/* nothing depends on it yet */
	/* met under another name: an inclusion that was done again may use what
	 * it said, and the next scan will be told of a change since */
	if (is_unchanged(t, f))
		return;
	if (f->settled == t->trust && same_stamp(&f->stamp, now))
		return;
	drop_readings(t, f);
	notice_drop(t->notices, &f->notice, true);
	set_stamp(t, f, now);
	f->settled = 0;
	f->has_once = false;
}

/* ---- names ----------------------------------------------------------- */

/* in      old: what was said before, or NULL */
static int
set_link(struct ent *e, int at, const char *name, const char *old)
{
	char target[4096];
	ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_from_errno(errno);
	target[n] = '\0';
	e->type = ENT_LINK;
	e->target = mem_strdup(target);
	if (old == NULL || strcmp(old, target) != 0)
		e->number = 0;
	e->number_change = 0;	/* no file's: the number is the link's now */
	return 0;
}

static void
set_dir(struct tree *t, struct ent *e, struct dir *known)
{
	e->type = ENT_DIR;
	e->dir = known != NULL ? known :
	    new_dir(t, e->in, build_path(t, e->in, e->name));
}

static void
set_file(struct tree *t, struct ent *e, const struct stat *st)
{
	struct scan_stamp now = stamp_of(st);

	e->type = ENT_FILE;
	e->file = get_file(t, &now);
	e->file_scan = t->scan;
	check_file(t, e->file, &now);
}

/* Sets the name's type and what comes with it by looking. */
static int
look(struct tree *t, struct ent *e)
{
	struct dir *known = e->type == ENT_DIR ? e->dir : NULL;
	const char *name;
	int at = name_in(t, e->in, e->name, &name);
	AUTOFREE char *old = e->type == ENT_LINK ?
	    (char *)(uintptr_t)e->target : NULL;
	struct stat st;
	int err;

	e->type = ENT_ABSENT;
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		err = errno;
		if (known != NULL)
			free_dir(t, known);
		return err == EACCES || err == EPERM || err == EIO ?
		    ERR_ACCESS : 0;
	}
	if (known != NULL && !S_ISDIR(st.st_mode))
		free_dir(t, known);
	if (S_ISDIR(st.st_mode))
		set_dir(t, e, known);
	else if (S_ISLNK(st.st_mode))
		return set_link(e, at, name, old);
	else if (S_ISREG(st.st_mode))
		set_file(t, e, &st);
	else
		e->type = S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) ?
		    ENT_NULL : ENT_ODD;
	return 0;
}

static int
look_up(struct tree *t, struct dir *d, struct sym *name, struct ent **out)
{
	struct ent *e;
	int r;

	touch_dir(t, d);
	if (d->is_proc)
		return ERR_UNSUPPORTED;
	e = tree_ent(t, d, name);
	*out = e;
	if (e->scan == t->scan)
		return 0;
	if (e->settled == t->trust && e->gen == d->gen && e->scan != 0) {
		e->scan = t->scan;
		return 0;
	}
	if ((r = look(t, e)) < 0)
		return r;
	e->scan = t->scan;
	e->gen = d->gen;
	e->settled = is_sure(t, d) ? t->trust : 0;
	return 0;
}

/* Has the kernel tell of changes to the file, whose times have just been
 * asked for, from here on. */
static void
watch_file(struct tree *t, struct ent *e)
{
	struct file *f = e->file;
	struct scan_stamp now;
	const char *name;
	struct stat st;
	AUTOFD fd = -1;
	int at;

	if (f->notice.wd != 0 && !notice_holds(t->notices, &f->notice))
		notice_drop(t->notices, &f->notice, false);
	if (f->notice.wd != 0 || f->settled != t->trust ||
	    e->in->stamp.dev != f->stamp.dev ||
	    !notice_is_due(t->notices, &f->notice) ||
	    kind_of(t, e->in) != FS_TELLS)
		return;
	at = name_in(t, e->in, e->name, &name);
	fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 ||
	    notice_add_file(t->notices, &f->notice, fd, &st) < 0)
		return;
	if (fstat(fd, &st) == 0) {
		now = stamp_of(&st);
		if (same_stamp(&now, &f->stamp))
			return;
	}
	notice_drop(t->notices, &f->notice, true);
}

/* Asks for the times of a file whose name is known. */
static int
look_at_file(struct tree *t, struct ent *e)
{
	struct scan_stamp now;
	const char *name;
	struct stat st;
	int at = name_in(t, e->in, e->name, &name);

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ERR_NOENT;
	now = stamp_of(&st);
	if (!S_ISREG(st.st_mode) || now.ino != e->file->stamp.ino ||
	    now.dev != e->file->stamp.dev)
		return look(t, e);
	e->file_scan = t->scan;
	check_file(t, e->file, &now);
	e->file->looked = t->period;
	watch_file(t, e);
	return 0;
}

static int
lookup(struct tree *t, struct dir *d, struct sym *name, struct ent **out)
{
	int r = look_up(t, d, name, out);

	if (r < 0 || t->trace == NULL)
		return r;
	trace_op(t->trace, OP_DIR, d, d->gen);
	if ((*out)->settled != t->trust)
		trace_doubt(t->trace);
	return 0;
}

/* What a scan knows of files. */

void
tree_see_file(struct tree *t, struct file *f)
{
	if (f->seen == t->scan)
		return;
	f->seen = t->scan;
	f->entered = f->once = f->maybe_once = false;
}

uint8_t
tree_flags(const struct file *f)
{
	return (uint8_t)((f->once ? OP_ONCE : 0) |
	    (f->maybe_once ? OP_MAYBE_ONCE : 0));
}

void
tree_set_flags(struct tree *t, struct file *f, unsigned int flags)
{
	tree_see_file(t, f);
	f->once |= (flags & OP_ONCE) != 0;
	f->maybe_once |= (flags & OP_MAYBE_ONCE) != 0;
}

void
tree_trace_flags(struct tree *t, struct file *f)
{
	if (t->trace != NULL && !t->trace->is_off &&
	    (f->has_once || f->once || f->maybe_once))
		trace_add_op(t->trace, (struct op){ .kind = OP_FLAGS,
		    .flags = tree_flags(f), .file = f });
}

int
tree_file(struct tree *t, struct ent *e, struct file **out)
{
	int r;

	if (e->type != ENT_FILE)
		return ERR_NOENT;
	if (e->file_scan != t->scan && is_unchanged(t, e->file)) {
		e->file_scan = t->scan;
		e->file->checked = t->scan;
	}
	if (e->file_scan != t->scan && (r = look_at_file(t, e)) < 0)
		return r;
	if (e->type != ENT_FILE)
		return ERR_NOENT;
	*out = e->file;
	return 0;
}

uint32_t
tree_dir_gen(struct tree *t, struct dir *d)
{
	touch_dir(t, d);
	return d->gen;
}

bool
tree_tells_of_dir(const struct dir *d)
{
	while (d->notice.wd != 0 && d->parent != d)
		d = d->parent;
	return d->notice.wd != 0;
}

bool
tree_tells_of_file(const struct tree *t, const struct file *f)
{
	return is_unchanged(t, f);
}

/* ---- walking --------------------------------------------------------- */

static int
note(struct walk *w, struct ent *link, struct dir *dir)
{
	if (w->nnotes == WALK_NOTES_MAX)
		return ERR_UNSUPPORTED;
	w->notes[w->nnotes].link = link;
	w->notes[w->nnotes++].dir = dir;
	return 0;
}

static int follow(struct tree *t, struct walk *w, const char *path,
    unsigned int depth);

/* One component of a path other than "." and "..". */
static int
enter(struct tree *t, struct walk *w, struct sym *name, unsigned int depth)
{
	struct ent *e;
	int r;

	if (depth == 0)
		w->open_dir = w->dir;
	if ((r = lookup(t, w->dir, name, &e)) < 0)
		return r;
	w->is_told &= w->dir->notice.wd != 0;
	switch (e->type) {
	case ENT_DIR:
		w->dir = e->dir;
		return 0;
	case ENT_FILE:
	case ENT_NULL:
		w->ent = e;
		return 0;
	case ENT_LINK:
		if (depth >= LINKS_MAX)
			return ERR_UNSUPPORTED;
		if ((r = note(w, e, NULL)) < 0)
			return r;
		return follow(t, w, e->target, depth + 1);
	case ENT_ODD:
		return ERR_UNSUPPORTED;
	default:
		w->missing = name;
		return ERR_NOENT;
	}
}

static int
leave(struct walk *w, unsigned int depth)
{
	int r = note(w, NULL, w->dir);

	w->is_past_root |= depth == 0 && w->dir->parent == w->dir;
	w->dir = w->dir->parent;
	return r;
}

static int
follow(struct tree *t, struct walk *w, const char *path, unsigned int depth)
{
	const char *end;
	size_t n;
	int r = 0;

	if (*path == '/')
		w->dir = t->root;
	for (; *path != '\0' && r == 0; path = end) {
		end = strchrnul(path, '/');
		n = (size_t)(end - path);
		if (*end == '/')
			end++;
		if (w->ent != NULL)
			return ERR_NOENT;	/* a file is no directory */
		if (n == 0 || (n == 1 && path[0] == '.'))
			continue;
		if (n == 2 && path[0] == '.' && path[1] == '.')
			r = leave(w, depth);
		else
			r = enter(t, w, atoms_get(t->atoms, path, n), depth);
	}
	w->is_passed |= *path != '\0';
	return r;
}

static void
start_walk(struct walk *w, struct dir *from)
{
	w->ent = NULL;
	w->dir = w->open_dir = from;
	w->missing = NULL;
	w->is_passed = w->is_past_root = false;
	w->is_told = true;
	w->nnotes = 0;
}

static int
end_walk(struct tree *t, struct walk *w)
{
	if (w->ent == NULL) {
		touch_dir(t, w->dir);
		return w->dir->is_gone ? ERR_NOENT : 0;
	}
	w->dir = w->ent->in;
	return 0;
}

static int
walk_anew(struct tree *t, struct dir *from, const char *path, struct walk *w)
{
	size_t n = strlen(path);
	int r;

	start_walk(w, from);
	if ((r = follow(t, w, path, 0)) < 0)
		return r;
	if (w->ent != NULL && n != 0 && path[n - 1] == '/')
		return ERR_NOENT;
	return end_walk(t, w);
}

static struct walked *
kept_walk(struct tree *t, const struct dir *from, const char *path)
{
	uint64_t h = hash_bytes((uintptr_t)from >> 4, path, strlen(path));

	return &t->walks[(h ^ h >> 32) & (WALKS_KEPT - 1)];
}

/* Only the notes that there are. */
static void
copy_walk(struct walk *to, const struct walk *w)
{
	memcpy(to, w, offsetof(struct walk, notes) +
	    w->nnotes * sizeof(w->notes[0]));
}

int
tree_walk(struct tree *t, struct dir *from, const char *path, struct walk *w)
{
	struct walked *k = kept_walk(t, from, path);
	int r;

	if (k->path != NULL && k->stirs == t->stirs && k->from == from &&
	    strcmp(k->path, path) == 0) {
		copy_walk(w, &k->walk);
		return k->r;
	}
	r = walk_anew(t, from, path, w);
	if (!w->is_told || !(r == ERR_NOENT || (r == 0 && w->ent == NULL)) ||
	    strlen(path) > WALK_PATH_MAX)
		return r;
	if (k->path == NULL || strcmp(k->path, path) != 0) {
		free(k->path);
		k->path = mem_strdup(path);
	}
	k->from = from;
	k->stirs = t->stirs;
	k->r = r;
	copy_walk(&k->walk, w);
	return r;
}

/* A name's components; none if a part of it is anything special. */
static const struct sym_parts *
split(struct tree *t, struct sym *name)
{
	struct sym_parts *p;
	const char *s = name->name, *end;
	size_t most = 1, n = 0;

	for (end = s; *end != '\0'; end++)
		most += *end == '/';
	p = arena_alloc(&t->atoms->arena, sizeof(*p) +
	    most * sizeof(p->ptr[0]));
	for (;; s = end + 1) {
		end = strchrnul(s, '/');
		if (end == s || *s == '.') {
			n = 0;
			break;
		}
		p->ptr[n++] = atoms_get(t->atoms, s, (size_t)(end - s));
		if (*end == '\0')
			break;
	}
	p->n = n;
	name->parts = p;
	return p;
}

int
tree_walk_name(struct tree *t, struct dir *from, struct sym *name,
    struct walk *w)
{
	const struct sym_parts *p = name->parts;
	size_t i;
	int r;

	if (p == NULL)
		p = split(t, name);
	if (p->n == 0)
		return walk_anew(t, from, name->name, w);
	start_walk(w, from);
	for (i = 0; i < p->n; i++) {
		if (w->ent != NULL)
			return ERR_NOENT;
		w->is_passed = i + 1 < p->n;
		if ((r = enter(t, w, p->ptr[i], 0)) < 0)
			return r;
	}
	return end_walk(t, w);
}

/* ---- reading --------------------------------------------------------- */

/* Room for a file of this size and for the lexer's two sentinels. */
static void
reserve_text(struct tree *t, size_t size)
{
	if (t->text_size >= size + 2)
		return;
	free(t->text);
	t->text_size = size + size / 4 + 2;
	t->text = mem_realloc(NULL, t->text_size, 1);
}

/* After a very large file the memory is worth more than the next reading. */
static void
release_text(struct tree *t)
{
	if (t->text_size <= TEXT_KEPT_BYTES)
		return;
	free(t->text);
	t->text = NULL;
	t->text_size = 0;
}

/* The whole file behind fd into t->text; returns how much there was. */
static size_t
load(struct tree *t, int fd, size_t size)
{
	size_t got = 0;
	ssize_t n;

	reserve_text(t, size);
	while (got < size) {
		n = read(fd, t->text + got, size - got);
		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EINTR)
			break;
	}
	t->text[got] = '\n';
	t->text[got + 1] = '\0';
	return got;
}

/* Whether what was read under stamp `before` may be used by later scans. */
static uint32_t
settle(struct tree *t, struct ent *e, int fd, const struct scan_stamp *before)
{
	int64_t grain = kind_of(t, e->in) != FS_OTHER &&
	    e->in->stamp.dev == before->dev ? GRAIN_LOCAL_NS : GRAIN_OTHER_NS;
	struct scan_stamp after;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return 0;
	after = stamp_of(&st);
	if (!same_stamp(before, &after) ||
	    after.ctime_ns >= t->now_ns - grain)
		return 0;
	return t->trust;
}

/* Whoever calls looks at the file's times again. */
static void
watch_early(struct tree *t, struct ent *e, int fd, const struct stat *st)
{
	struct file *f = e->file;

	if (e->in->stamp.dev == f->stamp.dev &&
	    f->stamp.ctime_ns < t->now_ns - GRAIN_LOCAL_NS &&
	    notice_is_due_at_once(t->notices, &f->notice, st) &&
	    kind_of(t, e->in) == FS_TELLS &&
	    notice_add_file(t->notices, &f->notice, fd, st) == 0)
		f->looked = t->period;
}

static bool
says_once(const struct unit *u)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->dirs[i].kind == DIR_ONCE ||
		    u->dirs[i].kind == DIR_MAYBE_ONCE)
			return true;
	return false;
}

static int
read_file(struct tree *t, struct ent *e, struct file *f,
    const struct lex_mode *mode, struct reading **out)
{
	struct scan_stamp now;
	struct reading *r;
	const char *name;
	struct stat st;
	size_t n;
	int at = name_in(t, e->in, e->name, &name);
	AUTOFD fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno == ENOENT ? ERR_NOENT : ERR_ACCESS;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > FILE_MAX_BYTES)
		return ERR_ACCESS;
	now = stamp_of(&st);
	if (now.ino != f->stamp.ino || now.dev != f->stamp.dev)
		return ERR_NOENT;	/* another one, since it was looked at */
	if (!same_stamp(&f->stamp, &now))
		drop_readings(t, f);	/* those of other modes */
	set_stamp(t, f, &now);
	n = load(t, fd, (size_t)st.st_size);
	watch_early(t, e, fd, &st);
	f->settled = settle(t, e, fd, &f->stamp);
	if (f->settled == 0)
		lose_file(t, f, false);
	r = mem_calloc(1, sizeof(*r));
	r->mode = *mode;
	lex_unit(t->atoms, t->text, n, mode, &r->unit, &t->bytes);
	f->has_once |= says_once(&r->unit);
	r->unit.replays = arena_alloc(&r->unit.arena,
	    sizeof(*r->unit.replays));
	memset(r->unit.replays, 0, sizeof(*r->unit.replays));
	release_text(t);
	t->bytes += r->unit.arena.total;
	r->next = f->readings;
	f->readings = r;
	*out = r;
	return 0;
}

static bool
same_mode(const struct lex_mode *a, const struct lex_mode *b)
{
	return a->raw_strings == b->raw_strings &&
	    a->line_comments == b->line_comments &&
	    a->trigraphs == b->trigraphs && a->elifdef == b->elifdef;
}

static void
trace_reading(struct tree *t, struct ent *e, const struct file *f)
{
	if (t->trace == NULL)
		return;
	trace_op(t->trace, OP_READ, e, f->drops);
	if (f->settled != t->trust)
		trace_doubt(t->trace);	/* it is read again */
}

void
tree_drop_replays(struct tree *t)
{
	struct reading *r;
	struct file *f;
	size_t i;

	for (i = 0; i < t->nfiles_buckets; i++)
		for (f = t->files[i]; f != NULL; f = f->next)
			for (r = f->readings; r != NULL; r = r->next)
				record_drop(&r->unit, &t->replayed);
}

int
tree_read(struct tree *t, struct ent *e, const struct lex_mode *mode,
    const struct unit **out)
{
	struct reading *rd;
	struct file *f;
	int r;

	if ((r = tree_file(t, e, &f)) < 0)
		return r;
	for (rd = f->readings; rd != NULL; rd = rd->next)
		if (!rd->unit.depends_on_mode || same_mode(&rd->mode, mode))
			break;
	if (rd == NULL && (r = read_file(t, e, f, mode, &rd)) < 0)
		return r;
	trace_reading(t, e, f);
	*out = &rd->unit;
	return 0;
}
