/* SPDX-License-Identifier: GPL-2.0-or-later */
/* search - the include path, and what is found along it. */
#include <stdlib.h>
#include <string.h>

#include "client/scan/job.h"
#include "lib/mem.h"

#define MEMOS_FIRST	4096

/* ---- the path -------------------------------------------------------- */

/* Directories of one chain while it is put together. */
struct chain {
	struct place *ptr;
	size_t n;
};

static struct chain
new_chain(struct job *j, size_t room)
{
	return (struct chain){
		arena_alloc(&j->scan->arena, (room + 1) *
		    sizeof(struct place)), 0
	};
}

static bool
same_dir(const struct place *a, const struct place *b)
{
	return a->dir->stamp.ino == b->dir->stamp.ino &&
	    a->dir->stamp.dev == b->dir->stamp.dev;
}

/* Lives as long as the scan. */
static const char *
join(struct job *j, const char *dir, const char *name)
{
	size_t n = strlen(dir), len = strlen(name);
	char *s = arena_alloc(&j->scan->arena, n + len + 2);

	memcpy(s, dir, n);
	s[n] = '/';
	memcpy(s + n + 1, name, len + 1);
	return s;
}

static bool
has_dir(const struct chain *c, const struct place *p)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (same_dir(&c->ptr[i], p))
			return true;
	return false;
}

/*
 * Resolves one directory into *p.  What does not exist, or is no directory,
 * the compiler leaves out; p->walk tells how far it went.
 */
static int
resolve(struct job *j, const char *text, struct place *p, bool *exists)
{
	struct walk *w = arena_alloc(&j->scan->arena, sizeof(*w)), *fit;
	size_t size;
	int r;

	*exists = false;
	*p = (struct place){ .text = text, .walk = w };
	r = tree_walk(&j->scan->tree, j->cwd, text, w);
	if (r == ERR_NOENT || (r == 0 && w->ent != NULL))
		return 0;
	if (r < 0)
		return job_unsure(j, "cannot look at directory %.200s", text);
	/* keep only as many notes as there are */
	size = offsetof(struct walk, notes) + w->nnotes * sizeof(w->notes[0]);
	fit = arena_alloc(&j->scan->arena, size);
	memcpy(fit, w, size);
	p->dir = w->dir;
	p->walk = fit;
	*exists = true;
	return 0;
}

/* Whether a link among the compiler's own leads there: a host's may lead to
 * another place, where there is what is not here. */
static bool
passes_own_link(struct job *j, const struct walk *w)
{
	for (size_t i = 0; i < w->nnotes; i++)
		if (w->notes[i].link != NULL &&
		    answer_is_system(j, w->notes[i].link->in))
			return true;
	return false;
}

/*
 * Whether the way is a full name in effect: by more ".." than lead to the root, or out
 * of one of the compiler's own directories by ".." (/usr/include/../../srv), which is
 * a host's wherever it puts the job.
 */
static bool
is_rooted(struct job *j, const struct walk *w)
{
	bool is_out = false;

	for (size_t i = 0; i < w->nnotes; i++)
		is_out |= w->notes[i].link == NULL &&
		    answer_is_system(j, w->notes[i].dir);
	return w->is_past_root || (is_out && !answer_is_system(j, w->dir));
}

/* Whether an option names what would be the compiler's own, were it here. */
static bool
is_missing_own(const struct job *j, const char *dir)
{
	for (size_t i = 0; j->facts != NULL && i < j->facts->nmissing; i++)
		if (strcmp(j->facts->missing[i], dir) == 0)
			return true;
	return false;
}

/* What has to be said of an option's directory, here or not. */
static void
answer_option(struct job *j, const struct place *p)
{
	const char *path;

	if (is_rooted(j, p->walk)) {
		path = p->text[0] == '/' ? p->text + 1 :
		    join(j, j->cwd->path, p->text) + 1;
		answer_rooted(j, tree_ent(&j->scan->tree, j->scan->tree.root,
		    atoms_get(&j->scan->atoms, path, strlen(path))));
	}
	if (p->dir != NULL)
		answer_option_dir(j, p->text, p->walk);
	else if (p->text[0] == '/' && is_missing_own(j, p->text))
		/* a host may still have what it had */
		answer_absent_dir(j, p->text);
	else
		answer_no_option_dir(j, p->text, p->walk);
}

