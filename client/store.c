/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/store.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/mem.h"

#define NAME_PREFIX	"files-1-"	/* 1: of this layout */
#define BOOT_ID_BYTES	36
#define SLOTS		((size_t)1 << 17)
#define SLOTS_USED_MAX	(SLOTS / 4 * 3)
#define STORE_MAX_BYTES	((uint64_t)256 * 1024 * 1024)
#define LEN_BITS	24	/* of a slot's ref; the rest is the offset */
#define LOOK_AGAIN_MS	2

/* ref 0: free.  The key is written before ref, and read behind it. */
struct slot {
	uint64_t a, b;
	_Atomic uint64_t ref;
};

struct table {
	_Atomic uint64_t end;		/* bytes of the file that are in use */
	_Atomic uint64_t used;		/* slots */
	struct slot slot[SLOTS];
};

struct store {
	int fd;				/* owns */
	struct table *table;		/* the file, mapped from its beginning */
	const unsigned char *values;	/* the same, as far as it may grow */
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
	k.a = mix(hash(k.a ^ len, ptr, len, 0x100000001b3u));
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

/* The table is allocated, so that writing to its mapping cannot fail. */
static int
make(const char *dir, const char *path)
{
	AUTOFREE char *made = mem_printf("%s.%d", path, (int)getpid());
	AUTOFD fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	const uint64_t end = sizeof(struct table);

	if (fd < 0)
		return err_from_errno(errno);
	if (posix_fallocate(fd, 0, (off_t)end) != 0 ||
	    pwrite(fd, &end, sizeof(end), 0) != (ssize_t)sizeof(end) ||
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
	    st.st_size < (off_t)sizeof(struct table))
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
	void *p = mmap(NULL, sizeof(*s->table), PROT_READ | PROT_WRITE,
	    MAP_SHARED, s->fd, 0);

	if (p == MAP_FAILED)
		return ERR_SYS;
	s->table = p;
	/* beyond the file's end, too: it grows, and we read only what is there */
	p = mmap(NULL, STORE_MAX_BYTES, PROT_READ, MAP_SHARED, s->fd, 0);
	if (p == MAP_FAILED)
		return ERR_SYS;
	s->values = p;
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
	union { const void *in; void *out; } values;

	if (s == NULL)
		return;
	values.in = s->values;
	if (s->table != NULL)
		(void)munmap(s->table, sizeof(*s->table));
	if (s->values != NULL)
		(void)munmap(values.out, STORE_MAX_BYTES);
	fd_close(&s->fd);
	free(s->path);
	free(s);
}

/* ---- finding and adding ---- */

/* The key's slot, or the free one where it belongs. */
static struct slot *
find(const struct store *s, struct store_key k, uint64_t *ref)
{
	size_t i = (size_t)k.a & (SLOTS - 1);

	for (size_t n = 0; n < SLOTS; n++, i = (i + 1) & (SLOTS - 1)) {
		struct slot *slot = &s->table->slot[i];

		*ref = atomic_load_explicit(&slot->ref, memory_order_acquire);
		if (*ref == 0 || (slot->a == k.a && slot->b == k.b))
			return slot;
	}
	return NULL;
}

int
store_find(const struct store *s, struct store_key k, struct view *out)
{
	uint64_t ref, at, len;

	if (find(s, k, &ref) == NULL || ref == 0)
		return ERR_NOENT;
	at = ref >> LEN_BITS;
	len = ref & ((UINT64_C(1) << LEN_BITS) - 1);
	if (at < sizeof(struct table) || at > STORE_MAX_BYTES - len)
		return ERR_NOENT;
	*out = view_of(s->values + at, (size_t)len);
	return 0;
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
	return 0;
}

void
store_unlock(struct store *s)
{
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

int
store_put(struct store *s, struct store_key k, const void *ptr, size_t len)
{
	uint64_t ref, at = s->table->end;
	struct slot *slot = find(s, k, &ref);
	int r;

	if (len > STORE_VALUE_MAX_BYTES)
		return ERR_LIMIT;
	if (slot == NULL || at < sizeof(struct table) ||
	    at > STORE_MAX_BYTES - len || s->table->used >= SLOTS_USED_MAX)
		return give_up(s);
	if ((r = write_value(s, ptr, len, at)) < 0)
		return r;
	s->table->end = (at + len + 7) & ~UINT64_C(7);
	if (ref == 0) {
		slot->a = k.a;
		slot->b = k.b;
		s->table->used++;
	}
	atomic_store_explicit(&slot->ref, at << LEN_BITS | len,
	    memory_order_release);
	return 0;
}
