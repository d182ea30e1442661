/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * distcc-scand - the include scanner as a daemon, and by hand.
 *
 * Descriptor 3 is the listening socket when started by a client.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/scan/ask.h"
#include "client/scan/confine.h"
#include "client/scan/notice.h"
#include "client/scan/scan.h"
#include "client/scan/serve.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"

#define EXIT_FAILED	100
#define EXIT_BAD_USE	101
#define EXIT_UNSURE	120	/* local preprocessing is needed */
#define LISTEN_FD	3
#define FDS_MAX		8192
#define FDS_SPARE	64

enum todo { DO_NOTHING, DO_PRINT, DO_LISTEN, DO_START, DO_STOP, DO_STATUS };

struct settings {
	enum todo todo;
	bool prints_system;	/* files in the compiler's directories, too */
	bool prints_time;
	long repeat;
	bool wants_daemon;
	struct serve_options serve;
};

static int
set_print(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->todo = DO_PRINT;
	return 0;
}

static int
set_listening(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->todo = DO_LISTEN;
	return 0;
}

static int
set_start(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->todo = DO_START;
	return 0;
}

static int
set_stop(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->todo = DO_STOP;
	return 0;
}

static int
set_status(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->todo = DO_STATUS;
	return 0;
}

static int
set_all(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->prints_system = true;
	return 0;
}

static int
set_time(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->prints_time = true;
	return 0;
}

static int
set_daemon(void *target, const char *value)
{
	(void)value;
	((struct settings *)target)->wants_daemon = true;
	return 0;
}

static int
set_repeat(void *target, const char *value)
{
	return opt_number("repeat", value, 1, 1000000,
	    &((struct settings *)target)->repeat);
}

static int
set_idle(void *target, const char *value)
{
	return opt_number("idle", value, 1, 86400,
	    &((struct settings *)target)->serve.idle_s);
}

static int
set_memory(void *target, const char *value)
{
	return opt_number("memory", value, 1, 65536,
	    &((struct settings *)target)->serve.memory_mb);
}

static const struct opt options[] = {
	{ "print", 'p', OPT_NONE, NULL,
	    "print the files that the compile command behind -- could read",
	    set_print },
	{ "all", 'a', OPT_NONE, NULL,
	    "with --print: the compiler's own headers, too", set_all },
	{ "daemon", 'd', OPT_NONE, NULL,
	    "with --print: ask the daemon, starting it if need be",
	    set_daemon },
	{ "repeat", 0, OPT_REQUIRED, "N",
	    "with --print: scan N times", set_repeat },
	{ "time", 0, OPT_NONE, NULL,
	    "with --print: each scan's milliseconds to stderr", set_time },
	{ "start", 0, OPT_NONE, NULL, "start the daemon", set_start },
	{ "stop", 0, OPT_NONE, NULL, "end the daemon", set_stop },
	{ "status", 0, OPT_NONE, NULL,
	    "whether there is one; print its directory", set_status },
	{ "listening", 0, OPT_NONE, NULL, NULL, set_listening },
	{ "idle", 0, OPT_REQUIRED, "SECONDS",
	    "end after so long without a request", set_idle },
	{ "memory", 0, OPT_REQUIRED, "MB",
	    "forget everything above this size", set_memory },
};

#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

/* As many descriptors as we may have, but for those of clients. */
static size_t
raise_fds(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 0;
	lim.rlim_cur = lim.rlim_max < FDS_MAX ? lim.rlim_max : FDS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0 ||
	    lim.rlim_cur <= SERVE_CLIENTS_MAX + FDS_SPARE)
		return 0;
	return lim.rlim_cur - SERVE_CLIENTS_MAX - FDS_SPARE;
}

/* ---- the daemon ------------------------------------------------------ */

