/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer - what a scan has found, each thing once. */
#include <stdlib.h>
#include <string.h>

#include "client/scan/job.h"
#include "lib/mem.h"

static struct scan_entry *
add(struct job *j, enum scan_kind kind, const char *path, bool is_system)
{
	struct scan_answer *a = j->answer;
	struct scan_entry *e;

	if (a->n == a->size) {
		a->size = a->size != 0 ? a->size * 2 : 128;
		a->entries = mem_realloc(a->entries, a->size,
		    sizeof(*a->entries));
	}
	e = &a->entries[a->n++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->is_system = is_system;
	e->path = arena_copy(&a->text, path, strlen(path));
	return e;
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
	d->system = d;
	d->system_scan = j->scan->tree.scan;
}

/* Whether something in d is the compiler's own; names that directory. */
static bool
name_system(struct job *j, struct dir *d)
{
	struct dir *s = system_of(j, d);

	if (s == NULL)
		return false;
	if (s->system_named != j->scan->tree.scan) {
		s->system_named = j->scan->tree.scan;
		add(j, SCAN_SYSTEMDIR, s->len != 0 ? s->path : "/", true);
	}
	return true;
}

void
answer_dir(struct job *j, struct dir *d)
{
	if (d->named == j->scan->tree.scan)
		return;
	d->named = j->scan->tree.scan;
	add(j, SCAN_DIRECTORY, d->len != 0 ? d->path : "/",
	    system_of(j, d) != NULL);
}

static void
answer_link(struct job *j, struct ent *e)
{
	struct scan_entry *out;

	if (e->named == j->scan->tree.scan)
		return;
	e->named = j->scan->tree.scan;
	out = add(j, SCAN_SYMLINK, tree_path(&j->scan->tree, e),
	    system_of(j, e->in) != NULL);
	out->target = arena_copy(&j->answer->text, e->target,
	    strlen(e->target));
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

/* What a host must lack, too, lest it compile something else. */
void
answer_absent(struct job *j, struct dir *d, const struct sym *name)
{
	char *path;

	if (system_of(j, d) == NULL)
		return;
	path = arena_alloc(&j->scan->arena, d->len + name->len + 2);
	memcpy(path, d->path, d->len);
	path[d->len] = '/';
	memcpy(path + d->len + 1, name->name, name->len + 1);
	(void)add(j, SCAN_ABSENT, path, true);
}

void
answer_absent_dir(struct job *j, const char *path)
{
	size_t len = strlen(path);
	char *dir = arena_alloc(&j->scan->arena, len + 2);

	memcpy(dir, path, len);
	memcpy(dir + len, "/", 2);
	(void)add(j, SCAN_ABSENT, dir, true);
}

int
answer_file(struct job *j, struct ent *e)
{
	struct scan_entry *out;
	struct file *f;
	int r;

	if (e->named == j->scan->tree.scan || e->type == ENT_NULL)
		return 0;
	if ((r = tree_file(&j->scan->tree, e, &f)) < 0)
		return r;
	e->named = j->scan->tree.scan;
	out = add(j, SCAN_FILE, tree_path(&j->scan->tree, e),
	    name_system(j, e->in));
	out->stamp = f->stamp;
	return 0;
}
