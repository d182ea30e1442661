/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/store.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/hash.h"
#include "lib/mem.h"

#define NAME_PREFIX	"files-2-"	/* 2: of this layout */
#define BOOT_ID_BYTES	36
#define LEVELS		6
#define FIRST_SLOTS	((size_t)4096)	/* each level has twice as many */
#define STORE_MAX_BYTES	((uint64_t)256 * 1024 * 1024)
#define TABLE_ALIGN	((uint64_t)4096)
#define LEN_BITS	24	/* of a slot's ref; the rest is the offset */
#define LOOK_AGAIN_MS	2

/* ref 0: free.  The key is written before ref, and read behind it. */
struct slot {
	uint64_t a, b;
	_Atomic uint64_t ref;
};

/*
 * A table of slots.  Each page that a lookup meets costs a job a page fault, so
 * the first is small, and another is begun when the last is nearly full.
 */
struct level {
	_Atomic uint64_t at;		/* of its slots; 0: not in use */
	_Atomic uint64_t used;		/* slots */
};

struct head {
	_Atomic uint64_t end;		/* bytes of the file that are in use */
	struct level level[LEVELS];
};

struct store {
	int fd;				/* owns */
	unsigned char *base;		/* the file, mapped as far as it may
					   grow; read-only but under the lock */
	char *path;			/* owns */
};

/* ---- keys ---- */

static uint64_t
mix(uint64_t h)
{
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93u;
	h = (h ^ (h >> 29)) * 0x9fb21c651e98df25u;
	return h ^ (h >> 32);
}

static uint64_t
hash(uint64_t h, const unsigned char *p, size_t len, uint64_t prime)
{
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ mix(word)) * prime;
		h ^= h >> 31;
	}
	for (; len != 0; len--)
		h = (h ^ *p++) * prime;
	return h;
}

struct store_key
store_key_of(struct store_key k, const void *ptr, size_t len)
{
	k.a = mix(hash(k.a ^ len, ptr, len, HASH_PRIME));
	k.b = mix(hash(~k.b ^ len, ptr, len, 0xc6a4a7935bd1e995u));
	return k;
}

struct store_key
store_key_str(struct store_key k, const char *s)
{
	return store_key_of(k, s, strlen(s) + 1);
}

/* ---- the file ---- */

static int
boot_id(char id[BOOT_ID_BYTES + 1])
{
	AUTOFD fd = open("/proc/sys/kernel/random/boot_id",
	    O_RDONLY | O_CLOEXEC);

	memset(id, 0, BOOT_ID_BYTES + 1);
	if (fd < 0 || read(fd, id, BOOT_ID_BYTES) != BOOT_ID_BYTES ||
	    strspn(id, "0123456789abcdef-") != BOOT_ID_BYTES)
		return ERR_NOENT;
	return 0;
}

static void
remove_but(const char *dir, const char *keep)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "files-", 6) == 0 &&
		    (keep == NULL ||
		    strncmp(e->d_name, keep, strlen(keep)) != 0))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
}

void
store_remove(const char *dir)
{
	remove_but(dir, NULL);
}

static size_t
slots_of(size_t level)
{
	return FIRST_SLOTS << level;
}

static size_t
bytes_of(size_t level)
{
	return slots_of(level) * sizeof(struct slot);
}

/* The table is allocated, so that writing to its mapping cannot fail. */
static int
make(const char *dir, const char *path)
{
	AUTOFREE char *made = mem_printf("%s.%d", path, (int)getpid());
	AUTOFD fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	const struct head head = { .end = sizeof(head) + bytes_of(0),
	    .level = { { .at = sizeof(head) } } };

	if (fd < 0)
		return err_from_errno(errno);
	if (posix_fallocate(fd, 0, (off_t)head.end) != 0 ||
	    pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    (link(made, path) < 0 && errno != EEXIST)) {
		(void)unlink(made);
		return ERR_SYS;
	}
	(void)unlink(made);
	remove_but(dir, strrchr(path, '/') + 1);
	return 0;
}

static int
open_file(const char *path)
{
	struct stat st;
	AUTOFD fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 077) != 0 ||
	    st.st_size < (off_t)(sizeof(struct head) + bytes_of(0)))
		return ERR_ACCESS;
	return fd_take(&fd);
}

static int
open_or_make(const char *dir, const char *path)
{
	int fd = open_file(path);

	if (fd != ERR_NOENT)
		return fd;
	if (make(dir, path) < 0)
		return ERR_SYS;
	return open_file(path);
}

static int
map(struct store *s)
{
	/* beyond the file's end, too: it grows, and we read only what is there */
	void *p = mmap(NULL, STORE_MAX_BYTES, PROT_READ, MAP_SHARED, s->fd, 0);

	if (p == MAP_FAILED)
		return ERR_SYS;
	s->base = p;
	return 0;
}

struct store *
store_open(const char *dir)
{
	struct store *s = mem_calloc(1, sizeof(*s));
	char id[BOOT_ID_BYTES + 1];

	s->fd = -1;
	if (boot_id(id) == 0) {
		s->path = mem_printf("%s/" NAME_PREFIX "%s", dir, id);
		s->fd = open_or_make(dir, s->path);
	}
	if (s->fd >= 0 && map(s) == 0)
		return s;
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->base != NULL)
		(void)munmap(s->base, STORE_MAX_BYTES);
	fd_close(&s->fd);
	free(s->path);
	free(s);
}

/* ---- finding ---- */

static struct head *
head_of(const struct store *s)
{
	return (struct head *)(void *)s->base;
}

