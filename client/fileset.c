/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/body.h"
#include "client/fileset.h"
#include "lib/mem.h"
#include "policy/cmdline.h"
#include "wire/limits.h"
#include "wire/path.h"
#include "wire/token.h"

#define LOCK_WAIT_MS	3000
#define SPARE_UPS	24	/* ".."s more than lead to the root; stock: 20 */
#define DIR_MARK	"forcing_technique_271828"	/* P-033 */
#define HEADS_MAX_BYTES	(WIRE_NAMES_MAX_BYTES + \
			 3 * (size_t)TOKEN_LEN * WIRE_NFIL_MAX)

/* A file while the set is put together. */
struct item {
	const struct scan_entry *entry;
	struct body body;
	bool is_shared;		/* other jobs are likely to need it */
};

struct build {
	struct fileset *fs;
	struct store *store;
	struct item *item;
	size_t n;
	char *why;
};

void
fileset_init(struct fileset *fs, const char *cdir)
{
	memset(fs, 0, sizeof(*fs));
	fs->cdir = cdir;
	buf_init(&fs->heads, HEADS_MAX_BYTES);
}

void
fileset_free(struct fileset *fs)
{
	for (size_t i = 0; i < fs->nown; i++)
		free(fs->own[i]);
	free(fs->own);
	free(fs->piece);
	buf_free(&fs->heads);
	memset(fs, 0, sizeof(*fs));
}

static int
explain(struct build *b, int err, const char *first, const char *then)
{
	(void)snprintf(b->why, FILESET_WHY_BYTES, "%s %s", first, then);
	return err;
}

/* ---- packets ---- */

static int
put_token(struct fileset *fs, const char *name, size_t value)
{
	unsigned char token[TOKEN_LEN];

	if (value > WIRE_BODY_MAX_BYTES)
		return ERR_LIMIT;
	token_encode(token, name, (uint32_t)value);
	return buf_append(&fs->heads, token, sizeof(token));
}

static int
put_text(struct fileset *fs, const char *token, const char *text)
{
	int r = put_token(fs, token, strlen(text));

	return r < 0 ? r : buf_append_str(&fs->heads, text);
}

/* A piece of which only the length is known: heads may still move. */
static void
add_piece(struct fileset *fs, const void *body, size_t len)
{
	union { const void *in; void *out; } base = { body };

	if (fs->npieces == fs->size) {
		fs->size = fs->size != 0 ? fs->size * 2 : 128;
		fs->piece = mem_realloc(fs->piece, fs->size,
		    sizeof(*fs->piece));
	}
	fs->piece[fs->npieces++] = (struct iovec){ base.out, len };
	fs->bytes += len;
}

/* Everything in heads since the piece before becomes one. */
static void
cut_heads(struct fileset *fs, size_t *from)
{
	if (fs->heads.len != *from)
		add_piece(fs, NULL, fs->heads.len - *from);
	*from = fs->heads.len;
}

/* Now that heads stays where it is. */
static void
place_heads(struct fileset *fs)
{
	unsigned char *p = fs->heads.ptr;

	for (size_t i = 0; i < fs->npieces; i++) {
		if (fs->piece[i].iov_base != NULL)
			continue;
		fs->piece[i].iov_base = p;
		p += fs->piece[i].iov_len;
	}
}

static int
put_body(struct fileset *fs, const char *name, struct view packed,
    size_t *from)
{
	int r = put_text(fs, "NAME", name);

	if (r == 0)
		r = put_token(fs, "FILE", packed.len);
	if (r == 0 && packed.len != 0) {
		cut_heads(fs, from);
		add_piece(fs, packed.ptr, packed.len);
	}
	return r;
}

/*
 * A link as it is on disk.  One whose text climbs past the root means the root
 * there; to a server it would mean the server's own file (P-037), so such a
 * link is sent with the place that it leads to.
 */
