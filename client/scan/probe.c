/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe - runs the compiler to ask it for its facts. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/scan/facts.h"
#include "client/scan/opts.h"
#include "client/scan/scan.h"
#include "lib/fd.h"
#include "lib/mem.h"

/* Variables that would change the search path, and the language of messages:
 * the scanner adds the former itself. */
static const char *const dropped_envs[] = {
	"CPATH=", "C_INCLUDE_PATH=", "CPLUS_INCLUDE_PATH=",
	"OBJC_INCLUDE_PATH=", "OBJCPLUS_INCLUDE_PATH=",
	"DEPENDENCIES_OUTPUT=", "SUNPRO_DEPENDENCIES=", "LC_ALL=",
	"LC_MESSAGES=", "LANG=", "LANGUAGE=",
};

static bool
is_dropped(const char *var)
{
	size_t i;

	for (i = 0; i < sizeof(dropped_envs) / sizeof(dropped_envs[0]); i++)
		if (strncmp(var, dropped_envs[i],
		    strlen(dropped_envs[i])) == 0)
			return true;
	return false;
}

static void
build_env(struct words *env, char *const *from)
{
	for (; from != NULL && *from != NULL; from++)
		if (!is_dropped(*from))
			opts_add_word(env, *from);
	opts_add_word(env, "LC_ALL=C");
	opts_add_word(env, NULL);
}

/* Whether a word leaves out directories of the compiler's own. */
static bool
leaves_out(const char *word)
{
	static const char *const words[] = { "-nostdinc", "-nostdinc++",
	    "-nostdlibinc", "-nobuiltininc" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static bool
leaves_any_out(const struct opts *o)
{
	for (size_t i = 0; i < o->keep.n; i++)
		if (leaves_out(o->keep.ptr[i]))
			return true;
	return false;
}

static void
build_argv(struct words *argv, const struct scan_request *req,
    const struct opts *o, bool has_all)
{
	size_t i;

	opts_add_word(argv, req->compiler);
	for (i = 0; i < o->keep.n; i++)
		if (!has_all || !leaves_out(o->keep.ptr[i]))
			opts_add_word(argv, o->keep.ptr[i]);
	opts_add_word(argv, "-E");
	opts_add_word(argv, "-dM");
	opts_add_word(argv, "-v");
	opts_add_word(argv, "-x");
	opts_add_word(argv, o->language);
	opts_add_word(argv, "-");
	opts_add_word(argv, NULL);
}

static int
spawn(const struct words *argv, const struct words *env, const char *cwd,
    const int fds[3], pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	int i, e;

	if ((e = posix_spawn_file_actions_init(&fa)) != 0)
		return err_from_errno(e);
	for (i = 0; e == 0 && i < 3; i++)
		e = posix_spawn_file_actions_adddup2(&fa, fds[i], i);
	if (e == 0)
		e = posix_spawn_file_actions_addchdir_np(&fa, cwd);
	if (e == 0)
		e = posix_spawn(pid, argv->ptr[0], &fa, NULL,
		    (char *const *)(uintptr_t)argv->ptr,
		    (char *const *)(uintptr_t)env->ptr);
	posix_spawn_file_actions_destroy(&fa);
	return e != 0 ? err_from_errno(e) : 0;
}

static int
await(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_from_errno(errno);
	/* it complains about some of our questions: its status says nothing */
	return WIFEXITED(status) ? 0 : ERR_SYS;
}

/* Appends all of fd, from its beginning. */
static int
append_file(struct buf *b, int fd)
{
	struct stat st;
	size_t size, done;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return err_from_errno(errno);
	size = (size_t)st.st_size;
	if ((r = buf_reserve(b, size)) < 0)
		return r;
	for (done = 0; done < size; done += (size_t)n) {
		n = pread(fd, b->ptr + b->len, size - done, (off_t)done);
		if (n <= 0)
			return ERR_SYS;
		b->len += (size_t)n;
	}
	return 0;
}

static int
run(const struct scan_request *req, const struct opts *o, bool has_all,
    int fds[3])
{
	struct words argv = { NULL, 0, 0 }, env = { NULL, 0, 0 };
	pid_t pid;
	int r;

	build_argv(&argv, req, o, has_all);
	build_env(&env, req->env);
	r = spawn(&argv, &env, req->cwd, fds, &pid);
	if (r == 0)
		r = await(pid);
	free(argv.ptr);
	free(env.ptr);
	return r;
}

/*
 * Appends what it says of a program, and then what it makes of it.
 * in      has_all: without what leaves_out()
 *         macros: NULL: not wanted
 */
static int
ask(const struct scan_request *req, const struct opts *o, bool has_all,
    struct view program, struct buf *messages, struct buf *macros)
{
	AUTOFD in = fd_memfd("probe");
	AUTOFD out = fd_memfd("macros");
	AUTOFD err = fd_memfd("messages");
	int fds[3] = { in, out, err };
	int r;

	if (in < 0 || out < 0 || err < 0)
		return ERR_SYS;
	if ((r = fd_write_all(in, program.ptr, program.len, -1)) < 0)
		return r;
	if (lseek(in, 0, SEEK_SET) < 0)
		return err_from_errno(errno);
	if ((r = run(req, o, has_all, fds)) < 0 ||
	    (r = append_file(messages, err)) < 0)
		return r;
	return macros != NULL ? append_file(macros, out) : 0;
}

/* The answer's parts, as facts.h has them. */
static int
ask_for(const struct scan_request *req, const struct opts *o,
    struct view program, struct buf *text)
{
	struct buf macros = BUF_INIT(FACTS_ANSWER_BYTES);
	int r = ask(req, o, false, program, text, &macros);

	if (r == 0 && leaves_any_out(o) &&
	    (r = buf_append_str(text, FACTS_ALL)) == 0)
		r = ask(req, o, true, view_of(NULL, 0), text, NULL);
	if (r == 0 && (r = buf_append(text, "", 1)) == 0)
		r = buf_append(text, macros.ptr, macros.len);
	buf_free(&macros);
	return r;
}

int
scan_probe(const struct scan_request *req, struct view queries,
    struct buf *text)
{
	struct buf program = BUF_INIT(FACTS_ANSWER_BYTES * 4);
	struct opts o;
	int r;

	buf_init(text, FACTS_ANSWER_BYTES);
	r = opts_parse(req, &o);
	if (r == 0)
		r = facts_program(queries, &program);
	if (r == 0)
		r = ask_for(req, &o, buf_view(&program), text);
	opts_free(&o);
	buf_free(&program);
	return r;
}
