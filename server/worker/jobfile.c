/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fd.h"
#include "server/worker/jobfile.h"
#include "wire/limits.h"

/* room for what is not a body: argv, names and the entries' heads */
#define OVERHEAD_BYTES	(2 * WIRE_ARGV_MAX_BYTES + 2 * WIRE_NAMES_MAX_BYTES + \
	(WIRE_NFIL_MAX + 1) * (sizeof(struct job_entry) + 2) + 65536)

uint64_t
jobfile_size(uint64_t max_request)
{
	return max_request + OVERHEAD_BYTES;
}

int
jobfile_open(struct jobfile *f, uint64_t max_request)
{
	memset(f, 0, sizeof(*f));
	f->size = (size_t)jobfile_size(max_request);
	f->fd = fd_memfd("job");
	if (f->fd < 0)
		return f->fd;
	if (ftruncate(f->fd, (off_t)f->size) < 0)
		return err_from_errno(errno);
	f->map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
	    0);
	if (f->map != MAP_FAILED)
		return 0;
	f->map = NULL;
	return err_from_errno(errno);
}

static void
unmap(struct jobfile *f)
{
	if (f->map != NULL)
		(void)munmap(f->map, f->size);
	f->map = NULL;
}

void
jobfile_close(struct jobfile *f)
{
	unmap(f);
	fd_close(&f->fd);
}

unsigned char *
jobfile_room(struct jobfile *f, size_t *n)
{
	*n = f->size - f->len;
	return f->map + f->len;
}

void
jobfile_advance(struct jobfile *f, size_t n)
{
	f->len += n;
}

int
jobfile_append(struct jobfile *f, struct view bytes)
{
	if (bytes.len > f->size - f->len)
		return ERR_LIMIT;
	if (bytes.len != 0)
		memcpy(f->map + f->len, bytes.ptr, bytes.len);
	f->len += bytes.len;
	return 0;
}

/* A string with its NUL; *bytes is its length with it, 0 for NULL. */
static int
append_string(struct jobfile *f, const char *s, uint32_t *bytes)
{
	*bytes = s != NULL ? (uint32_t)strlen(s) + 1 : 0;
	return jobfile_append(f, view_of(s, *bytes));
}

static int
append_argv(struct jobfile *f, char *const *argv, struct job_header *h)
{
	for (; argv[h->argc] != NULL; h->argc++) {
		uint32_t bytes;
		int r = append_string(f, argv[h->argc], &bytes);

		if (r < 0)
			return r;
		h->argv_bytes += bytes;
	}
	return 0;
}

int
jobfile_head(struct jobfile *f, uint32_t protocol, char *const *argv,
    const char *cdir, const char *output, const char *deps)
{
	struct job_header h = { .magic = MSG_CONFIG_MAGIC,
	    .protocol = protocol };
	int r;

	f->len = sizeof(h);
	if ((r = append_argv(f, argv, &h)) < 0 ||
	    (r = append_string(f, cdir, &h.cdir_bytes)) < 0 ||
	    (r = append_string(f, output, &h.output_bytes)) < 0 ||
	    (r = append_string(f, deps, &h.deps_bytes)) < 0)
		return r;
	memcpy(f->map, &h, sizeof(h));
	return 0;
}

int
jobfile_begin(struct jobfile *f, enum job_entry_kind kind, const char *name)
{
	struct job_entry e = { .kind = kind };
	size_t at = f->len;
	int r;

	if ((r = jobfile_append(f, view_of(&e, sizeof(e)))) < 0 ||
	    (r = append_string(f, name, &e.name_bytes)) < 0)
		return r;
	memcpy(f->map + at, &e, sizeof(e));
	f->entry_at = at;
	return 0;
}

void
jobfile_end(struct jobfile *f)
{
	struct job_entry e;

	memcpy(&e, f->map + f->entry_at, sizeof(e));
	e.len = f->len - f->entry_at - sizeof(e) - e.name_bytes;
	memcpy(f->map + f->entry_at, &e, sizeof(e));
	f->nentries++;
}

int
jobfile_seal(struct jobfile *f)
{
	memcpy(f->map + offsetof(struct job_header, nentries), &f->nentries,
	    sizeof(f->nentries));
	unmap(f);
	if (ftruncate(f->fd, (off_t)f->len) < 0)
		return err_from_errno(errno);
	return fd_seal(f->fd);
}