static int
put_link(struct build *b, const struct scan_entry *e)
{
	char resolved[WIRE_NAME_MAX_BYTES + 1];
	bool is_system;
	int r = path_check_link(e->path, e->target, &is_system, resolved,
	    sizeof(resolved));

	if (r < 0)
		return explain(b, r, e->path, "is a link that cannot be sent");
	r = put_text(b->fs, "NAME", e->path);
	return r < 0 ? r : put_text(b->fs, "LINK",
	    is_system ? resolved : e->target);
}

/*
 * "This directory of mine is yours" (P-037).  Our server has it in its place; stock,
 * which puts a directory of its own in front of the command's, makes a link, so
 * that what options and other links name below it is found.
 */
static int
put_system_dir(struct build *b, const struct scan_entry *e)
{
	char up[3 * (PATH_DEPTH_MAX + SPARE_UPS) + 1];
	AUTOFREE char *target = NULL;
	size_t n = SPARE_UPS;
	int r;

	if (path_check_name(e->path) < 0)
		return explain(b, ERR_LIMIT, e->path, "has too long a name");
	for (const char *p = e->path + 1; *p != '\0'; p++)
		n += *p == '/';
	for (size_t i = 0; i < n; i++)
		memcpy(up + 3 * i, "../", 3);
	up[3 * n] = '\0';
	target = mem_printf("%s%s", up, e->path + 1);
	r = put_text(b->fs, "NAME", e->path);
	return r < 0 ? r : put_text(b->fs, "LINK", target);
}

static int
put_dir(struct build *b, const struct scan_entry *e, size_t *from)
{
	AUTOFREE char *name = mem_printf("%s/" DIR_MARK,
	    strcmp(e->path, "/") == 0 ? "" : e->path);

	if (path_check_name(name) < 0)
		return explain(b, ERR_LIMIT, e->path, "has too long a name");
	return put_body(b->fs, name, view_of(NULL, 0), from);
}

/* Whether e is a directory below another of the kind. */
static bool
is_covered(const struct scan_answer *a, const struct scan_entry *e)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct scan_entry *s = &a->entries[i];
		size_t len;

		if (s->kind != SCAN_SYSTEMDIR || s == e)
			continue;
		len = strlen(s->path);
		if (strncmp(s->path, e->path, len) == 0 && e->path[len] == '/')
			return true;
	}
	return false;
}

static bool
is_sent(const struct scan_answer *a, const struct scan_entry *e)
{
	if (e->kind == SCAN_SYSTEMDIR)
		return !is_covered(a, e);
	return !e->is_system && e->kind != SCAN_ABSENT;
}

static int
put_entries(struct build *b, const struct scan_answer *a)
{
	size_t from = 0, file = 0, n = 0;
	int r;

	for (size_t i = 0; i < a->n; i++)
		n += is_sent(a, &a->entries[i]) ? 1 : 0;
	if (n == 0 || n > WIRE_NFIL_MAX)
		return explain(b, ERR_LIMIT, a->n != 0 ? a->entries[0].path :
		    "", "needs too many files");
	r = put_token(b->fs, "NFIL", n);
	for (size_t i = 0; r == 0 && i < a->n; i++) {
		const struct scan_entry *e = &a->entries[i];

		if (!is_sent(a, e))
			continue;
		if (e->kind == SCAN_SYMLINK)
			r = put_link(b, e);
		else if (e->kind == SCAN_SYSTEMDIR)
			r = put_system_dir(b, e);
		else if (e->kind == SCAN_DIRECTORY)
			r = put_dir(b, e, &from);
		else
			r = put_body(b->fs, e->path,
			    b->item[file++].body.packed, &from);
	}
	if (r < 0)
		return b->why[0] != '\0' ? r :
		    explain(b, r, "its files", "are too many to be sent");
	cut_heads(b->fs, &from);
	place_heads(b->fs);
	return b->fs->bytes > WIRE_BODY_MAX_BYTES ?
	    explain(b, ERR_LIMIT, "its files", "are too large") : 0;
}

/* ---- bodies ---- */

