/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer - what a scan has found, each thing once. */
#include <stdlib.h>
#include <string.h>

#include "client/scan/job.h"
#include "lib/mem.h"

struct scan_entry *
scan_answer_add(struct scan_answer *a, const struct scan_entry *e)
{
	struct scan_entry *mine;

	if (a->n == a->size) {
		a->size = a->size != 0 ? a->size * 2 : 128;
		a->entries = mem_realloc(a->entries, a->size,
		    sizeof(*a->entries));
	}
	mine = &a->entries[a->n++];
	*mine = *e;
	mine->path = arena_copy(&a->text, e->path, strlen(e->path));
	if (e->target != NULL)
		mine->target = arena_copy(&a->text, e->target,
		    strlen(e->target));
	return mine;
}

static void
add_number(struct scan_answer *a, uint32_t number)
{
	if (a->nnumbers == a->numbers_size) {
		a->numbers_size = a->numbers_size != 0 ?
		    a->numbers_size * 2 : 512;
		a->numbers = mem_realloc(a->numbers, a->numbers_size,
		    sizeof(*a->numbers));
	}
	a->numbers[a->nnumbers++] = number;
}

void
answer_number(struct job *j, uint32_t number)
{
	struct numbers *ns = &j->scan->numbers;

	if (!numbers_mark(ns, number))
		return;
	if (j->req->is_brief)
		add_number(j->answer, number);
	else
		(void)scan_answer_add(j->answer, numbers_get(ns, number));
}

/*
 * Adds what there is to say of a name, or of a directory.
 * in      name: NULL for a directory
 *         e: all but the path, which a directory has
 *         number: the number of that, if it is the compiler's own; 0: none yet
 */
static void
add(struct job *j, struct ent *name, struct scan_entry *e, uint32_t *number)
{
	if (name != NULL && (!e->is_system || *number == 0))
		e->path = tree_path(&j->scan->tree, name);
	if (e->is_system && *number == 0)
		*number = numbers_add(&j->scan->numbers, e);
	if (e->is_system && *number != 0)
		answer_number(j, *number);
	else
		(void)scan_answer_add(j->answer, e);
}

/* The compiler's own directory that d is or is below; NULL if none. */
static struct dir *
system_of(struct job *j, struct dir *d)
{
	uint32_t scan = j->scan->tree.scan;

	if (d->system_scan != scan) {
		d->system = d->parent == d ? NULL : system_of(j, d->parent);
		d->system_scan = scan;
	}
	return d->system;
}

void
answer_mark_system(struct job *j, struct dir *d)
{
	uint32_t scan = j->scan->tree.scan;

	d->system = d;
	d->system_scan = scan;
	while (d->parent != d && d->parent->above_scan != scan) {
		d = d->parent;
		d->above_scan = scan;
	}
}

/*
 * Directories that hosts have, and in which they hardly have a header.  And those
 * right in PARENT_USUAL, as that of one machine's libraries.
 */
static const char *const usual[] = {
	"", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/tmp",
	"/usr/bin", "/usr/lib64", "/usr/libexec", "/usr/sbin", "/var",
	"/var/tmp",
};
#define PARENT_USUAL	"/usr/lib"

static bool
is_usual(struct dir *d)
{
	if (d->usual != USUAL_UNKNOWN)
		return d->usual == USUAL_YES;
	d->usual = strcmp(d->parent->path, PARENT_USUAL) == 0 ? USUAL_YES :
	    USUAL_NO;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strcmp(d->path, usual[i]) == 0)
			d->usual = USUAL_YES;
	return d->usual == USUAL_YES;
}

/* Whether what is in d is asked for by its name. */
static bool
is_by_name(struct job *j, struct dir *d)
{
	return d->above_scan == j->scan->tree.scan || is_usual(d);
}

/* Whether d is one of answer_mark_private()'s or below, where no host may have
 * anything anyway. */
static bool
is_named_private(struct job *j, struct dir *d)
{
	uint32_t scan = j->scan->tree.scan;

	if (d->private_scan != scan) {
		d->is_private = d->parent != d &&
		    is_named_private(j, d->parent);
		d->private_scan = scan;
	}
	return d->is_private;
}

bool
answer_is_system(struct job *j, struct dir *d)
{
	return system_of(j, d) != NULL;
}

void
answer_system_dir(struct job *j, struct dir *s)
{
	trace_op(&j->scan->trace, OP_SYSTEM, s, 0);
	if (s->system_named == j->scan->tree.scan)
		return;
	s->system_named = j->scan->tree.scan;
	(void)scan_answer_add(j->answer, &(struct scan_entry){
	    .kind = SCAN_SYSTEMDIR, .is_system = true,
	    .path = s->len != 0 ? s->path : "/" });
}

