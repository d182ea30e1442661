/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree - what is known of the file system: directories, the names looked for
 * in them, and what each file says.
 *
 * What a scan learnt may be used by a later one only if it cannot have
 * changed unnoticed.  A name that was present or absent in a directory stays
 * so while the directory's times stay; a file's contents while its own do.
 * Both hold only if the times were already old when we looked: a second
 * change within the clock's grain leaves the same time.  Each directory and
 * file is asked for its times once a scan.
 *
 * Where the kernel tells of changes (notice.h) it need not be asked: names in
 * a directory stay what they were found to be until it tells of one of them,
 * whatever else comes and goes there and changes the directory's times.
 */
#ifndef SCAN_TREE_H
#define SCAN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "client/scan/atom.h"
#include "client/scan/lex.h"
#include "client/scan/notice.h"
#include "client/scan/record.h"
#include "client/scan/trace.h"
#include "client/scan/scan.h"
#include "lib/err.h"

enum ent_type {
	ENT_ABSENT,
	ENT_FILE,
	ENT_DIR,
	ENT_LINK,
	ENT_NULL,	/* /dev/null: an empty file */
	ENT_ODD,	/* a pipe, a device, or not to be looked at */
};

/* A mode's reading of a file. */
struct reading {
	struct reading *next;
	struct lex_mode mode;
	struct unit unit;
};

struct file {
	struct file *next;		/* in the table's bucket */
	struct scan_stamp stamp;
	uint32_t settled;		/* tree.trust if it was old when it was read */
	uint32_t checked;		/* scan that compared the stamp */
	struct reading *readings;	/* owns */
	struct notice notice;
	uint32_t looked;		/* tree.period when it was looked at */
	/* of the scan whose number is `seen` */
	uint32_t seen;
	bool entered;			/* its directives ran */
	bool once;			/* #pragma once or #import */
	bool maybe_once;		/* for some compilers */
	bool has_once;			/* kept: says #pragma once somewhere */
	uint32_t change;		/* no other stamp has it */
	uint32_t drops;			/* no other readings have it */
	uint32_t mark;			/* record.c's */
};

/* How far a file system is to be believed. */
enum fs_kind {
	FS_OTHER,
	FS_LOCAL,	/* a directory's times tell of every change of a name */
	FS_TELLS,	/* and there are events for every change */
};

struct dir;

/* answer.c: that a name is not there */
struct none {
	uint32_t number;
	uint32_t named;			/* scan whose answer has it */
};

enum { USUAL_UNKNOWN, USUAL_NO, USUAL_YES };

/* A name in a directory. */
struct ent {
	struct sym *name;
	struct dir *in;			/* the directory */
	struct ent *next;		/* in the directory's bucket */
	uint32_t scan;			/* that looked */
	uint32_t gen;			/* of the directory when it looked */
	uint8_t type;			/* enum ent_type */
	uint32_t settled;		/* tree.trust if it may be kept */
	uint32_t named;			/* scan whose answer has it */
	union {
		struct dir *dir;
		const char *target;	/* owns */
		struct file *file;
	};
	uint32_t file_scan;		/* that looked at the file's times */
	/* answer.c: numbers of what it is, and of its not being there */
	uint32_t number;		/* a file's: while it has the change */
	uint32_t number_change;
	struct none absent, private;	/* of a host's, and of a job alone */
	uint32_t mark;			/* record.c's, with */
	uint16_t marked;		/* … kinds of ops */
};

struct dir {
	struct dir *parent;		/* of "/": itself */
	const char *path;		/* without final slash: "" is "/" */
	size_t len;
	const char *base;		/* path's last component */
	int fd;				/* owns; -1: names go by path */
	uint32_t uses;			/* times that a name was asked for */
	struct scan_stamp stamp;
	uint32_t scan;			/* that looked at the times */
	uint32_t gen;			/* counts changes */
	uint32_t settled;		/* tree.trust if it may be kept */
	struct notice notice;		/* while watched, the stamp and settled
					   stay those of before */
	uint32_t at_gen;		/* of parent, when it was looked at there */
	uint32_t at_settled;		/* tree.trust if that may be kept */
	bool is_proc;			/* shows each process another thing */
	bool is_gone;
	uint32_t named;			/* scan whose answer has it */
	uint32_t number;		/* answer.c: of its being there */
	uint32_t system_scan;		/* scan that set system */
	struct dir *system;		/* the compiler's directory it is below */
	uint32_t above_scan;		/* scan in which it is above of one */
	uint32_t private_scan;		/* scan that set is_private */
	bool is_private;		/* answer.c: nothing is to be said of it */
	uint8_t usual;			/* answer.c: whether hosts have it */
	struct ent *private;		/* answer.c: stands for it; or NULL */
	uint32_t system_named;		/* scan whose answer has it as such */
	struct ent **buckets;		/* owns */
	size_t nbuckets, count;
	uint32_t mark;			/* record.c's, with */
	uint16_t marked;		/* … kinds of ops */
};

#define WALK_NOTES_MAX	64	/* links and ".."s on one path */