/* The directory of the socket we listen on, to remove its name at the end. */
static int
open_socket_dir(struct sockaddr_un *sa, const char **name)
{
	socklen_t len = sizeof(*sa) - 1;
	char *slash;

	memset(sa, 0, sizeof(*sa));
	if (getsockname(LISTEN_FD, (struct sockaddr *)sa, &len) < 0 ||
	    sa->sun_family != AF_UNIX ||
	    (slash = strrchr(sa->sun_path, '/')) == NULL ||
	    slash == sa->sun_path)
		return ERR_NOENT;
	*slash = '\0';
	*name = slash + 1;
	return open(sa->sun_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct socket_name {
	int dir;
	const char *name;
	struct stat ours;
};

/*
 * The name is removed only while it is still ours: a client that found us
 * dead may have put another daemon's socket there.
 */
static void
remove_socket(void *arg)
{
	struct socket_name *s = arg;
	struct stat st;

	if (s->dir >= 0 && fstatat(s->dir, s->name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == s->ours.st_ino &&
	    st.st_dev == s->ours.st_dev)
		(void)unlinkat(s->dir, s->name, 0);
}

/* Confined from here on, until idle or told to stop. */
static int
serve_confined(struct settings *s)
{
	struct socket_name at = { .dir = -1, .name = "" };
	struct sockaddr_un sa;
	int r;

	at.dir = open_socket_dir(&sa, &at.name);
	if (at.dir >= 0)
		(void)fstatat(at.dir, at.name, &at.ours, AT_SYMLINK_NOFOLLOW);
	s->serve.listen_fd = LISTEN_FD;
	s->serve.user = geteuid();
	s->serve.fds_max = raise_fds();
	s->serve.notices = notices_open();
	s->serve.ending = remove_socket;
	s->serve.arg = &at;
	if ((r = confine_self(at.dir)) < 0)
		log_errx("cannot confine the scanner: %s", err_text(r));
	else
		r = serve_run(&s->serve);
	notices_close(s->serve.notices);
	fd_close(&at.dir);
	return r;
}

static int
listen_as_daemon(struct settings *s)
{
	pid_t pid = fork();

	if (pid != 0)
		_exit(pid < 0 ? EXIT_FAILED : 0);
	(void)setsid();
	if (chdir("/") < 0)
		return EXIT_FAILED;
	fd_keep_only(LISTEN_FD + 1);
	return serve_confined(s) < 0 ? EXIT_FAILED : 0;
}

/* ---- by hand --------------------------------------------------------- */

static const char *
find_compiler(const char *word)
{
	const char *path = getenv("PATH"), *end;
	char *name;

	if (strchr(word, '/') != NULL)
		return realpath(word, NULL);
	for (; path != NULL && *path != '\0'; path = *end != '\0' ? end + 1 :
	    end) {
		end = strchrnul(path, ':');
		name = mem_printf("%.*s/%s", (int)(end - path), path, word);
		if (access(name, X_OK) == 0)
			return name;
		free(name);
	}
	return NULL;
}

static int
where(struct ask_where *w, char *dir, size_t size, char *self)
{
	AUTOFREE char *fallback = NULL;
	const char *distcc_dir = getenv("DISTCC_DIR"), *home = getenv("HOME");
	ssize_t n;
	int r;

	if (distcc_dir == NULL && home != NULL)
		distcc_dir = fallback = mem_printf("%s/.distcc", home);
	r = ask_dir(getenv("XDG_RUNTIME_DIR"), distcc_dir, dir, size);
	if (r < 0)
		return r;
	n = readlink("/proc/self/exe", self, size - 1);
	if (n < 0)
		return err_from_errno(errno);
	self[n] = '\0';
	w->dir = dir;
	w->daemon = self;
	return 0;
}

static int
scan_once(const struct settings *s, const struct ask_where *w,
    const struct scan_request *req, struct scan_answer *a)
{
	int64_t start = clock_us();
	int r = ask_scan(w, req, a);

	if (s->prints_time)
		(void)fprintf(stderr, "%.3f ms, %zu directives\n",
		    (double)(clock_us() - start) / 1000, a->directives);
	return r;
}

/* One scanner for all repetitions, to see what remembering gains. */
static int
scan_here(const struct settings *s, const struct scan_request *req,
    struct scan *scan, struct scan_answer *a)
{
	struct buf text;
	int64_t start;
	int r;

	for (;;) {
		start = clock_us();
		r = scan_command(scan, req, a);
		if (r == 0 && s->prints_time)
			(void)fprintf(stderr, "%.3f ms, %zu directives\n",
			    (double)(clock_us() - start) / 1000,
			    a->directives);
		if (r < 0 || a->outcome != SCAN_NEEDS)
			return r;
		r = scan_probe(req, buf_view(&a->queries), &text);
		if (r == 0)
			r = scan_learn(scan, req, buf_view(&a->queries),
			    buf_view(&text));
		buf_free(&text);
		scan_answer_free(a);
		if (r < 0)
			return r;
	}
}

static int
repeat(const struct settings *s, const struct scan_request *req,
    struct scan_answer *a)
{
	struct scan *scan = scan_new(raise_fds());
	long i;
	int r = 0;

	memset(a, 0, sizeof(*a));
	for (i = 0; r == 0 && i < s->repeat; i++) {
		scan_answer_free(a);
		r = scan_here(s, req, scan, a);
	}
	scan_free(scan);
	return r;
}

static int
print(const struct settings *s, char **argv)
{
	char dir[108], self[4096];
	struct ask_where w = { NULL, NULL };
	struct scan_request req = { .argv = argv, .env = environ };
	struct scan_answer a;
	AUTOFREE char *cwd = getcwd(NULL, 0);
	int r = 0;

	if (argv[0] == NULL || (req.compiler = find_compiler(argv[0])) == NULL)
		return EXIT_BAD_USE;
	req.cwd = cwd;
	if (s->wants_daemon)
		r = where(&w, dir, sizeof(dir), self);
	if (r == 0)
		r = s->wants_daemon ? scan_once(s, &w, &req, &a) :
		    repeat(s, &req, &a);
	free((void *)(uintptr_t)req.compiler);
	if (r < 0) {
		log_errx("cannot scan: %s", err_text(r));
		return EXIT_FAILED;
	}
	if (a.outcome == SCAN_UNSURE)
		(void)fprintf(stderr, "unsure: %s\n", a.why);
	else
		scan_answer_print(&a, s->prints_system);
	r = a.outcome == SCAN_UNSURE ? EXIT_UNSURE : 0;
	scan_answer_free(&a);
	return r;
}

static int
control(const struct settings *s)
{
	char dir[108], self[4096];
	struct ask_where w = { NULL, NULL };
	int r = where(&w, dir, sizeof(dir), self);

	if (r == 0 && s->todo == DO_STATUS) {
		w.daemon = NULL;
		(void)puts(dir);
		return ask_start(&w) == 0 ? 0 : EXIT_FAILED;
	}
	if (r == 0)
		r = s->todo == DO_START ? ask_start(&w) : ask_stop(&w);
	if (r < 0)
		log_errx("%s", err_text(r));
	return r < 0 ? EXIT_FAILED : 0;
}

int
main(int argc, char **argv)
{
	struct settings s = { .repeat = 1,
	    .serve = { .idle_s = 600, .memory_mb = 1024 } };
	int first;

	log_init("distcc-scand");
	(void)signal(SIGPIPE, SIG_IGN);
	if (opt_parse(options, NOPTIONS, argc, argv, &s, &first) < 0)
		return EXIT_BAD_USE;
	switch (s.todo) {
	case DO_PRINT:
		return print(&s, argv + first);
	case DO_LISTEN:
		return listen_as_daemon(&s);
	case DO_START:
	case DO_STOP:
	case DO_STATUS:
		return control(&s);
	default:
		opt_print_help(options, NOPTIONS);
		return EXIT_BAD_USE;
	}
}