/* Whether something in d is the compiler's own; names that directory. */
static bool
name_system(struct job *j, struct dir *d)
{
	struct dir *s = system_of(j, d);

	if (s != NULL)
		answer_system_dir(j, s);
	return s != NULL;
}

void
answer_dir(struct job *j, struct dir *d)
{
	trace_op(&j->scan->trace, OP_DIRECTORY, d, 0);
	if (d->named == j->scan->tree.scan)
		return;
	d->named = j->scan->tree.scan;
	add(j, NULL, &(struct scan_entry){ .kind = SCAN_DIRECTORY,
	    .is_system = name_system(j, d),
	    .path = d->len != 0 ? d->path : "/" }, &d->number);
}

void
answer_link(struct job *j, struct ent *e)
{
	trace_op(&j->scan->trace, OP_LINK, e, 0);
	if (e->named == j->scan->tree.scan)
		return;
	e->named = j->scan->tree.scan;
	add(j, e, &(struct scan_entry){ .kind = SCAN_SYMLINK,
	    .is_system = system_of(j, e->in) != NULL, .target = e->target },
	    &e->number);
}

void
answer_walk(struct job *j, const struct walk *w)
{
	size_t i;

	for (i = 0; i < w->nnotes; i++)
		if (w->notes[i].link != NULL)
			answer_link(j, w->notes[i].link);
		else
			answer_dir(j, w->notes[i].dir);
}

/* What a host must not have either, of one kind or the other. */
static void
add_none(struct job *j, struct ent *e, enum scan_kind kind, struct none *none)
{
	if (none->named == j->scan->tree.scan)
		return;
	none->named = j->scan->tree.scan;
	add(j, e, &(struct scan_entry){ .kind = kind, .is_system = true },
	    &none->number);
}

void
answer_no_ent(struct job *j, struct ent *e)
{
	trace_op(&j->scan->trace, OP_ABSENT, e, 0);
	add_none(j, e, SCAN_ABSENT, &e->absent);
}

void
answer_private(struct job *j, struct ent *e)
{
	trace_op(&j->scan->trace, OP_PRIVATE, e, 0);
	add_none(j, e, SCAN_PRIVATE, &e->private);
}

/* The name with a slash behind it: a directory's. */
static struct sym *
dir_name(struct job *j, const char *name, size_t len)
{
	char *s = arena_alloc(&j->scan->arena, len + 1);

	memcpy(s, name, len);
	s[len] = '/';
	return atoms_get(&j->scan->atoms, s, len + 1);
}

/* A directory by its whole path, perhaps of nothing. */
static struct ent *
whole_dir(struct job *j, const char *path)
{
	size_t len;

	path += *path == '/';
	len = strlen(path);
	while (len != 0 && path[len - 1] == '/')
		len--;
	return tree_ent(&j->scan->tree, j->scan->tree.root,
	    dir_name(j, path, len));
}

void
answer_absent_dir(struct job *j, const char *path)
{
	answer_no_ent(j, whole_dir(j, path));
}

static void
name_private(struct job *j, struct dir *d)
{
	if (d->private == NULL)
		d->private = whole_dir(j, d->path);
	answer_private(j, d->private);
}

/* Nothing of a host's own may be in d. */
static void
keep_private(struct job *j, struct dir *d)
{
	if (!answer_is_system(j, d) && !is_by_name(j, d) &&
	    !is_named_private(j, d))
		name_private(j, d);
}

/* /lib and the like, which hosts have as well, or a directory of that use. */
static bool
is_merged_usr(const struct ent *e)
{
	return e->in->parent == e->in &&
	    strncmp(e->target, "usr/", strlen("usr/")) == 0;
}

/* Nor may there be anything in the place of what leads here to another one. */
static void
keep_way_private(struct job *j, const struct walk *w)
{
	struct ent *e;

	for (size_t i = 0; i < w->nnotes; i++) {
		e = w->notes[i].link;
		if (e == NULL)
			keep_private(j, w->notes[i].dir);
		if (e == NULL || answer_is_system(j, e->in) ||
		    is_named_private(j, e->in) || is_merged_usr(e))
			continue;
		answer_private(j, e);
		answer_private(j, tree_ent(&j->scan->tree, e->in,
		    dir_name(j, e->name->name, e->name->len)));
	}
}

/*
 * clang calls a directory by the first name by which it came there, be it in vain.
 * So other names of it have to lead there, too.
 */
