/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/asmtext.h"
#include "client/cpp.h"
#include "client/depsenv.h"
#include "client/slots.h"
#include "client/spawn.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "wire/limits.h"

void
cpp_init(struct cpp *c)
{
	*c = (struct cpp){ .pidfd = -1, .out = -1, .err = -1, .lock = -1 };
}

void
cpp_free(struct cpp *c)
{
	if (c->pid != 0)
		(void)spawn_wait(c->pid);
	if (c->text != NULL && c->len != 0) {
		union { const void *in; void *out; } p = { c->text };

		(void)munmap(p.out, c->len);
	}
	fd_close(&c->pidfd);
	fd_close(&c->out);
	fd_close(&c->err);
	fd_close(&c->lock);
	cpp_init(c);
}

static void
fail(struct cpp *c)
{
	c->is_done = true;
	c->has_failed = true;
}

/* Map what is in c->out, however it came there. */
static void
take_text(struct cpp *c)
{
	struct stat st;
	void *p;

	c->is_done = true;
	if (fstat(c->out, &st) < 0 || !S_ISREG(st.st_mode)) {
		c->has_failed = true;
		return;
	}
	if ((uintmax_t)st.st_size > WIRE_BODY_MAX_BYTES) {
		log_info("%s is too large to be sent", c->input);
		c->has_failed = true;
		return;
	}
	c->len = (size_t)st.st_size;
	c->text = "";
	if (c->len == 0)
		return;
	p = mmap(NULL, c->len, PROT_READ, MAP_SHARED, c->out, 0);
	if (p == MAP_FAILED) {
		fail(c);
		return;
	}
	c->text = p;
	c->reads_more = asmtext_reads_file(c->text, c->len);
	c->has_failed |= c->reads_more;
}

static void
open_input(struct cpp *c)
{
	c->out = open(c->input, O_RDONLY | O_CLOEXEC);
	if (c->out < 0)
		fail(c);
	else
		take_text(c);
}

static int
run(struct cpp *c, const struct args_source *src)
{
	struct args a;
	int r = args_preprocess(src, &a);

	if (r < 0)
		return r;
	c->out = fd_memfd("distcc-source");
	c->err = fd_memfd("distcc-messages");
	r = c->out < 0 || c->err < 0 ? ERR_SYS : 0;
	if (r == 0 && log_get_level() >= LOG_LVL_DEBUG) {
		AUTOFREE char *text = args_join(a.argv);

		log_debug("preprocess: %s", text);
	}
	if (r == 0) {
		depsenv_divert();
		r = spawn_start(src->file, a.argv, c->out, c->err, &c->pid);
		depsenv_restore();
	}
	args_free(&a);
	return r;
}

void
cpp_start(struct cpp *c, const struct env *env, const struct args_source *src,
    unsigned int slots)
{
	c->is_started = true;
	c->input = src->argv[src->scan->input];
	if (src->scan->is_preprocessed) {
		open_input(c);
		return;
	}
	slots_take_local(env, slots, &c->lock);
	if (run(c, src) < 0) {
		fd_close(&c->lock);
		fail(c);
		return;
	}
	/* without pidfds (Linux before 5.3) cpp_finish() simply waits */
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
}

/* DISTCC_SAVE_TEMPS: what would have been a temporary file elsewhere */
static void
save(const struct cpp *c, const struct env *env)
{
	AUTOFREE char *path = mem_printf("%s/distcc_XXXXXX.i",
	    env->tmpdir != NULL ? env->tmpdir : "/tmp");
	AUTOFD fd = mkostemps(path, 2, O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, c->text, c->len, -1) < 0)
		log_warn("cannot save the preprocessed source in %s", path);
	else
		log_notice("preprocessed source of %s saved in %s", c->input,
		    path);
}

void
cpp_finish(struct cpp *c, const struct env *env)
{
	if (c->is_done || !c->is_started)
		return;
	c->status = spawn_wait(c->pid);
	c->pid = 0;
	fd_close(&c->pidfd);
	fd_close(&c->lock);
	if (c->status != 0) {
		log_info("cpp %s on localhost failed", c->input);
		fail(c);
		return;
	}
	log_info("cpp %s on localhost completed ok", c->input);
	take_text(c);
	if (env->save_temps && !c->has_failed)
		save(c, env);
}

void
cpp_print_messages(struct cpp *c)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	if (c->err < 0)
		return;
	while ((n = pread(c->err, bytes, sizeof(bytes), at)) > 0) {
		if (fd_write_all(STDERR_FILENO, bytes, (size_t)n, -1) < 0)
			return;
		at += n;
	}
}