/* returns the level's slots; NULL: it is not in use */
static struct slot *
slots_at(const struct store *s, size_t level)
{
	uint64_t at = atomic_load_explicit(&head_of(s)->level[level].at,
	    memory_order_acquire);

	if (at < sizeof(struct head) || at % sizeof(uint64_t) != 0 ||
	    at > STORE_MAX_BYTES - bytes_of(level))
		return NULL;
	return (struct slot *)(void *)(s->base + at);
}

/* The key's slot in one level, or the free one where it belongs. */
static struct slot *
find_in(struct slot *slots, size_t level, struct store_key k, uint64_t *ref)
{
	size_t last = slots_of(level) - 1, i = (size_t)k.a & last;

	for (size_t n = 0; n <= last; n++, i = (i + 1) & last) {
		struct slot *slot = &slots[i];

		*ref = atomic_load_explicit(&slot->ref, memory_order_acquire);
		if (*ref == 0 || (slot->a == k.a && slot->b == k.b))
			return slot;
	}
	return NULL;
}

/* The key's slot; NULL: it has none. */
static struct slot *
find(const struct store *s, struct store_key k, uint64_t *ref)
{
	for (size_t level = 0; level < LEVELS; level++) {
		struct slot *slots = slots_at(s, level), *slot;

		if (slots == NULL)
			return NULL;
		slot = find_in(slots, level, k, ref);
		if (slot != NULL && *ref != 0)
			return slot;
	}
	return NULL;
}

int
store_find(const struct store *s, struct store_key k, struct view *out)
{
	uint64_t ref, at, len;

	if (find(s, k, &ref) == NULL)
		return ERR_NOENT;
	at = ref >> LEN_BITS;
	len = ref & ((UINT64_C(1) << LEN_BITS) - 1);
	if (at < sizeof(struct head) || at > STORE_MAX_BYTES - len)
		return ERR_NOENT;
	*out = view_of(s->base + at, (size_t)len);
	return 0;
}

/* ---- adding ---- */

static int
allow_writing(const struct store *s, bool allow)
{
	int prot = allow ? PROT_READ | PROT_WRITE : PROT_READ;

	return mprotect(s->base, STORE_MAX_BYTES, prot) < 0 ?
	    err_from_errno(errno) : 0;
}

int
store_lock(struct store *s, long wait_ms)
{
	const struct timespec pause = { 0, LOOK_AGAIN_MS * 1000000L };
	int64_t deadline = clock_ms() + wait_ms;

	while (flock(s->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_from_errno(errno);
		if (clock_ms() >= deadline)
			return ERR_TIMEOUT;
		(void)nanosleep(&pause, NULL);
	}
	if (allow_writing(s, true) == 0)
		return 0;
	(void)flock(s->fd, LOCK_UN);
	return ERR_SYS;
}

void
store_unlock(struct store *s)
{
	(void)allow_writing(s, false);
	(void)flock(s->fd, LOCK_UN);
}

/* The next client begins another. */
static int
give_up(const struct store *s)
{
	(void)unlink(s->path);
	return ERR_LIMIT;
}

static int
write_value(const struct store *s, const void *ptr, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(s->fd, (const char *)ptr + done,
		    len - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return err_from_errno(errno);
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/*
 * Begin a level.  Who died while he wrote a value has left something behind the
 * end, so the slots are cleared.
 */
static int
add_level(const struct store *s, size_t level)
{
	struct head *head = head_of(s);
	uint64_t at = (head->end + TABLE_ALIGN - 1) & ~(TABLE_ALIGN - 1);
	size_t bytes = bytes_of(level);
	AUTOFREE char *zeros = NULL;
	int r;

	if (at > STORE_MAX_BYTES - bytes)
		return give_up(s);
	if (posix_fallocate(s->fd, (off_t)at, (off_t)bytes) != 0)
		return ERR_SYS;
	zeros = mem_calloc(1, bytes);
	if ((r = write_value(s, zeros, bytes, at)) < 0)
		return r;
	head->end = at + bytes;
	atomic_store_explicit(&head->level[level].at, at,
	    memory_order_release);
	return 0;
}

/* The last level in use. */
static size_t
last_level(const struct store *s)
{
	size_t level = 0;

	while (level + 1 < LEVELS && slots_at(s, level + 1) != NULL)
		level++;
	return level;
}

/* A free slot of the last level, for a key that has none. */
static int
free_slot(const struct store *s, struct store_key k, struct slot **slot)
{
	struct head *head = head_of(s);
	size_t level = last_level(s);
	struct slot *slots;
	uint64_t ref;
	int r;

	if (head->level[level].used >= slots_of(level) / 4 * 3) {
		if (++level == LEVELS)
			return give_up(s);
		if ((r = add_level(s, level)) < 0)
			return r;
	}
	slots = slots_at(s, level);
	*slot = slots != NULL ? find_in(slots, level, k, &ref) : NULL;
	if (*slot == NULL)
		return give_up(s);
	return 0;
}

int
store_put(struct store *s, struct store_key k, const void *ptr, size_t len)
{
	struct slot *slot;
	bool is_new;
	uint64_t ref, at;
	int r;

	if (len > STORE_VALUE_MAX_BYTES)
		return ERR_LIMIT;
	slot = find(s, k, &ref);
	is_new = slot == NULL;
	if (is_new && (r = free_slot(s, k, &slot)) < 0)
		return r;
	at = head_of(s)->end;
	if (at < sizeof(struct head) || at > STORE_MAX_BYTES - len)
		return give_up(s);
	if ((r = write_value(s, ptr, len, at)) < 0)
		return r;
	head_of(s)->end = (at + len + 7) & ~UINT64_C(7);
	if (is_new) {
		slot->a = k.a;
		slot->b = k.b;
		head_of(s)->level[last_level(s)].used++;
	}
	atomic_store_explicit(&slot->ref, at << LEN_BITS | len,
	    memory_order_release);
	return 0;
}