static void
name_way(struct job *j, const struct walk *w)
{
	struct dir *d;

	for (size_t i = 0; j->opts->is_clang && i < w->nnotes; i++) {
		d = w->notes[i].link != NULL ? w->notes[i].link->in :
		    w->notes[i].dir;
		if (answer_is_system(j, d) || is_by_name(j, d))
			continue;
		if (w->notes[i].link != NULL)
			answer_link(j, w->notes[i].link);
		else
			answer_dir(j, d);
	}
}

/*
 * Where a walk ended that did not come to what was looked for.
 * in      is_dir: that was a directory
 */
static void
answer_end(struct job *j, const struct walk *w, bool is_dir)
{
	struct sym *name = w->missing;
	struct dir *d = w->dir;
	struct ent *e;

	is_dir |= w->is_passed;
	if (name == NULL && w->ent != NULL) {
		name = w->ent->name;	/* a file in the way */
		d = w->ent->in;
		is_dir = true;
	} else if (name == NULL) {
		if (d->parent == d)
			return;
		name = atoms_get(&j->scan->atoms, d->base, strlen(d->base));
		d = d->parent;
		is_dir = false;
	}
	keep_way_private(j, w);
	if (!answer_is_system(j, d) && !is_by_name(j, d)) {
		keep_private(j, d);
		return;
	}
	if (is_dir)
		name = dir_name(j, name->name, name->len);
	e = tree_ent(&j->scan->tree, d, name);
	if (answer_is_system(j, d))
		answer_no_ent(j, e);
	else
		answer_private(j, e);
}

void
answer_absent(struct job *j, struct dir *d, struct sym *name,
    const struct walk *w)
{
	const char *text = name->name + (name->name[0] == '/');

	if (w->dir == d && w->nnotes == 0 && is_named_private(j, d))
		return;			/* as most are */
	name_way(j, w);
	if (answer_is_system(j, d)) {
		answer_no_ent(j, tree_ent(&j->scan->tree, d, name));
		return;
	}
	if (w->nnotes != 0 || !is_by_name(j, d) ||
	    answer_is_system(j, w->dir))
		answer_end(j, w, false);
	if (is_by_name(j, d) && !answer_is_system(j, w->dir))
		answer_private(j, tree_ent(&j->scan->tree, d, atoms_get(
		    &j->scan->atoms, text, strlen(text))));
}

void
answer_mark_private(struct job *j, struct dir *d)
{
	if (answer_is_system(j, d) || is_by_name(j, d))
		return;
	name_private(j, d);
	d->private_scan = j->scan->tree.scan;
	d->is_private = true;
}

void
answer_option_dir(struct job *j, const char *text, const struct walk *w)
{
	name_way(j, w);
	/* where it is not there clang takes the name of what is above it */
	if (j->opts->is_clang && w->nnotes != 0 &&
	    !answer_is_system(j, w->dir) && !is_by_name(j, w->dir))
		answer_dir(j, w->dir);
	keep_way_private(j, w);
	if (text[0] == '/' && w->nnotes != 0 && !is_by_name(j, w->dir))
		answer_private(j, whole_dir(j, text));
	keep_private(j, w->dir);
}

void
answer_no_option_dir(struct job *j, const char *text, const struct walk *w)
{
	/* what is there has its own name, and that of no part of it */
	bool is_plain = text[0] == '/' && w->nnotes == 0 &&
	    !answer_is_system(j, w->dir);

	name_way(j, w);
	if (!is_plain)
		answer_end(j, w, true);
	if (text[0] == '/')
		answer_private(j, whole_dir(j, text));
}

void
answer_rooted(struct job *j, struct ent *e)
{
	struct scan_answer *a = j->answer;
	const char *path;

	trace_op(&j->scan->trace, OP_ROOTED, e, 0);
	if (a->rooted != NULL)
		return;
	path = tree_path(&j->scan->tree, e);
	a->rooted = arena_copy(&a->text, path, strlen(path));
}

int
answer_file(struct job *j, struct ent *e)
{
	struct file *f;
	bool is_system;
	int r;

	if (e->type == ENT_NULL) {
		/* it is everywhere, but stock's server looks below the job */
		answer_rooted(j, e);
		return 0;
	}
	trace_op(&j->scan->trace, OP_FILE, e, 0);
	is_system = name_system(j, e->in);
	if (e->named == j->scan->tree.scan)
		return 0;
	if ((r = tree_file(&j->scan->tree, e, &f)) < 0)
		return r;
	e->named = j->scan->tree.scan;
	if (e->number_change != f->change)
		e->number = 0;
	e->number_change = f->change;
	add(j, e, &(struct scan_entry){ .kind = SCAN_FILE,
	    .is_system = is_system, .stamp = f->stamp },
	    &e->number);
	return 0;
}
