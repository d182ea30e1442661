/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan - which files a compile command's preprocessor could read.
 *
 * The scanner preprocesses directives, and only those, with the compiler's own
 * predefined macros and search path.  It never names too few files: where a
 * condition cannot be decided it takes every branch, and where it cannot be
 * sure it says so.  The compiler is never run here: the caller does that once
 * for each compiler and set of options (scan_probe()), and tells the answer.
 */
#ifndef SCAN_SCAN_H
#define SCAN_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/scan/atom.h"
#include "lib/buf.h"
#include "lib/err.h"

#define SCAN_WHY_BYTES		256
#define SCAN_QUERIES_MAX	512	/* of one probe */
#define SCAN_QUERY_BYTES	160	/* one query */

/* When and what a file was. */
struct scan_stamp {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

enum scan_kind {
	SCAN_FILE,	/* path is a regular file that may be read */
	SCAN_SYMLINK,	/* path is a symbolic link on the way; target */
	SCAN_DIRECTORY,	/* path must exist, because ".." passes it, or lest the
			   compiler complain of an option */
	SCAN_SYSTEMDIR,	/* path: a directory of the compiler's own search
			   path in which something was found */
	SCAN_ABSENT,	/* path: below one of these, looked for and not there:
			   where it is, the compiler would take it.  May be
			   named twice; not resolved.  With a slash behind it
			   one of these directories itself */
	SCAN_PRIVATE,	/* path: below none of these, looked for and not there;
			   with a slash behind it a directory, of an option or
			   in which something was looked for in vain, there or
			   not.  All that is there is sent: where that lies beside
			   a host's own, it must have none in its place */
	SCAN_ROOTED,	/* path: an answer's `rooted`; never an entry of it */
};

struct scan_entry {
	enum scan_kind kind;
	bool is_system;		/* below one of the compiler's directories */
	const char *path;	/* absolute, clean, no link in it */
	const char *target;	/* a link's text; else NULL */
	struct scan_stamp stamp;	/* a file's, as seen by this scan */
};

/* A job as its client describes it. */
struct scan_request {
	char *const *argv;	/* argv[0] is the compiler word; borrowed */
	const char *compiler;	/* its absolute path */
	const char *cwd;	/* absolute; as in PWD if the compiler uses it */
	char *const *env;	/* "NAME=value"; only scan_env_names matter */
	bool is_brief;		/* the compiler's own files by number */
};

enum scan_outcome {
	SCAN_ANSWERED,
	SCAN_UNSURE,	/* why says what for; preprocess locally */
	SCAN_NEEDS,	/* run scan_probe(), scan_learn(), ask again */
};

struct scan_answer {
	enum scan_outcome outcome;
	struct scan_entry *entries;	/* owns; the strings are in text */
	size_t n, size;
	char why[SCAN_WHY_BYTES];
	struct buf queries;	/* SCAN_NEEDS: what to ask, one a line */
	/* the compiler's own directories, in order, each ended by a newline, and
	 * what names all that they depend on; NULL: it was not asked */
	const char *search_path;
	uint64_t facts;
	/* what is named in full, or by more ".." than lead to the root, and is not
	 * the compiler's own: where that name leads to must be where the host
	 * puts it; NULL: none */
	const char *rooted;
	/* to a brief request: the compiler's own files, in place of entries;
	 * scan_name() or ask_name() tells what they are */
	uint64_t epoch;		/* of the scanner that gave the numbers */
	uint32_t *numbers;	/* owns */
	size_t nnumbers, numbers_size;
	bool is_named;		/* … has told: they are among the entries */
	struct arena text;
	size_t directives;	/* how many were looked at: for tests */
};

struct scan;

/* scan_new - in fds_max: directories that may be held open; 0: none. */
struct scan *scan_new(size_t fds_max);
void scan_free(struct scan *s);

/* scan_use_notices - have the kernel tell of changes; in n: borrowed, for the
 * life of s; may be NULL. */
struct notices;
void scan_use_notices(struct scan *s, struct notices *n);

/*
 * scan_command - the files of one job.
 * out     a: scan_answer_free() later, whatever is returned
 * returns 0; ERR_SYNTAX if the request itself makes no sense
 */
int scan_command(struct scan *s, const struct scan_request *req,
    struct scan_answer *a) MUST_CHECK;
void scan_answer_free(struct scan_answer *a);

/*
 * scan_name - what an answer's numbers stand for, as entries of another.
 * out     to: scan_answer_free() later, whatever is returned
 * returns 0; ERR_NOENT if they are not this scanner's, or one is there twice
 */
int scan_name(struct scan *s, const struct scan_answer *a,
    struct scan_answer *to) MUST_CHECK;

/* scan_answer_add - an entry more, with strings of its own. */
struct scan_entry *scan_answer_add(struct scan_answer *a,
    const struct scan_entry *e);

/* scan_answer_print - one line an entry to stdout; in has_system: files of the
 * compiler's own directories, too. */
void scan_answer_print(const struct scan_answer *a, bool has_system);

/*
 * scan_learn - what scan_probe() found out.
 * in      text: what scan_probe() returned for the same request and queries
 * returns 0, ERR_SYNTAX
 */
int scan_learn(struct scan *s, const struct scan_request *req,
    struct view queries, struct view text) MUST_CHECK;

/* scan_memory - bytes that the scanner holds, roughly. */
size_t scan_memory(const struct scan *s);

/* The environment variables that change what a compiler reads. */
extern const char *const scan_env_names[];

/*
 * scan_probe - run the compiler and ask it for its search path, its macros and
 * the answers to queries.  Starts a process: not for the confined daemon.
 * in      queries: untrusted (they come from the daemon); each is checked
 * out     text: for scan_learn(); at most a few MB
 * returns 0; ERR_SYNTAX for a query that is none; ERR_SYS …
 */
int scan_probe(const struct scan_request *req, struct view queries,
    struct buf *text) MUST_CHECK;

#endif