/* The compiler's own. */
static int
add_own(struct job *j, struct chain *c, const char *const *dirs, size_t n)
{
	bool exists;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = resolve(j, dirs[i], &c->ptr[c->n], &exists);
		if (r < 0)
			return r;
		if (!exists) {
			/* a host may still have what it had */
			if (dirs[i][0] == '/')
				answer_absent_dir(j, dirs[i]);
			continue;
		}
		/* a host's compiler has its own way there */
		answer_mark_system(j, c->ptr[c->n].dir);
		c->ptr[c->n++].is_named = true;
	}
	return 0;
}

/* in/out  all: gets those that are not here as well, without dir */
static int
add_opts(struct job *j, struct chain *c, enum opts_chain which,
    struct chain *all)
{
	const struct words *w = &j->opts->chains[which];
	struct place p;
	bool exists;
	size_t i;
	int r;

	for (i = 0; i < w->n; i++) {
		if ((r = resolve(j, w->ptr[i], &p, &exists)) < 0)
			return r;
		all->ptr[all->n++] = p;
		if (!exists)
			continue;
		if (j->opts->wants_missing_dirs ||
		    passes_own_link(j, p.walk))
			answer_walk(j, p.walk);
		if (j->opts->wants_missing_dirs)
			answer_dir(j, p.dir);
		c->ptr[c->n++] = p;
	}
	return 0;
}

/*
 * Leaves out what is already in `system`, what came before in the chain, and
 * a last one that is the first of `next`.
 */
static void
remove_duplicates(struct chain *c, const struct chain *system,
    const struct chain *next)
{
	struct chain out = { c->ptr, 0 };
	size_t i;

	for (i = 0; i < c->n; i++) {
		if ((system != NULL && has_dir(system, &c->ptr[i])) ||
		    has_dir(&out, &c->ptr[i]))
			continue;
		if (i + 1 == c->n && next != NULL && next->n != 0 &&
		    same_dir(&c->ptr[i], &next->ptr[0]))
			continue;
		out.ptr[out.n++] = c->ptr[i];
	}
	c->n = out.n;
}

/* There has to be room for it. */
static void
add_chain(struct chain *to, const struct chain *c)
{
	memcpy(to->ptr + to->n, c->ptr, c->n * sizeof(*to->ptr));
	to->n += c->n;
}

static void
join_chains(struct job *j, const struct chain *quote,
    const struct chain *bracket, const struct chain *system)
{
	struct chain all = new_chain(j, quote->n + bracket->n + system->n);

	add_chain(&all, quote);
	j->bracket = all.n;
	add_chain(&all, bracket);
	add_chain(&all, system);
	j->places = all.ptr;
	j->nplaces = all.n;
	/* for want of other directories gcc looks for <> in those for "", too */
	if (j->bracket == j->nplaces && !j->opts->is_clang)
		j->bracket = 0;
}

/*
 * The compiler's directories that the command leaves out are a host's own all the
 * same, should an option name one (-nostdinc -isystem /usr/include).
 */
static int
mark_left_out(struct job *j)
{
	const struct facts *f = j->facts;
	struct place p;
	bool exists;
	int r;

	for (size_t i = 0; f != NULL && i < f->nall; i++) {
		if ((r = resolve(j, f->all[i], &p, &exists)) < 0)
			return r;
		if (exists)
			answer_mark_system(j, p.dir);
	}
	return 0;
}

