/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/answer.c client/scan/atom.c client/scan/cond.c client/scan/engine.c client/scan/expand.c client/scan/facts.c client/scan/lex.c client/scan/macro.c client/scan/notice.c client/scan/number.c client/scan/opts.c client/scan/recall.c client/scan/scan.c client/scan/search.c client/scan/source.c client/scan/text.c client/scan/record.c client/scan/replay.c client/scan/trace.c client/scan/tree.c client/scan/unit.c client/scan/watch.c */
/* What an event is taken for: which names, and whose watch. */
#include "scan_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/scan/notice.h"
#include "client/scan/tree.h"
#include "lib/clock.h"

#define SCANS	8	/* then a directory is watched */

struct world {
	char dir[32];
	int fd;			/* of dir */
	struct notices *notices;
	struct atoms atoms;
	struct tree tree;
	unsigned int told;	/* how often … */
	bool by_name;		/* … and how, the last time */
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/notice-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->fd >= 0);
	w->notices = notices_open();
	if (w->notices == NULL)
		return -1;
	atoms_init(&w->atoms);
	tree_init(&w->tree, &w->atoms, 64);
	w->tree.notices = w->notices;
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "a.h", "A.H", "x.o",
		"\303\251.h" };
	struct world *w = *state;
	size_t i;

	tree_free(&w->tree);
	atoms_free(&w->atoms);
	notices_close(w->notices);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(w->fd, names[i], 0);
	(void)close(w->fd);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static int
