/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/scan/msg.h"
#include "lib/mem.h"

#define WORDS_MAX	16384		/* of argv, and of env */
#define ENTRIES_MAX	200000		/* and numbers */

int
msg_place_of(const char *cwd, struct msg_place *p)
{
	struct stat root, here;

	if (stat("/", &root) < 0 || stat(cwd, &here) < 0)
		return err_from_errno(errno);
	*p = (struct msg_place){ root.st_dev, root.st_ino, here.st_dev,
	    here.st_ino };
	return 0;
}

/* ---- putting --------------------------------------------------------- */

static int
put_u32(struct buf *b, uint32_t n)
{
	return buf_append(b, &n, sizeof(n));
}

static int
put_u64(struct buf *b, uint64_t n)
{
	return buf_append(b, &n, sizeof(n));
}

int
msg_put_bytes(struct buf *b, struct view v)
{
	int r;

	if (v.len > UINT32_MAX)
		return ERR_LIMIT;
	r = put_u32(b, (uint32_t)v.len);
	return r == 0 && v.len != 0 ? buf_append(b, v.ptr, v.len) : r;
}

static int
put_str(struct buf *b, const char *s)
{
	return msg_put_bytes(b, view_str(s != NULL ? s : ""));
}

int
msg_begin(struct buf *b, enum msg_kind kind)
{
	int r = put_u32(b, (uint32_t)kind);

	return r == 0 ? put_u32(b, 0) : r;
}

void
msg_end(struct buf *b, size_t start)
{
	uint32_t len = (uint32_t)(b->len - start - MSG_HEADER_BYTES);

	memcpy(b->ptr + start + 4, &len, sizeof(len));
}

static bool
is_wanted(const char *var)
{
	const char *const *n;
	size_t len;

	for (n = scan_env_names; *n != NULL; n++) {
		len = strlen(*n);
		if (strncmp(var, *n, len) == 0 && var[len] == '=')
			return true;
	}
	return false;
}

static int
put_words(struct buf *b, char *const *w, bool all)
{
	uint32_t n = 0;
	char *const *p;
	int r;

	for (p = w; p != NULL && *p != NULL; p++)
		n += all || is_wanted(*p);
	r = put_u32(b, n);
	for (p = w; r == 0 && p != NULL && *p != NULL; p++)
		if (all || is_wanted(*p))
			r = put_str(b, *p);
	return r;
}

int
msg_put_request(struct buf *b, const struct scan_request *req,
    const struct msg_place *place)
{
	int r;

	if ((r = buf_append(b, place, sizeof(*place))) < 0 ||
	    (r = put_str(b, req->compiler)) < 0 ||
	    (r = put_str(b, req->cwd)) < 0 ||
	    (r = put_words(b, req->argv, true)) < 0 ||
	    (r = put_words(b, req->env, false)) < 0)
		return r;
	return put_u32(b, req->is_brief);
}

static int
put_entry(struct buf *b, const struct scan_entry *e)
{
	int r;

	if ((r = put_u32(b, (uint32_t)e->kind)) < 0 ||
	    (r = put_u32(b, e->is_system)) < 0 ||
	    (r = buf_append(b, &e->stamp, sizeof(e->stamp))) < 0 ||
	    (r = put_str(b, e->path)) < 0)
		return r;
	return put_str(b, e->target);
}

int
msg_put_numbers(struct buf *b, const struct scan_answer *a)
{
	int r;

	if ((r = put_u64(b, a->epoch)) < 0 ||
	    (r = put_u32(b, (uint32_t)a->nnumbers)) < 0 || a->nnumbers == 0)
		return r;
	return buf_append(b, a->numbers, a->nnumbers * sizeof(*a->numbers));
}

int
msg_put_answer(struct buf *b, const struct scan_answer *a)
{
	size_t i;
	int r;

	if ((r = put_u32(b, (uint32_t)a->outcome)) < 0 ||
	    (r = put_u64(b, a->directives)) < 0 ||
	    (r = put_str(b, a->why)) < 0 ||
	    (r = put_u64(b, a->facts)) < 0 ||
	    (r = put_str(b, a->search_path)) < 0 ||
	    (r = put_str(b, a->rooted)) < 0 ||
	    (r = msg_put_bytes(b, buf_view(&a->queries))) < 0 ||
	    (r = msg_put_numbers(b, a)) < 0 ||
	    (r = put_u32(b, (uint32_t)a->n)) < 0)
		return r;
	for (i = 0; r == 0 && i < a->n; i++)
		r = put_entry(b, &a->entries[i]);
	return r;
}

/* ---- getting --------------------------------------------------------- */

static int
get_raw(struct view *v, void *out, size_t n)
{
	struct view part;
	int r = view_take(v, n, &part);

	if (r < 0)
		return ERR_SYNTAX;
	memcpy(out, part.ptr, n);
	return 0;
}

static int
get_u32(struct view *v, uint32_t *out)
{
	return get_raw(v, out, sizeof(*out));
}

int
msg_get_bytes(struct view *v, struct view *out)
{
	uint32_t n;
	int r = get_u32(v, &n);

	if (r == 0 && view_take(v, n, out) < 0)
		r = ERR_SYNTAX;
	return r;
}

static int
get_str(struct view *v, struct arena *a, const char **out)
{
	struct view s;
	int r = msg_get_bytes(v, &s);

	if (r == 0 && view_has_nul(s))
		r = ERR_SYNTAX;
	if (r == 0)
		*out = arena_copy(a, s.ptr, s.len);
	return r;
}