static int
build_path(struct job *j)
{
	const struct words *w = j->opts->chains;
	size_t own = j->facts != NULL ? j->facts->ndirs : 0;
	struct chain quote = new_chain(j, w[CHAIN_QUOTE].n);
	struct chain bracket = new_chain(j, w[CHAIN_BRACKET].n);
	struct chain system = new_chain(j, w[CHAIN_SYSTEM].n + own +
	    w[CHAIN_AFTER].n);
	struct chain theirs = new_chain(j, own);
	struct chain all = new_chain(j, w[CHAIN_QUOTE].n +
	    w[CHAIN_BRACKET].n + w[CHAIN_SYSTEM].n + w[CHAIN_AFTER].n);
	int r;

	/* first, since what is below them is told by that from then on */
	if ((r = mark_left_out(j)) < 0)
		return r;
	if (own != 0 && (r = add_own(j, &theirs, j->facts->dirs, own)) < 0)
		return r;
	if ((r = add_opts(j, &quote, CHAIN_QUOTE, &all)) < 0 ||
	    (r = add_opts(j, &bracket, CHAIN_BRACKET, &all)) < 0 ||
	    (r = add_opts(j, &system, CHAIN_SYSTEM, &all)) < 0)
		return r;
	add_chain(&system, &theirs);
	if ((r = add_opts(j, &system, CHAIN_AFTER, &all)) < 0)
		return r;
	for (size_t i = 0; own != 0 && i < j->facts->nmissing; i++)
		if (j->facts->missing[i][0] == '/')
			answer_absent_dir(j, j->facts->missing[i]);
	remove_duplicates(&system, NULL, NULL);
	remove_duplicates(&bracket, &system, &system);
	remove_duplicates(&quote, j->opts->is_clang ? NULL : &system,
	    &bracket);
	join_chains(j, &quote, &bracket, &system);
	/* without one directory to look in gcc takes another path, or has an error;
	 * a host has its own */
	if (j->nplaces != 0 && !j->places[j->nplaces - 1].is_named) {
		answer_place(j, j->nplaces - 1);
		answer_dir(j, j->places[j->nplaces - 1].dir);
	}
	for (size_t i = 0; i < j->nplaces; i++)
		answer_mark_private(j, j->places[i].dir);
	for (size_t i = 0; i < all.n; i++)
		answer_option(j, &all.ptr[i]);
	return 0;
}

int
search_begin(struct job *j)
{
	struct walk w;
	int r;

	if (j->req->cwd[0] != '/' ||
	    tree_walk(&j->scan->tree, j->scan->tree.root, j->req->cwd,
	    &w) < 0 || w.ent != NULL)
		return job_unsure(j, "cannot look at working directory");
	j->cwd = w.dir;
	if ((r = build_path(j)) == 0)
		answer_walk(j, &w);
	return r;
}

/* ---- looking up ------------------------------------------------------ */

static size_t
memo_slot(const struct scan *s, struct sym *name, const void *from)
{
	uintptr_t h = ((uintptr_t)from >> 4) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)((name->hash ^ (h >> 32)) & (s->memos_size - 1));
}

/* The slot that holds this lookup, or the free one where it belongs. */
static struct memo *
find_memo(struct scan *s, struct sym *name, const void *from)
{
	size_t i = memo_slot(s, name, from);
	struct memo *m;

	for (;; i = (i + 1) & (s->memos_size - 1)) {
		m = &s->memos[i];
		if (m->scan != s->tree.scan ||
		    (m->name == name && m->from == from))
			return m;
	}
}

static void
grow_memos(struct scan *s)
{
	struct memo *old = s->memos;
	size_t n = s->memos_size, i;

	s->memos_size = n != 0 ? n * 4 : MEMOS_FIRST;
	s->memos = mem_calloc(s->memos_size, sizeof(*s->memos));
	for (i = 0; i < n; i++)
		if (old[i].scan == s->tree.scan)
			*find_memo(s, old[i].name, old[i].from) = old[i];
	free(old);
}

/* Where the trace was when a search began. */
struct since {
	size_t ops;
	uint32_t breaks;
};

static struct since
since_now(const struct scan *s)
{
	return (struct since){ s->trace.nops, s->trace.breaks };
}

