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

static bool
is_above(struct job *j, const struct dir *d)
{
	return d->above_scan == j->scan->tree.scan;
}

bool
answer_is_shared(struct job *j, struct dir *d)
{
	return is_above(j, d) || system_of(j, d) != NULL;
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

void
answer_missing(struct job *j, const struct walk *w, bool is_dir)
{
	struct sym *name = w->missing;

	if (name == NULL || system_of(j, w->dir) == NULL)
		return;
	if (is_dir || w->is_passed)
		name = dir_name(j, name->name, name->len);
	answer_no_ent(j, tree_ent(&j->scan->tree, w->dir, name));
}

void
answer_absent(struct job *j, struct dir *d, struct sym *name,
    const struct walk *w)
{
	if (system_of(j, d) != NULL)
		answer_no_ent(j, tree_ent(&j->scan->tree, d, name));
	else if (system_of(j, w->dir) != NULL)
		answer_missing(j, w, false);
	else if (is_above(j, d) && name->name[0] != '/')
		answer_private(j, tree_ent(&j->scan->tree, d, name));
}

/* A directory by its whole path, perhaps of nothing; "" is the root. */
static struct ent *
whole_dir(struct job *j, const char *path)
{
	path += *path == '/';
	return tree_ent(&j->scan->tree, j->scan->tree.root,
	    dir_name(j, path, strlen(path)));
}

void
answer_absent_dir(struct job *j, const char *path)
{
	answer_no_ent(j, whole_dir(j, path));
}

void
answer_private_dir(struct job *j, const char *path)
{
	answer_private(j, whole_dir(j, path));
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

	if (e->type == ENT_NULL)
		return 0;
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
