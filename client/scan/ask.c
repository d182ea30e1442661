/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/scan/ask.h"
#include "client/scan/msg.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define STRING_(x)	#x
#define STRING(x)	STRING_(x)
#define SOCKET_NAME	"scand-" STRING(MSG_VERSION)
#define LOCK_NAME	"scand.lock"
#define ANSWER_MS	20000	/* a busy daemon may have others before us */
#define ROUNDS_MAX	8
#define BACKLOG		128
#define DAEMON_FD	3	/* where the daemon finds its socket */

/* ---- the directory --------------------------------------------------- */

static int
private_dir(const char *base, const char *name, char *path, size_t size)
{
	struct stat st;
	int n;

	if (base == NULL || base[0] != '/')
		return ERR_NOENT;
	n = snprintf(path, size, "%s/%s", base, name);
	if (n < 0 || (size_t)n >= size || (size_t)n +
	    sizeof("/" SOCKET_NAME) > sizeof(((struct sockaddr_un *)0)->
	    sun_path))
		return ERR_LIMIT;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_from_errno(errno);
	if (lstat(path, &st) < 0)
		return err_from_errno(errno);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0)
		return ERR_ACCESS;
	return 0;
}

int
ask_dir(const char *runtime_dir, const char *distcc_dir, char *path,
    size_t size)
{
	int r = private_dir(runtime_dir, "distcc-scan", path, size);

	if (r == 0 || r == ERR_ACCESS)
		return r;
	if (distcc_dir != NULL)
		(void)mkdir(distcc_dir, 0777);
	return private_dir(distcc_dir, "scan", path, size);
}

static int
socket_addr(const char *dir, struct sockaddr_un *sa)
{
	int n;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	n = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/%s", dir,
	    SOCKET_NAME);
	return n < 0 || (size_t)n >= sizeof(sa->sun_path) ? ERR_LIMIT : 0;
}

/* ---- connecting and starting ----------------------------------------- */

static int
connect_to(const struct sockaddr_un *sa)
{
	/* while as many wait to be let in as may: it never is if the daemon
	 * has been stopped */
	static const struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };
	AUTOFD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) < 0)
		return err_from_errno(errno);
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		return errno == ECONNREFUSED ? ERR_NOENT :
		    err_from_errno(errno);
	return fd_take(&fd);
}

/*
 * The daemon forks at once and its first process ends, so that nobody has to
 * wait for it; the listening socket is there before it runs.
 */
static int
spawn_daemon(const char *daemon, int listen_fd)
{
	char *argv[] = { (char *)(uintptr_t)daemon,
	    (char *)(uintptr_t)"--listening", NULL };
	char *env[] = { (char *)(uintptr_t)"LC_ALL=C", NULL };
	posix_spawn_file_actions_t fa;
	int e, i, status;
	pid_t pid;

	if ((e = posix_spawn_file_actions_init(&fa)) != 0)
		return err_from_errno(e);
	for (i = 0; e == 0 && i < DAEMON_FD; i++)
		e = posix_spawn_file_actions_addopen(&fa, i, "/dev/null",
		    i == 0 ? O_RDONLY : O_WRONLY, 0);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&fa, listen_fd,
		    DAEMON_FD);
	if (e == 0)
		e = posix_spawn(&pid, daemon, &fa, NULL, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	if (e != 0)
		return err_from_errno(e);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_from_errno(errno);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : ERR_SYS;
}

static int
listen_at(const struct sockaddr_un *sa)
{
	AUTOFD low = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTOFD fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, DAEMON_FD + 1);

	if (fd < 0)
		return err_from_errno(errno);
	if (unlink(sa->sun_path) < 0 && errno != ENOENT)
		return err_from_errno(errno);
	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return err_from_errno(errno);
	return fd_take(&fd);
}

/* Under the lock: the daemon that somebody else just started, or ours. */
static int
start_locked(const struct ask_where *w, const struct sockaddr_un *sa)
{
	int fd = connect_to(sa), r;
	AUTOFD listening = -1;

	if (fd >= 0)
		return fd;
	if ((listening = listen_at(sa)) < 0)
		return listening;
	if ((r = spawn_daemon(w->daemon, listening)) < 0) {
		(void)unlink(sa->sun_path);
		return r;
	}
	return connect_to(sa);
}