static void
add_memo(struct scan *s, struct sym *name, const void *from,
    const struct found *f, struct since since)
{
	struct memo *m;

	if (s->nmemos * 2 >= s->memos_size)
		grow_memos(s);
	m = find_memo(s, name, from);
	m->name = name;
	m->from = from;
	m->scan = s->tree.scan;
	m->found = *f;
	m->ops = since.ops;
	m->ops_end = s->trace.nops;
	m->breaks = s->trace.breaks != since.breaks;
	s->nmemos++;
}

static bool
is_remembered(struct scan *s, struct sym *name, const void *from,
    struct found *f)
{
	const struct memo *m = find_memo(s, name, from);

	if (m->scan != s->tree.scan)
		return false;
	trace_repeat(&s->trace, m->ops, m->ops_end);
	if (m->breaks)
		trace_break(&s->trace);
	*f = m->found;
	return true;
}

/* Looks in one directory; a directory of that name does not count. */
static int
look_in(struct job *j, struct dir *d, struct sym *name,
    struct found *f)
{
	struct walk *w = &j->scan->walk;
	int r = tree_walk_name(&j->scan->tree, d, name, w);

	/* find_absolute() has said it of the others; and what is not found from one
	 * of the compiler's own is asked for by the whole way */
	if ((r == 0 || r == ERR_NOENT) && name->name[0] != '/' &&
	    (w->is_past_root || w->ent != NULL || !answer_is_system(j, d)) &&
	    is_rooted(j, w))
		answer_rooted(j, w->ent != NULL ? w->ent :
		    tree_ent(&j->scan->tree, d, name));
	if (r == ERR_NOENT || (r == 0 && w->ent == NULL)) {
		answer_absent(j, d, name, w);
		return 0;
	}
	if (r < 0)
		return job_unsure(j, "cannot look at %.100s in %.120s",
		    name->name, d->path);
	f->ent = w->ent;
	f->open_dir = w->open_dir;
	answer_walk(j, w);
	return 0;
}

void
answer_place(struct job *j, size_t i)
{
	struct trace *t = &j->scan->trace;
	struct place *p = &j->places[i];
	bool was_off;

	trace_op(t, OP_PLACE, NULL, (uint32_t)i);
	if (p->is_named)
		return;
	p->is_named = true;
	was_off = t->is_off;
	t->is_off = true;	/* another job may have its own way there */
	answer_walk(j, p->walk);
	t->is_off = was_off;
}

/* Along the path from places[start] on. */
static int
look_along(struct job *j, size_t start, struct sym *name,
    struct found *f)
{
	size_t i;
	int r;

	for (i = start; i < j->nplaces; i++) {
		if ((r = job_step(j, 1)) < 0)
			return r;
		if ((r = look_in(j, j->places[i].dir, name, f)) < 0)
			return r;
		if (f->ent != NULL) {
			f->place = (int)i;
			answer_place(j, i);
			return 0;
		}
	}
	return 0;
}

static int
along_memo(struct job *j, size_t start, struct sym *name,
    struct found *f)
{
	const void *from = &j->places[start];
	struct since since = since_now(j->scan);
	int r;

	if (is_remembered(j->scan, name, from, f))
		return 0;
	if ((r = look_along(j, start, name, f)) == 0)
		add_memo(j->scan, name, from, f, since);
	return r;
}

static int
beside_memo(struct job *j, struct dir *d, struct sym *name,
    struct found *f)
{
	struct since since = since_now(j->scan);
	int r;

	if (is_remembered(j->scan, name, d, f))
		return 0;
	f->place = PLACE_BESIDE;
	if ((r = look_in(j, d, name, f)) == 0 && f->ent == NULL)
		r = along_memo(j, 0, name, f);
	if (r == 0)
		add_memo(j->scan, name, d, f, since);
	return r;
}

int
search_after(const struct job *j, const struct frame *from,
    const struct found *f)
{
	if (f->place >= 0)
		return f->place + 1;
	if (f->place == PLACE_ABSOLUTE)
		return AFTER_NONE;
	return j->opts->is_clang ? from->after : 0;
}

