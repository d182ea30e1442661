/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/chan.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "policy/cmdline.h"
#include "server/jail/init.h"
#include "server/jail/job.h"

#define WORK_DIR	"/w"	/* where protocols 1 and 2 compile */
#define EXIT_NOT_STARTED 125	/* the child could not exec */

struct run {
	const struct jail_plan *plan;
	uint32_t id;
	const char *root;	/* "", or the directory of a reduced jail */
	const struct init_context *ctx;
	struct msg_compile msg;
	struct view memory;	/* the job memfd, mapped read-only */
	int memfd;
	struct job job;
	char cwd[PATH_MAX];
	int stdout_fd, stderr_fd;	/* files without names */
	struct msg_compiled answer;
	int out_fds[CHAN_FDS_MAX];	/* in MSG_FD_* order */
	size_t nout;
};

static void
refuse(struct run *run, enum msg_end end, const char *text)
{
	run->answer.end = end;
	(void)snprintf(run->answer.text, sizeof(run->answer.text), "%s", text);
}

static int
receive(struct run *run)
{
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	struct stat st;
	void *p;
	ssize_t n = chan_recv(JAIL_CHAN_FD, &run->msg, sizeof(run->msg), fds,
	    &nfds);

	if (n != (ssize_t)sizeof(run->msg) || nfds != 1 ||
	    run->msg.head.type != MSG_RUN)
		return ERR_PROTOCOL;
	run->memfd = fds[0];
	if (!fd_is_sealed(run->memfd) || fstat(run->memfd, &st) < 0 ||
	    st.st_size <= 0 || (uint64_t)st.st_size > MSG_JOB_MAX_BYTES)
		return ERR_PROTOCOL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, run->memfd,
	    0);
	if (p == MAP_FAILED)
		return err_from_errno(errno);
	run->memory = view_of(p, (size_t)st.st_size);
	return job_parse(run->memory, &run->job);
}

/* Judge the command line again: the worker may have been taken over. */
static int
judge(struct run *run)
{
	const struct msg_config *config = run->ctx->config;
	char why[CMDLINE_WHY_BYTES];
	int r;

	if (run->msg.compiler == MSG_COMPILER_ANY && config->any_command)
		return 0;
	if (run->msg.compiler >= config->ncompilers)
		return ERR_PROTOCOL;
	r = cmdline_judge(run->job.argv, (enum compiler_family)
	    config->compilers[run->msg.compiler].family, run->job.protocol,
	    why);
	if (r < 0)
		refuse(run, MSG_END_REFUSED, why);
	return r;
}

/* Where a name of the job is in this jail. */
static int
locate(const struct run *run, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s%s", run->root, name) >= PATH_MAX ?
	    ERR_LIMIT : 0;
}

/* Make every directory above path's last component. */
static int
make_parents(const char *path)
{
	char dir[PATH_MAX];
	size_t len = strlen(path);

	if (path[0] != '/' || len >= sizeof(dir))
		return ERR_LIMIT;
	memcpy(dir, path, len + 1);
	for (char *p = dir + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (mkdir(dir, 0777) < 0 && errno != EEXIST &&
		    errno != EROFS)
			return err_from_errno(errno);
	}
	return 0;
}