static int
get_words(struct view *v, struct arena *a, char ***out)
{
	const char *s = NULL;
	uint32_t n, i;
	int r = get_u32(v, &n);

	if (r < 0)
		return r;
	if (n > WORDS_MAX)
		return ERR_LIMIT;
	*out = mem_calloc((size_t)n + 1, sizeof(char *));
	for (i = 0; r == 0 && i < n; i++) {
		r = get_str(v, a, &s);
		(*out)[i] = r == 0 ? (char *)(uintptr_t)s : NULL;
	}
	return r;
}

int
msg_get_request(struct view *v, enum msg_kind kind, struct msg_request *m)
{
	uint32_t is_brief;
	int r;

	memset(m, 0, sizeof(*m));
	if ((r = get_raw(v, &m->place, sizeof(m->place))) < 0 ||
	    (r = get_str(v, &m->arena, &m->req.compiler)) < 0 ||
	    (r = get_str(v, &m->arena, &m->req.cwd)) < 0 ||
	    (r = get_words(v, &m->arena, &m->argv)) < 0 ||
	    (r = get_words(v, &m->arena, &m->env)) < 0 ||
	    (r = get_u32(v, &is_brief)) < 0)
		return r;
	m->req.is_brief = is_brief != 0;
	m->req.argv = m->argv;
	m->req.env = m->env;
	if (kind == MSG_LEARN && ((r = msg_get_bytes(v, &m->queries)) < 0 ||
	    (r = msg_get_bytes(v, &m->text)) < 0))
		return r;
	return v->len == 0 && m->argv[0] != NULL ? 0 : ERR_SYNTAX;
}

void
msg_request_free(struct msg_request *m)
{
	free(m->argv);
	free(m->env);
	arena_free(&m->arena);
}

static int
get_entry(struct view *v, struct scan_answer *a, struct scan_entry *e)
{
	uint32_t kind, is_system;
	int r;

	if ((r = get_u32(v, &kind)) < 0 || (r = get_u32(v, &is_system)) < 0 ||
	    (r = get_raw(v, &e->stamp, sizeof(e->stamp))) < 0 ||
	    (r = get_str(v, &a->text, &e->path)) < 0 ||
	    (r = get_str(v, &a->text, &e->target)) < 0)
		return r;
	if (kind > SCAN_PRIVATE || e->path[0] != '/')
		return ERR_SYNTAX;
	e->kind = (enum scan_kind)kind;
	e->is_system = is_system != 0;
	if (e->kind != SCAN_SYMLINK)
		e->target = NULL;
	return 0;
}

static int
get_why(struct view *v, struct scan_answer *a)
{
	const char *why;
	int r = get_str(v, &a->text, &why);

	if (r == 0)
		memcpy(a->why, why, strnlen(why, SCAN_WHY_BYTES - 1));
	return r;
}

int
msg_get_numbers(struct view *v, struct scan_answer *a)
{
	struct view raw;
	uint32_t n;
	int r;

	if ((r = get_raw(v, &a->epoch, sizeof(a->epoch))) < 0 ||
	    (r = get_u32(v, &n)) < 0)
		return r;
	if (n > ENTRIES_MAX)
		return ERR_LIMIT;
	if (view_take(v, n * sizeof(*a->numbers), &raw) < 0)
		return ERR_SYNTAX;
	a->numbers = mem_calloc(n, sizeof(*a->numbers));
	a->nnumbers = a->numbers_size = n;
	if (n != 0)
		memcpy(a->numbers, raw.ptr, raw.len);
	return 0;
}

int
msg_get_answer(struct view *v, struct scan_answer *a)
{
	uint32_t outcome, n, i;
	uint64_t directives;
	struct view queries;
	int r;

	memset(a, 0, sizeof(*a));
	buf_init(&a->queries, (size_t)SCAN_QUERIES_MAX * SCAN_QUERY_BYTES);
	if ((r = get_u32(v, &outcome)) < 0 ||
	    (r = get_raw(v, &directives, sizeof(directives))) < 0 ||
	    (r = get_why(v, a)) < 0 ||
	    (r = get_raw(v, &a->facts, sizeof(a->facts))) < 0 ||
	    (r = get_str(v, &a->text, &a->search_path)) < 0 ||
	    (r = get_str(v, &a->text, &a->rooted)) < 0 ||
	    (r = msg_get_bytes(v, &queries)) < 0 ||
	    (r = msg_get_numbers(v, a)) < 0 || (r = get_u32(v, &n)) < 0)
		return r;
	if (outcome > SCAN_NEEDS || n > ENTRIES_MAX)
		return ERR_SYNTAX;
	a->outcome = (enum scan_outcome)outcome;
	if (a->rooted[0] == '\0')
		a->rooted = NULL;
	a->directives = (size_t)directives;
	a->entries = mem_calloc(n, sizeof(*a->entries));
	a->n = a->size = n;
	r = buf_append(&a->queries, queries.ptr, queries.len);
	for (i = 0; r == 0 && i < n; i++)
		r = get_entry(v, a, &a->entries[i]);
	return r == 0 && v->len != 0 ? ERR_SYNTAX : r;
}

int
msg_get_header(const unsigned char *p, enum msg_kind *kind, size_t *len)
{
	uint32_t k, n;

	memcpy(&k, p, sizeof(k));
	memcpy(&n, p + 4, sizeof(n));
	if (k < MSG_SCAN || k > MSG_NAME || n > MSG_BODY_MAX_BYTES)
		return ERR_SYNTAX;
	*kind = (enum msg_kind)k;
	*len = n;
	return 0;
}