make(struct world *w, const char *name)
{
	int fd = openat(w->fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* ---- names in a directory ---- */

/* Looks for a.h; returns the directory. */
static struct dir *
look(struct world *w)
{
	char path[64];
	struct walk walk;

	(void)snprintf(path, sizeof(path), "%s/a.h", w->dir);
	tree_begin(&w->tree);
	(void)!tree_walk(&w->tree, w->tree.root, path, &walk);
	return walk.dir;
}

/* Whether d's names were looked at again after this one was made. */
static bool
counts(struct world *w, struct dir *d, const char *name)
{
	uint32_t gen = d->gen;
	int fd = make(w, name);

	(void)close(fd);
	assert_ptr_equal(look(w), d);
	assert_int_not_equal(d->notice.wd, 0);
	return d->gen != gen;
}

static void
test_names(void **state)
{
	struct world *w = *state;
	struct dir *d = NULL;
	int i;

	for (i = 0; i < SCANS; i++)
		d = look(w);
	if (d->notice.wd == 0)
		skip();		/* /tmp is on a file system of another kind */
	assert_false(counts(w, d, "x.o"));
	assert_true(counts(w, d, "a.h"));
	assert_false(counts(w, d, "x.o"));
	/* some file systems take these for a.h, or may */
	assert_true(counts(w, d, "A.H"));
	assert_true(counts(w, d, "\303\251.h"));
}

/* A source may ask for any number of names, and a build make as many files. */
static void
test_many_names_and_many_events(void **state)
{
	enum { NAMES = 200 * 1000, EVENTS = 1000 };
	struct world *w = *state;
	struct dir *d = NULL;
	char name[16];
	int64_t start;
	uint32_t gen;
	int i, n;

	for (i = 0; i < SCANS; i++)
		d = look(w);
	if (d->notice.wd == 0)
		skip();		/* /tmp is on a file system of another kind */
	for (i = 0; i < NAMES; i++) {
		n = snprintf(name, sizeof(name), "n%d.h", i);
		(void)tree_ent(&w->tree, d, atoms_get(&w->atoms, name,
		    (size_t)n));
	}
	for (i = 0; i < EVENTS; i++) {
		(void)close(make(w, "x.o"));
		(void)unlinkat(w->fd, "x.o", 0);
	}
	gen = d->gen;
	start = clock_ms();
	(void)look(w);
	assert_true(clock_ms() - start < 2000);
	assert_int_not_equal(d->gen, gen);
	(void)look(w);		/* few again */
	assert_false(counts(w, d, "x.o"));
}

/* ---- watches ---- */

static void
count(void *arg, struct notice *n, const char *name)
{
	struct world *w = arg;

	(void)n;
	w->told++;
	w->by_name = name != NULL;
}

static int
add_file(struct world *w, struct notice *n, int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return notice_add_file(w->notices, n, fd, &st);
}

static int
open_a(const struct world *w)
{
	int fd = openat(w->fd, "a.h", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void
test_one_inode_has_one_watch(void **state)
{
	struct world *w = *state;
	struct notice one = { 0 }, two = { 0 };

	assert_int_equal(notice_add_dir(w->notices, &one, w->fd), 0);
	assert_true(notice_add_dir(w->notices, &two, w->fd) < 0);
	assert_int_equal(two.wd, 0);
	(void)close(make(w, "a.h"));
	assert_true(notices_take(w->notices, count, w));
	assert_int_equal(w->told, 1);
	assert_true(w->by_name);
	notice_drop(w->notices, &one, false);
	assert_int_equal(notice_add_dir(w->notices, &two, w->fd), 0);
	/* that the first one's has ended is not told of the second */
	assert_true(notices_take(w->notices, count, w));
	assert_int_equal(w->told, 1);
	notice_drop(w->notices, &two, false);
}

static void
test_no_watch_while_there_is_a_writer(void **state)
{
	struct world *w = *state;
	struct notice n = { 0 };
	int writer = make(w, "a.h"), reader = open_a(w);
	void *map;

	assert_int_equal(ftruncate(writer, 4096), 0);
	assert_int_equal(add_file(w, &n, reader), ERR_BUSY);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	(void)close(writer);
	assert_int_equal(add_file(w, &n, reader), ERR_BUSY);
	assert_int_equal(munmap(map, 4096), 0);
	assert_int_equal(add_file(w, &n, reader), 0);
	(void)notices_take(w->notices, count, w);
	w->told = 0;
	/* who comes later is told of before anything can be written */
	(void)close(make(w, "a.h"));
	(void)notices_take(w->notices, count, w);
	assert_true(w->told != 0);
	assert_false(w->by_name);
	notice_drop(w->notices, &n, false);
	(void)close(reader);
}

/* What the system's headers are to a user: nobody asks for a lease on them. */
static void
test_files_of_others(void **state)
{
	struct world *w = *state;
	struct notice n = { 0 };
	int fd = make(w, "a.h");

	if (geteuid() != 0)
		skip();
	notices_close(w->notices);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(seteuid(65534), 0);
	w->notices = notices_open();
	assert_non_null(w->notices);
	assert_int_equal(add_file(w, &n, fd), 0);
	assert_int_equal(seteuid(0), 0);
	(void)close(open_a(w));	/* of reading it nobody is told */
	assert_true(notices_take(w->notices, count, w));
	assert_int_equal(w->told, 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_true(notices_take(w->notices, count, w));
	assert_int_not_equal(w->told, 0);
	notice_drop(w->notices, &n, false);

	assert_int_equal(fchmod(fd, 0664), 0);
	assert_int_equal(add_file(w, &n, fd), ERR_BUSY);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(fchown(fd, 65533, 65533), 0);
	assert_int_equal(add_file(w, &n, fd), ERR_BUSY);
	w->tree.notices = w->notices;
	(void)close(fd);
}

static void
test_doubts_put_it_off(void **state)
{
	struct world *w = *state;
	struct notice n = { 0 };
	unsigned int i, looks[4] = { 0 };

	for (i = 0; i < 4; i++) {
		while (!notice_is_due(w->notices, &n))
			looks[i]++;
		assert_int_equal(notice_add_dir(w->notices, &n, w->fd), 0);
		notice_drop(w->notices, &n, i != 2);
	}
	assert_true(looks[0] > 0);
	assert_true(looks[1] > looks[0] && looks[2] > looks[1]);
	assert_int_equal(looks[3], 0);	/* nothing was wrong with it */
	n = (struct notice){ 0 };
	for (i = 0; i < 1000; i++)
		assert_false(notice_is_due(NULL, &n));
}

/* Reads a file of w->dir; returns it, NULL where it is not watched. */
static struct file *
read_one(struct world *w, const char *name)
{
	const struct unit *u;
	struct walk walk;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	assert_int_equal(tree_walk(&w->tree, w->tree.root, path, &walk), 0);
	assert_int_equal(tree_read(&w->tree, walk.ent, &test_mode, &u), 0);
	return walk.ent->file->notice.wd != 0 ? walk.ent->file : NULL;
}

/* A user watches the system's headers when it first reads them, its own later:
 * clients will open these. */
static void
test_the_systems_are_watched_at_once(void **state)
{
	struct world *w = *state;
	int fd = make(w, "a.h"), own = make(w, "x.o");
	bool is_watched, is_own_watched, is_watched_later = false;
	int i;

	if (geteuid() != 0)
		skip();
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(fchmod(own, 0644), 0);
	assert_int_equal(fchown(own, 65534, 65534), 0);
	assert_int_equal(chmod(w->dir, 0755), 0);
	(void)close(fd);
	(void)close(own);
	notices_close(w->notices);
	assert_int_equal(seteuid(65534), 0);
	w->tree.notices = w->notices = notices_open();
	tree_begin(&w->tree);
	is_watched = read_one(w, "a.h") != NULL;
	assert_int_equal(seteuid(0), 0);
	assert_false(is_watched);	/* as new as this: not yet */
	(void)sleep(3);
	assert_int_equal(seteuid(65534), 0);
	tree_begin(&w->tree);
	is_watched = read_one(w, "a.h") != NULL;
	is_own_watched = read_one(w, "x.o") != NULL;
	for (i = 0; i < SCANS; i++) {
		tree_begin(&w->tree);
		is_watched_later = read_one(w, "a.h") != NULL;
	}
	assert_int_equal(seteuid(0), 0);
	assert_true(is_watched == is_watched_later);
	if (!is_watched)
		skip();		/* /tmp is on a file system of another kind */
	assert_false(is_own_watched);
	fd = make(w, "a.h");
	assert_int_equal(write(fd, "#define Y\n", 10), 10);
	(void)close(fd);
	tree_begin(&w->tree);
	assert_null(read_one(w, "a.h"));	/* told of: it was read anew */
}

/*
 * What was done again without a look at a file uses what it said.  Changed since
 * the scan began, it is another one in the next scan, not in this, whatever name
 * it is then met under.
 */
static void
test_a_change_within_a_scan_waits(void **state)
{
	struct world *w = *state;
	struct file *f = NULL;
	uint32_t drops;
	int i, fd = make(w, "a.h");

	assert_int_equal(write(fd, "#define X\n", 10), 10);
	(void)close(fd);
	(void)sleep(3);		/* then it is trusted */
	for (i = 0; i < SCANS && f == NULL; i++) {
		tree_begin(&w->tree);
		f = read_one(w, "a.h");
	}
	if (f == NULL)
		skip();		/* /tmp is on a file system of another kind */
	drops = f->drops;
	tree_begin(&w->tree);
	fd = make(w, "a.h");
	assert_int_equal(write(fd, "#define Y\n#define Z\n", 20), 20);
	(void)close(fd);
	assert_int_equal(linkat(w->fd, "a.h", w->fd, "A.H", 0), 0);
	(void)read_one(w, "A.H");
	assert_int_equal(f->drops, drops);
	assert_non_null(f->readings);
	tree_begin(&w->tree);
	(void)read_one(w, "a.h");
	assert_int_not_equal(f->drops, drops);
	assert_int_equal(f->readings->unit.n, 2);
}

/* However long a path a client names, little of it is kept. */
static void
test_a_very_long_walk_is_not_kept(void **state)
{
	struct world *w = *state;
	struct walk walk;
	char name[WALK_PATH_MAX + 64];
	size_t n, i, kept = 0;
	int k;

	n = (size_t)snprintf(name, sizeof(name), "%s/", w->dir);
	memset(name + n, '/', WALK_PATH_MAX);
	for (k = 0; k < SCANS; k++) {
		tree_begin(&w->tree);
		(void)snprintf(name + WALK_PATH_MAX - 1, 2, "x");
		assert_int_equal(tree_walk(&w->tree, w->tree.root, name,
		    &walk), ERR_NOENT);
		(void)snprintf(name + WALK_PATH_MAX - 1, 3, "/x");
		assert_int_equal(tree_walk(&w->tree, w->tree.root, name,
		    &walk), ERR_NOENT);
	}
	for (i = 0; i < WALKS_KEPT; i++)
		if (w->tree.walks[i].path != NULL) {
			assert_int_equal(strlen(w->tree.walks[i].path),
			    WALK_PATH_MAX);
			kept++;
		}
	if (kept == 0)
		skip();		/* /tmp is on a file system of another kind */
	assert_int_equal(kept, 1);
}

/*
 * Read in another mode in mid-scan, and just changed: the watch ends, and with it
 * what it would have told of the first reading.
 */
static void
test_a_watch_that_ends_within_a_scan_is_a_change(void **state)
{
	static const struct lex_mode other = { false, false, false, false };
	struct world *w = *state;
	const struct unit *u;
	struct file *f = NULL;
	struct walk walk;
	uint64_t stirs;
	uint32_t drops;
	char path[64];
	int i, fd = make(w, "a.h");

	assert_int_equal(write(fd, "#define X R\"(1)\"\n", 18), 18);
	(void)close(fd);
	(void)sleep(3);
	for (i = 0; i < SCANS && f == NULL; i++) {
		tree_begin(&w->tree);
		f = read_one(w, "a.h");
	}
	if (f == NULL)
		skip();
	tree_begin(&w->tree);
	stirs = w->tree.stirs;
	drops = f->drops;
	fd = make(w, "a.h");
	assert_int_equal(write(fd, "#define Y R\"(2)\"\n", 18), 18);
	(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/a.h", w->dir);
	assert_int_equal(tree_walk(&w->tree, w->tree.root, path, &walk), 0);
	assert_int_equal(tree_read(&w->tree, walk.ent, &other, &u), 0);
	assert_string_equal(u->dirs[0].sym->name, "Y");
	assert_int_equal(f->notice.wd, 0);
	assert_true(w->tree.stirs > stirs);
	assert_int_not_equal(f->drops, drops);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_many_names_and_many_events, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_inode_has_one_watch,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_no_watch_while_there_is_a_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files_of_others,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_very_long_walk_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_watch_that_ends_within_a_scan_is_a_change, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    test_the_systems_are_watched_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_doubts_put_it_off,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_change_within_a_scan_waits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