static int
start(const struct ask_where *w, const struct sockaddr_un *sa)
{
	AUTOFREE char *name = mem_printf("%s/%s", w->dir, LOCK_NAME);
	AUTOFD lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);

	if (lock < 0)
		return err_from_errno(errno);
	while (flock(lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_from_errno(errno);
	return start_locked(w, sa);
}

/* A connection to the daemon, which is started if it is not there. */
static int
reach(const struct ask_where *w)
{
	struct sockaddr_un sa;
	int r;

	if (w->dir == NULL)
		return ERR_NOENT;
	if ((r = socket_addr(w->dir, &sa)) < 0)
		return r;
	r = connect_to(&sa);
	if (r == ERR_NOENT && w->daemon != NULL)
		r = start(w, &sa);
	return r;
}

int
ask_start(const struct ask_where *w)
{
	int fd = reach(w);

	if (fd < 0)
		return fd;
	fd_close(&fd);
	return 0;
}

int
ask_stop(const struct ask_where *w)
{
	const struct ask_where running = { w->dir, NULL };
	struct buf b = BUF_INIT(MSG_HEADER_BYTES);
	AUTOFD fd = reach(&running);
	char byte;
	int r;

	if (fd < 0)
		return fd;
	r = msg_begin(&b, MSG_STOP);
	if (r == 0)
		r = fd_write_all(fd, b.ptr, b.len, clock_ms() + ANSWER_MS);
	buf_free(&b);
	if (r == 0 && fd_read_some(fd, &byte, 1, clock_ms() + ANSWER_MS) !=
	    ERR_CLOSED)
		r = ERR_PROTOCOL;
	return r;
}

/* ---- the daemon's answer --------------------------------------------- */

static int
receive(int fd, enum msg_kind *kind, struct buf *body)
{
	unsigned char head[MSG_HEADER_BYTES];
	int64_t deadline = clock_ms() + ANSWER_MS;
	size_t len;
	int r;

	if ((r = fd_read_exact(fd, head, sizeof(head), deadline)) < 0 ||
	    (r = msg_get_header(head, kind, &len)) < 0 ||
	    (r = buf_reserve(body, len)) < 0)
		return r;
	body->len = len;
	return len != 0 ? fd_read_exact(fd, body->ptr, len, deadline) : 0;
}

/* Sends what b holds and waits for a message of the kind that must follow. */
static int
exchange(int fd, struct buf *b, enum msg_kind expected, struct buf *body)
{
	enum msg_kind kind;
	int r;

	msg_end(b, 0);
	r = fd_write_all(fd, b->ptr, b->len, clock_ms() + ANSWER_MS);
	if (r == 0)
		r = receive(fd, &kind, body);
	if (r == 0 && kind == MSG_REFUSED)
		return ERR_ACCESS;
	return r == 0 && kind != expected ? ERR_PROTOCOL : r;
}

/* The same, for an answer. */
static int
exchange_answer(int fd, struct buf *b, struct scan_answer *a)
{
	struct buf body = BUF_INIT(MSG_BODY_MAX_BYTES);
	struct view v;
	int r = exchange(fd, b, MSG_ANSWER, &body);

	if (r == 0) {
		v = buf_view(&body);
		r = msg_get_answer(&v, a);
	}
	buf_free(&body);
	return r;
}

static int
remote_scan(int fd, const struct scan_request *req,
    const struct msg_place *place, struct scan_answer *a)
{
	struct buf b = BUF_INIT(MSG_BODY_MAX_BYTES);
	int r;

	if ((r = msg_begin(&b, MSG_SCAN)) == 0 &&
	    (r = msg_put_request(&b, req, place)) == 0)
		r = exchange_answer(fd, &b, a);
	buf_free(&b);
	return r;
}

static int
remote_learn(int fd, const struct scan_request *req,
    const struct msg_place *place, struct view queries, struct view text)
{
	struct buf b = BUF_INIT(MSG_BODY_MAX_BYTES);
	struct buf body = BUF_INIT(MSG_BODY_MAX_BYTES);
	int r;

	if ((r = msg_begin(&b, MSG_LEARN)) == 0 &&
	    (r = msg_put_request(&b, req, place)) == 0 &&
	    (r = msg_put_bytes(&b, queries)) == 0 &&
	    (r = msg_put_bytes(&b, text)) == 0)
		r = exchange(fd, &b, MSG_DONE, &body);
	buf_free(&b);
	buf_free(&body);
	return r;
}

static int
remote_name(int fd, const struct scan_answer *a, struct scan_answer *named)
{
	struct buf b = BUF_INIT(MSG_BODY_MAX_BYTES);
	int r;

	if ((r = msg_begin(&b, MSG_NAME)) == 0 &&
	    (r = msg_put_numbers(&b, a)) == 0)
		r = exchange_answer(fd, &b, named);
	buf_free(&b);
	return r;
}

int
ask_name(const struct ask_where *w, struct scan_answer *a)
{
	const struct ask_where running = { w->dir, NULL };
	struct scan_answer named = { .n = 0 };
	AUTOFD fd = reach(&running);
	int r = fd < 0 ? fd : remote_name(fd, a, &named);

	if (r == 0 && named.n != a->nnumbers)
		r = ERR_PROTOCOL;
	for (size_t i = 0; r == 0 && i < named.n; i++)
		(void)scan_answer_add(a, &named.entries[i]);
	a->is_named = r == 0;
	scan_answer_free(&named);
	return r;
}

/* ---- rounds of questions --------------------------------------------- */

/* Who scans: the daemon at fd, or a scanner of our own. */
struct side {
	int fd;
	struct scan *scan;
	struct msg_place place;
};

static int
one_scan(struct side *s, const struct scan_request *req,
    struct scan_answer *a)
{
	return s->scan != NULL ? scan_command(s->scan, req, a) :
	    remote_scan(s->fd, req, &s->place, a);
}

/* A compiler that shows no macros says why; text ends with a NUL. */
static void
explain(struct scan_answer *a, const char *text)
{
	const char *error = strstr(text, "error: "), *line = text;

	for (const char *p = text; error != NULL && p < error; p++)
		if (*p == '\n')
			line = p + 1;
	scan_answer_free(a);
	*a = (struct scan_answer){ .outcome = SCAN_UNSURE };
	(void)snprintf(a->why, sizeof(a->why), "the compiler shows no macros%s"
	    "%.*s", error != NULL ? ": " : "", error != NULL ?
	    (int)strcspn(line, "\n") : 0, line);
}

/* returns ERR_UNSUPPORTED: it cannot be asked; the answer is that */
static int
probe(struct side *s, const struct scan_request *req, struct scan_answer *a)
{
	struct view queries = buf_view(&a->queries);
	struct buf text;
	int r;

	r = scan_probe(req, queries, &text);
	if (r == 0 && text.ptr[text.len - 1] == '\0') {
		explain(a, (const char *)text.ptr);
		r = ERR_UNSUPPORTED;
	}
	if (r == 0)
		r = s->scan != NULL ?
		    scan_learn(s->scan, req, queries, buf_view(&text)) :
		    remote_learn(s->fd, req, &s->place, queries,
		    buf_view(&text));
	buf_free(&text);
	return r;
}

static int
rounds(struct side *s, const struct scan_request *req, struct scan_answer *a)
{
	unsigned int i;
	int r;

	for (i = 0; i < ROUNDS_MAX; i++) {
		memset(a, 0, sizeof(*a));
		if ((r = one_scan(s, req, a)) < 0 ||
		    a->outcome != SCAN_NEEDS)
			return r;
		if ((r = probe(s, req, a)) == ERR_UNSUPPORTED)
			return 0;
		scan_answer_free(a);
		if (r < 0)
			return r;
	}
	return ERR_PROTOCOL;
}

int
ask_scan(const struct ask_where *w, const struct scan_request *req,
    struct scan_answer *a)
{
	struct side s = { .fd = -1 };
	struct scan_request whole = *req;
	int r;

	memset(a, 0, sizeof(*a));
	if ((r = msg_place_of(req->cwd, &s.place)) < 0)
		return r;
	s.fd = reach(w);
	if (s.fd >= 0) {
		r = rounds(&s, req, a);
		fd_close(&s.fd);
		if (r == 0)
			return 0;
		scan_answer_free(a);
		log_info("include scanner: %s; scanning without it",
		    err_text(r));
	}
	s.scan = scan_new(0);
	whole.is_brief = false;		/* nobody is left to be asked then */
	r = rounds(&s, &whole, a);
	scan_free(s.scan);
	return r;
}