/* #embed and .incbin have paths of their own. */
static int
find_data(struct job *j, const struct frame *from, enum search_kind kind,
    struct sym *name, bool is_angle, struct found *f)
{
	const struct words *w = kind == SEARCH_ASM ?
	    &j->opts->chains[CHAIN_BRACKET] : &j->opts->embed_dirs;
	struct place p;
	bool exists;
	size_t i;
	int r = 0;

	if (kind == SEARCH_ASM)
		r = look_in(j, j->cwd, name, f);
	else if (!is_angle)
		r = look_in(j, from->open_dir, name, f);
	for (i = 0; r == 0 && f->ent == NULL && i < w->n; i++) {
		r = resolve(j, w->ptr[i], &p, &exists);
		if (r == 0)
			answer_option(j, &p);
		if (r == 0 && exists)
			r = look_in(j, p.dir, name, f);
		if (r == 0 && f->ent != NULL)
			answer_walk(j, p.walk);
	}
	return r;
}

/* Whether a walk led to one of the compiler's own by way of such only. */
static bool
is_own_way(struct job *j, const struct walk *w)
{
	size_t i;

	for (i = 0; i < w->nnotes; i++)
		if (!answer_is_system(j, w->notes[i].link != NULL ?
		    w->notes[i].link->in : w->notes[i].dir))
			return false;
	return answer_is_system(j, w->dir);
}

/* What the source names in full; of an option such names are the servers' task. */
static int
find_absolute(struct job *j, enum search_kind kind, struct sym *name,
    struct found *f)
{
	struct tree *t = &j->scan->tree;
	int r = look_in(j, t->root, name, f);

	if (r < 0 || kind == SEARCH_OPTION ||
	    (f->ent != NULL && f->ent->type == ENT_NULL) ||
	    is_own_way(j, &j->scan->walk))
		return r;
	answer_rooted(j, tree_ent(t, t->root, atoms_get(&j->scan->atoms,
	    name->name + 1, name->len - 1)));
	return 0;
}

int
search_find(struct job *j, const struct frame *from, enum search_kind kind,
    struct sym *name, bool is_angle, struct found *f)
{
	memset(f, 0, sizeof(*f));
	f->place = PLACE_BESIDE;
	if (j->scan->memos_size == 0)
		grow_memos(j->scan);
	if (kind == SEARCH_EMBED || kind == SEARCH_ASM)
		/* it depends on options that no context has, and what is
		 * asked for on the way to their directories is not traced */
		trace_doubt(&j->scan->trace);
	if (name->name[0] == '/') {
		f->place = PLACE_ABSOLUTE;
		return find_absolute(j, kind, name, f);
	}
	if (kind == SEARCH_EMBED || kind == SEARCH_ASM)
		return find_data(j, from, kind, name, is_angle, f);
	if (kind == SEARCH_OPTION)
		return beside_memo(j, j->cwd, name, f);
	if (kind == SEARCH_NEXT && from->after != AFTER_NONE)
		return along_memo(j, (size_t)from->after, name, f);
	if (is_angle)
		return along_memo(j, j->bracket, name, f);
	if (j->opts->is_split)
		return along_memo(j, 0, name, f);
	return beside_memo(j, from->open_dir, name, f);
}

/* ---- names as the compiler prints them ------------------------------- */

static const char *
beside(struct job *j, const char *includer, const char *name)
{
	const char *slash = strrchr(includer, '/');
	size_t n = slash != NULL ? (size_t)(slash + 1 - includer) : 0;
	size_t len = strlen(name);
	char *s = arena_alloc(&j->scan->arena, n + len + 1);

	memcpy(s, includer, n);
	memcpy(s + n, name, len + 1);
	return s;
}

const char *
search_spelled(struct job *j, const struct frame *f)
{
	if (f->place < 0 && f->includer != NULL &&
	    f->place != PLACE_ABSOLUTE)
		return beside(j, search_spelled(j, f->includer),
		    f->name->name);
	if (f->place < 0)
		return f->name->name;
	return join(j, j->places[f->place].text, f->name->name);
}
