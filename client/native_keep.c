/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "client/native_keep.h"
#include "lib/fd.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "wire/limits.h"

#define KEEP_MAX_BYTES	(1024 * 1024)
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"
#define NONE		"none"	/* there are no words */

static void
read_boot_id(char *out, size_t size)
{
	AUTOFD fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	struct utsname name;

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (out[0] == '\0' && uname(&name) == 0)
		(void)snprintf(out, size, "%.60s", name.nodename);
}

/* All that the answer depends on, as the head of the file that keeps it. */
static int
make_key(const char *file, const struct words *asked, struct buf *b)
{
	char boot[64];
	struct stat st;
	int r;

	if (stat(file, &st) < 0)
		return err_from_errno(errno);
	read_boot_id(boot, sizeof(boot));
	r = buf_printf(b, "distcc native 1\n%s\n%s\n%ju %ju %jd %jd.%09ld\n",
	    boot, file, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
	    (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec);
	for (size_t i = 0; r == 0 && i < asked->n; i++)
		r = buf_printf(b, "%s\n", asked->argv[i]);
	return r < 0 ? r : buf_append_str(b, "\n");
}

static int
make_path(struct native_keep *k)
{
	uint64_t hash = hash_bytes(HASH_FIRST, k->key.ptr, k->key.len);
	char tail[64];

	(void)snprintf(tail, sizeof(tail), "/native/%016" PRIx64, hash);
	return dirs_top(k->env, k->path, sizeof(k->path), tail);
}

int
native_keep_open(struct native_keep *k, const struct env *env,
    const char *file, const struct words *asked)
{
	int r;

	*k = (struct native_keep){ .env = env, .key = BUF_INIT(KEEP_MAX_BYTES) };
	r = make_key(file, asked, &k->key);
	if (r == 0 && make_path(k) < 0)
		k->path[0] = '\0';	/* no home: nothing is kept */
	return r;
}

void
native_keep_free(struct native_keep *k)
{
	buf_free(&k->key);
}

/* returns ERR_UNSUPPORTED when it is kept that there are no words */
static int
read_lines(const char *p, struct words *made)
{
	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		if (p[len] == '\0' || made->n == WIRE_ARGC_MAX)
			return ERR_SYNTAX;
		words_add_len(made, p, len);
		p += len + 1;
	}
	if (made->n == 0)
		return ERR_SYNTAX;
	return strcmp(made->argv[0], NONE) == 0 ? ERR_UNSUPPORTED : 0;
}

/* The file's whole text, NUL-terminated. */
static int
read_text(const char *path, struct buf *b)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ERR_NOENT;
	if (st.st_size >= KEEP_MAX_BYTES)
		return ERR_LIMIT;
	return fd_read_text(fd, (size_t)st.st_size, b);
}

int
native_keep_read(const struct native_keep *k, struct words *made)
{
	struct buf b = BUF_INIT(KEEP_MAX_BYTES + 1);
	int r = read_text(k->path, &b);

	if (r == 0)
		r = b.len > k->key.len &&
		    memcmp(b.ptr, k->key.ptr, k->key.len) == 0 ?
		    read_lines((const char *)b.ptr + k->key.len, made) :
		    ERR_SYNTAX;
	buf_free(&b);
	if (r == 0 || r == ERR_UNSUPPORTED)
		return r;
	words_free(made);
	return ERR_NOENT;
}

static int
write_text(const struct native_keep *k, const struct words *made, int fd)
{
	struct buf b = BUF_INIT(KEEP_MAX_BYTES);
	int r = buf_append(&b, k->key.ptr, k->key.len);

	for (size_t i = 0; r == 0 && i < made->n; i++)
		r = buf_printf(&b, "%s\n", made->argv[i]);
	if (r == 0 && made->n == 0)
		r = buf_append_str(&b, NONE "\n");
	if (r == 0)
		r = fd_write_all(fd, b.ptr, b.len, -1);
	buf_free(&b);
	return r;
}

void
native_keep_write(const struct native_keep *k, const struct words *made)
{
	AUTOFREE char *new = mem_printf("%s.%d", k->path, (int)getpid());
	AUTOFD fd = k->path[0] == '\0' ? -1 : dirs_open(k->env, new,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write_text(k, made, fd) == 0 && rename(new, k->path) == 0)
		return;
	log_debug("cannot keep %s", k->path);
	(void)unlink(new);
}