static bool
has_body(const struct scan_entry *e)
{
	return e->kind == SCAN_FILE && !e->is_system;
}

static void
collect(struct build *b, const struct scan_answer *a)
{
	size_t n = 0;

	/* most entries are the host's own headers */
	for (size_t i = 0; i < a->n; i++)
		n += has_body(&a->entries[i]) ? 1 : 0;
	b->item = mem_calloc(n + 1, sizeof(*b->item));
	for (size_t i = 0; i < a->n; i++) {
		const struct scan_entry *e = &a->entries[i];
		bool preprocessed;

		if (!has_body(e))
			continue;
		b->item[b->n++] = (struct item){ .entry = e,
		    .is_shared = !cmdline_is_source(e->path, &preprocessed) };
	}
}

static void
find_all(struct build *b, size_t *missing)
{
	*missing = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->item[i];

		if (it->body.is_known)
			continue;
		if (b->store != NULL && it->is_shared)
			body_find(&it->body, b->store, &it->entry->stamp);
		if (!it->body.is_known && it->is_shared)
			++*missing;
	}
}

static int
make_all(struct build *b, bool shared)
{
	struct fileset *fs = b->fs;

	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->item[i];
		int r;

		if (it->body.is_known || it->is_shared != shared)
			continue;
		r = body_make(&it->body, it->entry->path, &it->entry->stamp,
		    shared ? b->store : NULL);
		fs->own[fs->nown++] = it->body.own;
		if (r == ERR_BUSY || r == ERR_NOENT)
			return ERR_BUSY;
		if (r < 0)
			return explain(b, r, it->entry->path, err_text(r));
	}
	return 0;
}

/*
 * What the store lacks is made by one client at a time: those that wait find it
 * there.
 */
static int
make_shared(struct build *b, size_t missing)
{
	bool is_locked;
	int r;

	if (missing == 0)
		return 0;
	is_locked = b->store != NULL && store_lock(b->store,
	    LOCK_WAIT_MS) == 0;
	if (is_locked)
		find_all(b, &missing);
	else
		b->store = NULL;
	r = make_all(b, true);
	if (is_locked)
		store_unlock(b->store);
	return r;
}

/* The object would have the server's clock and files' times in it. */
static int
check_dates(struct build *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->item[i].body.has_date)
			return explain(b, ERR_UNSUPPORTED, "__DATE__, "
			    "__TIME__ or __TIMESTAMP__ is in",
			    b->item[i].entry->path);
	return 0;
}

static int
check_names(struct build *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (path_check_name(b->item[i].entry->path) < 0)
			return explain(b, ERR_LIMIT, b->item[i].entry->path,
			    "is a name that cannot be sent");
	return 0;
}

int
fileset_fill(struct fileset *fs, const struct scan_answer *a,
    struct store *store, char why[FILESET_WHY_BYTES])
{
	struct build b = { .fs = fs, .store = store, .why = why };
	size_t missing;
	int r;

	why[0] = '\0';
	collect(&b, a);
	fs->own = mem_calloc(b.n + 1, sizeof(*fs->own));
	find_all(&b, &missing);
	r = check_names(&b);
	if (r == 0)
		r = make_shared(&b, missing);
	if (r == 0)
		r = make_all(&b, false);
	if (r == 0)
		r = check_dates(&b);
	if (r == 0)
		r = put_entries(&b, a);
	free(b.item);
	return r;
}

int
fileset_one(struct fileset *fs, const char *name, struct view text)
{
	struct body body = { .is_known = false };
	size_t from = 0;
	int r = body_pack(&body, text);

	fs->own = mem_calloc(1, sizeof(*fs->own));
	fs->own[fs->nown++] = body.own;
	if (r == 0)
		r = put_token(fs, "NFIL", 1);
	if (r == 0)
		r = put_body(fs, name, body.packed, &from);
	if (r < 0)
		return r;
	cut_heads(fs, &from);
	place_heads(fs);
	return 0;
}
