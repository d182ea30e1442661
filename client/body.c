/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/body.h"
#include "lib/fd.h"
#include "lib/mem.h"
#include "wire/limits.h"
#include "wire/lzo.h"

/* A file that changed later than this before it was read may change again
 * within the same tick of the file system's clock. */
#define SETTLED_NS	INT64_C(100000000)

#define FLAG_DATE	1

#define BLOCK		256	/* bytes that are looked at together */

/* The store's value: this, then the packed bytes. */
struct head {
	uint64_t flags;
};

static struct store_key
key_of(const struct scan_stamp *stamp)
{
	static const char kind[] = "body";

	return store_key_of(store_key_str((struct store_key){ 0, 0 }, kind),
	    stamp, sizeof(*stamp));
}

void
body_find(struct body *b, const struct store *store,
    const struct scan_stamp *stamp)
{
	struct view value, first;
	struct head head;

	if (stamp->size == 0) {
		*b = (struct body){ .is_known = true };
		return;
	}
	if (store_find(store, key_of(stamp), &value) < 0 ||
	    view_take(&value, sizeof(head), &first) < 0)
		return;
	memcpy(&head, first.ptr, sizeof(head));
	*b = (struct body){ .packed = value, .is_known = true,
	    .has_date = (head.flags & FLAG_DATE) != 0 };
}

/* ---- reading ---- */

static int64_t
ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool
is_same(const struct stat *st, const struct scan_stamp *stamp)
{
	return st->st_dev == stamp->dev && st->st_ino == stamp->ino &&
	    (uint64_t)st->st_size == stamp->size &&
	    ns_of(st->st_mtim) == stamp->mtime_ns &&
	    ns_of(st->st_ctim) == stamp->ctime_ns;
}

static int
check(int fd, const struct scan_stamp *stamp)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_from_errno(errno);
	if (!S_ISREG(st.st_mode))
		return ERR_ACCESS;
	if (stamp->size > WIRE_BODY_MAX_BYTES)
		return ERR_LIMIT;
	return is_same(&st, stamp) ? 0 : ERR_BUSY;
}

int
body_read(const char *path, const struct scan_stamp *stamp, char **text)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 ? err_from_errno(errno) : check(fd, stamp);
	size_t size = (size_t)stamp->size;

	*text = NULL;
	if (r < 0)
		return r;
	*text = malloc(size + 1);
	if (*text == NULL)
		return ERR_NOMEM;
	(*text)[size] = '\0';
	if (size != 0)
		r = fd_read_exact(fd, *text, size, -1);
	if (r == 0)
		r = check(fd, stamp);
	if (r < 0) {
		free(*text);
		*text = NULL;
	}
	return r == ERR_TRUNCATED || r == ERR_CLOSED ? ERR_BUSY : r;
}

/* Compilers make vector instructions of it.  p[BLOCK + 1] is read. */
static bool
may_begin_word(const char *p)
{
	unsigned char seen = 0;

	for (size_t i = 0; i < BLOCK; i++)
		seen |= (unsigned char)((p[i] == '_') & (p[i + 1] == '_') &
		    ((p[i + 2] == 'D') | (p[i + 2] == 'T')));
	return seen != 0;
}

static bool
is_word(const char *p, size_t len)
{
	static const char *const words[] = { "__DATE__", "__TIME__",
	    "__TIMESTAMP__" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if (len >= n && memcmp(p, words[i], n) == 0)
			return true;
	}
	return false;
}

/* A word that begins at one of the block's bytes, of the len from p on. */
static bool
has_word(const char *p, size_t len)
{
	for (size_t i = 0; i < BLOCK && i < len; i++)
		if (p[i] == '_' && is_word(p + i, len - i))
			return true;
	return false;
}

/* Little else in a source begins with __D or __T. */
bool
body_has_date(struct view text)
{
	const char *p = (const char *)text.ptr;

	for (size_t at = 0; at < text.len; at += BLOCK) {
		size_t len = text.len - at;

		if ((len < BLOCK + 2 || may_begin_word(p + at)) &&
		    has_word(p + at, len))
			return true;
	}
	return false;
}

/* ---- packing ---- */

/* own: room for the head, then the packed bytes */
static int
pack(struct body *b, struct view text)
{
	unsigned char *own = malloc(sizeof(struct head) +
	    lzo_bound(text.len));
	size_t len = 0;
	int r;

	if (own == NULL)
		return ERR_NOMEM;
	r = lzo_pack(text.ptr, text.len, own + sizeof(struct head), &len);
	*b = (struct body){ .own = own, .is_known = r == 0,
	    .has_date = body_has_date(text),
	    .packed = view_of(own + sizeof(struct head), len) };
	return r;
}

int
body_pack(struct body *b, struct view text)
{
	if (text.len != 0)
		return pack(b, text);
	*b = (struct body){ .is_known = true };
	return 0;
}

static bool
is_settled(const struct scan_stamp *stamp)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return false;
	return stamp->ctime_ns < ns_of(now) - SETTLED_NS &&
	    stamp->mtime_ns < ns_of(now) - SETTLED_NS;
}

/* What the store does not take, the next job makes again. */
static void
keep(struct body *b, const struct scan_stamp *stamp, struct store *store)
{
	struct head head = { b->has_date ? FLAG_DATE : 0 };

	memcpy(b->own, &head, sizeof(head));
	(void)!store_put(store, key_of(stamp), b->own,
	    sizeof(head) + b->packed.len);
}

int
body_make(struct body *b, const char *path, const struct scan_stamp *stamp,
    struct store *store)
{
	AUTOFREE char *text = NULL;
	bool settled = is_settled(stamp);	/* before it is read */
	int r = body_read(path, stamp, &text);

	b->own = NULL;
	if (r == 0)
		r = body_pack(b, view_of(text, (size_t)stamp->size));
	if (r == 0 && store != NULL && settled && b->own != NULL)
		keep(b, stamp, store);
	return r;
}