static int
copy_range(int to, int from, uint64_t offset, uint64_t len)
{
	off_t at = (off_t)offset;

	while (len != 0) {
		ssize_t n = sendfile(to, from, &at, (size_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_from_errno(errno) : ERR_TRUNCATED;
		len -= (uint64_t)n;
	}
	return 0;
}

static int
put_file(struct run *run, const struct job_file *f, const char *path)
{
	AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_from_errno(errno);
	return copy_range(fd, run->memfd, f->offset, f->contents.len);
}

static int
put_link(const struct job_file *f, const char *path)
{
	char target[PATH_MAX];

	if (f->contents.len == 0 || f->contents.len >= sizeof(target) ||
	    view_has_nul(f->contents))
		return ERR_SYNTAX;
	memcpy(target, f->contents.ptr, f->contents.len);
	target[f->contents.len] = '\0';
	return symlink(target, path) < 0 ? err_from_errno(errno) : 0;
}

/*
 * "This directory of mine is yours" (P-037): the tool chain's is in its place, or
 * there is none.
 */
static bool
is_own_place(const struct job_file *f)
{
	return f->kind == JOB_SYSTEM_LINK &&
	    f->contents.len == strlen(f->name) &&
	    memcmp(f->contents.ptr, f->name, f->contents.len) == 0;
}

static int
put_entry(struct run *run, const struct job_file *f)
{
	char path[PATH_MAX];
	int r = locate(run, f->name, path);

	if (is_own_place(f))
		return 0;
	if (r == 0)
		r = make_parents(path);
	if (r < 0)
		return r;
	return f->kind == JOB_FILE ? put_file(run, f, path) :
	    put_link(f, path);
}

/*
 * Lay out the client's files.  A name that the tool chain has as well is an
 * error of the request: which of the two the compiler would read must never be
 * a surprise.
 */
static int
put_entries(struct run *run)
{
	char shown[256], text[MSG_TEXT_BYTES];
	struct job_file f;
	int r;

	while ((r = job_next_entry(&run->job, run->memory, &f)) == 0) {
		if ((r = put_entry(run, &f)) == 0)
			continue;
		(void)snprintf(text, sizeof(text),
		    "cannot put %s into the job: %s",
		    log_escape(view_str(f.name), shown, sizeof(shown)),
		    err_text(r));
		refuse(run, r == ERR_LIMIT ? MSG_END_SCRATCH :
		    MSG_END_REFUSED, text);
		return r;
	}
	return r == ERR_CLOSED ? 0 : r;
}

static int
check_work_dir(struct run *run)
{
	if (run->job.cdir != NULL && run->root[0] != '\0') {
		refuse(run, MSG_END_REFUSED, "pump mode needs a full jail: "
		    "this server runs with --sandbox=reduced");
		return ERR_UNSUPPORTED;
	}
	return 0;
}

static int
enter_work_dir(struct run *run)
{
	char marker[PATH_MAX];
	int r;

	if ((r = locate(run, run->job.cdir != NULL ? run->job.cdir :
	    WORK_DIR, run->cwd)) < 0)
		return r;
	if (snprintf(marker, sizeof(marker), "%s/.", run->cwd) >=
	    (int)sizeof(marker))
		return ERR_LIMIT;
	if ((r = make_parents(marker)) < 0)
		return r;
	return chdir(run->cwd) < 0 ? err_from_errno(errno) : 0;
}

static int
new_output(const struct run *run)
{
	char dir[PATH_MAX];
	int r = locate(run, "/tmp", dir);
	int fd = r < 0 ? -1 : open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	return fd < 0 ? err_from_errno(errno) : fd;
}

static void exec_compiler(struct run *run) __attribute__((noreturn));

static void
exec_compiler(struct run *run)
{
	static char path_env[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	static char tmp_env[PATH_MAX + sizeof("TMPDIR=")];
	static char locale_env[] = "LC_ALL=C";
	static char library_env[sizeof("LD_LIBRARY_PATH=") +
	    sizeof(run->ctx->toolchain->library_path)];
	static char pwd_env[PATH_MAX + sizeof("PWD=")];
	char *env[] = { path_env, tmp_env, locale_env, pwd_env, NULL, NULL };
	const struct msg_config *config = run->ctx->config;
	const char *path = run->job.argv[0];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(run->stdout_fd, 1) < 0 ||
	    dup2(run->stderr_fd, 2) < 0)
		_exit(EXIT_NOT_STARTED);
	if (run->ctx->toolchain->library_path[0] != '\0') {
		(void)snprintf(library_env, sizeof(library_env),
		    "LD_LIBRARY_PATH=%s", run->ctx->toolchain->library_path);
		env[4] = library_env;
	}
	if (run->msg.compiler != MSG_COMPILER_ANY) {
		/* our own name for it, whatever path the client wrote */
		path = config->compilers[run->msg.compiler].path;
		run->job.argv[0] = (char *)(uintptr_t)path;
	}
	/* a path through links, as the client's compiler would write it */
	(void)snprintf(pwd_env, sizeof(pwd_env), "PWD=%s", run->cwd);
	(void)snprintf(tmp_env, sizeof(tmp_env), "TMPDIR=%s/tmp", run->root);
	(void)umask(022);
	if (jail_confine_compiler(run->plan, run->id, run->cwd) < 0)
		_exit(EXIT_NOT_STARTED);
	if (run->msg.compiler == MSG_COMPILER_ANY)
		execvpe(path, run->job.argv, env);
	else
		execve(path, run->job.argv, env);
	_exit(EXIT_NOT_STARTED);
}

/*
 * Wait for the compiler, then end everything it left behind: nothing may
 * change the results while they are read.
 */
static int
run_compiler(struct run *run, int *status)
{
	/*
	 * vfork: a copy of our page tables would only be thrown away.  The
	 * child touches nothing that we need after it has called exec.
	 */
	pid_t pid = vfork(), ended;
	bool seen = false;
	int st;

	if (pid == 0)
		exec_compiler(run);
	if (pid < 0)
		return err_from_errno(errno);
	for (;;) {
		ended = wait4(-1, &st, 0, NULL);
		if (ended == pid) {
			*status = st;
			seen = true;
			jail_kill_job(run->plan, pid);
		} else if (ended < 0 && errno != EINTR) {
			break;
		}
	}
	return seen ? 0 : ERR_SYS;
}

/* Copy a result into a sealed memfd, so that the scratch can go at once. */
static int
add_result(struct run *run, int from, uint64_t len, uint32_t flag)
{
	AUTOFD fd = fd_memfd("result");
	int r;

	if (fd < 0)
		return fd;
	if ((r = copy_range(fd, from, 0, len)) < 0 || (r = fd_seal(fd)) < 0)
		return r;
	run->out_fds[run->nout++] = fd_take(&fd);
	run->answer.fds |= flag;
	return 0;
}

static int
add_messages(struct run *run, int from, uint32_t flag)
{
	uint64_t max = run->ctx->config->limits.max_messages;
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_from_errno(errno);
	/* one byte over the cap tells the worker that it was cut */
	return add_result(run, from, (uint64_t)st.st_size > max ? max + 1 :
	    (uint64_t)st.st_size, flag);
}

/* Open an output by name: it may by now be anything that a job can make. */
static int
add_output(struct run *run, const char *name, uint32_t flag)
{
	char path[PATH_MAX];
	AUTOFD fd = locate(run, name, path) < 0 ? -1 : open(path, O_RDONLY |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		refuse(run, MSG_END_OUTPUT, "the output is no regular file");
		return ERR_ACCESS;
	}
	if ((uint64_t)st.st_size > run->ctx->config->limits.max_output) {
		refuse(run, MSG_END_OUTPUT,
		    "the output is larger than --max-output allows");
		return ERR_LIMIT;
	}
	return add_result(run, fd, (uint64_t)st.st_size, flag);
}

static bool
scratch_is_full(void)
{
	struct statfs fs;

	return statfs(".", &fs) == 0 && fs.f_blocks != 0 &&
	    (fs.f_bfree < 16 || fs.f_ffree == 0);
}

static void
collect(struct run *run, int status)
{
	run->answer.end = MSG_END_EXIT;
	run->answer.status = (uint32_t)status;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_STARTED) {
		refuse(run, MSG_END_FAILED,
		    "the compiler could not be started");
		return;
	}
	if (status != 0 && scratch_is_full())
		refuse(run, MSG_END_SCRATCH,
		    "the job filled its scratch space (--max-scratch)");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
		refuse(run, MSG_END_SCRATCH,
		    "a file outgrew the scratch space (--max-scratch)");
	if (add_messages(run, run->stderr_fd, MSG_FD_STDERR) < 0 ||
	    add_messages(run, run->stdout_fd, MSG_FD_STDOUT) < 0) {
		refuse(run, MSG_END_FAILED, "out of memory for the results");
		return;
	}
	if (status != 0)
		return;
	/* no object is no error of ours: -fsyntax-only makes none */
	if (add_output(run, run->job.output, MSG_FD_OBJECT) == 0 &&
	    run->job.deps != NULL)
		(void)!add_output(run, run->job.deps, MSG_FD_DEPS);
}

static void
send_answer(struct run *run)
{
	run->answer.head.type = MSG_RAN;
	run->answer.head.job = run->msg.head.job;
	if (chan_send(JAIL_CHAN_FD, &run->answer, sizeof(run->answer),
	    run->out_fds, run->nout) < 0)
		_exit(1);
}

static int
prepare(struct run *run)
{
	int r;

	/* the way to the working directory may be one of the job's links */
	if ((r = judge(run)) < 0 || (r = check_work_dir(run)) < 0 ||
	    (r = put_entries(run)) < 0 || (r = enter_work_dir(run)) < 0)
		return r;
	run->stdout_fd = new_output(run);
	run->stderr_fd = new_output(run);
	(void)close(run->memfd);
	return run->stdout_fd < 0 || run->stderr_fd < 0 ? ERR_LIMIT : 0;
}

static void
run_job(struct run *run)
{
	int status = 0;
	int r = prepare(run);

	if (r == 0)
		r = run_compiler(run, &status);
	if (r == 0)
		collect(run, status);
	else if (run->answer.end == MSG_END_EXIT)
		refuse(run, MSG_END_FAILED, err_text(r));
}

void
init_main(const struct jail_plan *plan, uint32_t id, void *arg)
{
	struct msg_plain ready = { { MSG_READY, 0 } };
	struct run run = { .plan = plan, .id = id,
	    .root = jail_root(plan, id), .ctx = arg, .memfd = -1,
	    .stdout_fd = -1, .stderr_fd = -1 };

	(void)umask(0);
	if (chan_send(JAIL_CHAN_FD, &ready, sizeof(ready), NULL, 0) < 0)
		_exit(1);
	if (receive(&run) < 0)
		_exit(1);
	run_job(&run);
	send_answer(&run);
	_exit(0);
}