/* What a path was found to pass. */
struct walk {
	struct ent *ent;		/* the last component; NULL: a directory */
	struct dir *dir;		/* the directory found, or that ent is in */
	struct dir *open_dir;		/* where the last name was looked for
					   before links were followed */
	struct sym *missing;		/* ERR_NOENT: what dir has not; or NULL */
	bool is_passed;			/* it would have been passed by */
	bool is_past_root;		/* by ".." of the path itself; the root's own
					   leads to it again */
	bool is_told;		/* of each change that would lead it elsewhere */
	size_t nnotes;
	struct {
		struct ent *link;	/* or NULL, and */
		struct dir *dir;	/* left by ".." */
	} notes[WALK_NOTES_MAX];
};

#define WALKS_KEPT	64	/* a power of two */
#define WALK_PATH_MAX	4096	/* bytes; a longer path is walked each time */

/* A walk to a directory, or to where there is none. */
struct walked {
	const struct dir *from;
	char *path;			/* owns; NULL: none is kept here */
	uint64_t stirs;			/* the tree's; it holds as long */
	int r;
	struct walk walk;
};

struct tree {
	struct atoms *atoms;		/* borrows */
	struct dir *root;
	struct file **files;		/* owns: by device and inode */
	size_t nfiles_buckets, nfiles;
	uint32_t scan;			/* number of the scan in hand, > 0 */
	int64_t now_ns;			/* its start, of CLOCK_REALTIME */
	int64_t clock_offset_ns;	/* real minus monotonic time */
	uint32_t period;		/* its start, in spans of some seconds */
	uint32_t trust;			/* changes when the clock was set */
	uint32_t changes;		/* counts files' stamps */
	uint32_t drops;			/* counts readings given up */
	uint32_t deaths;		/* counts directories given up */
	uint64_t stirs;			/* counts whatever may have changed */
	size_t compared;		/* names with events' before this scan */
	struct trace *trace;		/* borrows; or NULL */
	size_t bytes;			/* of all readings */
	size_t names_bytes;		/* of directories and names */
	size_t recalled;		/* … and of what their conditions came to */
	struct records replayed;	/* … and of what including them did */
	struct notices *notices;	/* borrows; NULL: nothing is told */
	struct {
		uint64_t dev;
		enum fs_kind kind;
	} devs[32];
	size_t ndevs;
	size_t nfds, fds_max;		/* directories held open */
	struct walked walks[WALKS_KEPT];
	char *path;			/* owns: a name being built */
	size_t path_size;
	char *text;			/* owns: the file being read */
	size_t text_size;
};

/*
 * tree_init - in fds_max: how many directories may be held open, so that the
 * kernel need not walk to them each time.
 */
void tree_init(struct tree *t, struct atoms *atoms, size_t fds_max);
void tree_free(struct tree *t);

/* tree_begin - a new scan: everything is to be checked again. */
void tree_begin(struct tree *t);

/*
 * tree_walk - follow a path as the kernel does.
 * in      from: where a relative path starts
 *         path: untrusted
 * out     w: ent is ENT_FILE or ENT_NULL, or NULL when it is a directory;
 *         after ERR_NOENT dir is how far it came
 * returns 0; ERR_NOENT; ERR_ACCESS if a part of it cannot be looked at;
 *         ERR_UNSUPPORTED where no other process would see the same (/proc),
 *         for other kinds of files, and for paths with too many links
 */
int tree_walk(struct tree *t, struct dir *from, const char *path,
    struct walk *w) MUST_CHECK;
/* tree_walk_name - the same for a name that is looked up again and again. */
int tree_walk_name(struct tree *t, struct dir *from, struct sym *name,
    struct walk *w) MUST_CHECK;

/*
 * tree_file - the file behind an ENT_FILE, its times checked in this scan.
 * returns 0, ERR_NOENT if it vanished, ERR_ACCESS
 */
int tree_file(struct tree *t, struct ent *e, struct file **out) MUST_CHECK;

/* tree_read - what the file says when it is read in a mode. */
int tree_read(struct tree *t, struct ent *e, const struct lex_mode *mode,
    const struct unit **out) MUST_CHECK;

/* tree_dir_gen - the directory's gen after a look at its times. */
uint32_t tree_dir_gen(struct tree *t, struct dir *d);

/*
 * Whether a change would be told of: then tree.stirs grows by it, as it does
 * every minute.  The directory or file has to have been looked at in this scan.
 */
bool tree_tells_of_dir(const struct dir *d);
bool tree_tells_of_file(const struct tree *t, const struct file *f);

/*
 * What this scan knows of a file: whether it was entered, and is to be read
 * once.  tree_see_file() has to come before any of it.
 */
void tree_see_file(struct tree *t, struct file *f);
uint8_t tree_flags(const struct file *f);	/* enum op_flags */
void tree_set_flags(struct tree *t, struct file *f, unsigned int flags);
void tree_trace_flags(struct tree *t, struct file *f);

/* tree_drop_replays - free what all files' inclusions came to. */
void tree_drop_replays(struct tree *t);

/*
 * tree_ent - what is kept of a name in a directory, without a look at it.  With
 * a slash in it the name stands for a path that is never looked at whole.
 */
struct ent *tree_ent(struct tree *t, struct dir *d, struct sym *name);

/* tree_path - the name's absolute path; lent until the next call. */
const char *tree_path(struct tree *t, const struct ent *e);

#endif
