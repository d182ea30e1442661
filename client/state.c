/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/dirs.h"
#include "client/state.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define MAGIC		0x44494800u
#define PREFIX		"binstate_"
#define LIST_STEP	64
#define SLACK_S		2	/* clocks of files and processes differ */

/* ---- writing ---- */

static struct {
	const char *file;	/* borrowed; NULL: not known */
	int fd;			/* owns; -1: no file */
	bool is_own;		/* the file is ours alone: remove it */
	enum state_phase phase;	/* as written */
	char path[DIRS_PATH_BYTES];
} current = { .fd = -1 };

static const char *
base(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash != NULL ? slash + 1 : file;
}

/* The state file of a slot is called like its lock. */
static int
slot_path(const struct env *env, const struct host *host, unsigned int slot,
    char *path)
{
	char lock[DIRS_PATH_BYTES], tail[512];
	int r = dirs_lock(env, "cpu", host, slot, lock, sizeof(lock));
	int n;

	if (r < 0)
		return r;
	n = snprintf(tail, sizeof(tail), "/state/" PREFIX "%s", base(lock));
	return n < 0 || (size_t)n >= sizeof(tail) ? ERR_LIMIT :
	    dirs_top(env, path, DIRS_PATH_BYTES, tail);
}

static int
own_path(const struct env *env, char *path)
{
	char tail[64];

	(void)snprintf(tail, sizeof(tail), "/state/" PREFIX "%ld",
	    (long)getpid());
	return dirs_top(env, path, DIRS_PATH_BYTES, tail);
}

/* A whole record to current.path. */
static void
write_record(const struct env *env, enum state_phase phase, const char *host,
    unsigned int slot)
{
	struct state_record rec;

	current.phase = phase;
	memset(&rec, 0, sizeof(rec));	/* the gaps between members too */
	rec.size = sizeof(rec);
	rec.magic = MAGIC;
	rec.pid = (unsigned long)getpid();
	rec.slot = (int)slot;
	rec.phase = phase;
	if (current.file != NULL)
		(void)snprintf(rec.file, sizeof(rec.file), "%s",
		    base(current.file));
	(void)snprintf(rec.host, sizeof(rec.host), "%s", host);
	current.fd = dirs_open(env, current.path,
	    O_WRONLY | O_CREAT | O_CLOEXEC);
	if (current.fd >= 0 &&
	    pwrite(current.fd, &rec, sizeof(rec), 0) != (ssize_t)sizeof(rec))
		log_debug("cannot write %s", current.path);
}

void
state_file(const char *file)
{
	current.file = file;
}

void
state_blocked(const struct env *env)
{
	if (current.fd >= 0 || own_path(env, current.path) < 0)
		return;
	current.is_own = true;
	write_record(env, STATE_BLOCKED, "", 0);
}

void
state_start(const struct env *env, enum state_phase phase,
    const struct host *host, unsigned int slot)
{
	state_end();
	if (slot_path(env, host, slot, current.path) < 0)
		return;
	current.is_own = false;
	write_record(env, phase, host != NULL ? host->name : "localhost", slot);
}

void
state_phase(enum state_phase phase)
{
	unsigned int value = phase;

	if (current.fd < 0 || current.phase == phase)
		return;
	current.phase = phase;
	if (pwrite(current.fd, &value, sizeof(value),
	    offsetof(struct state_record, phase)) != (ssize_t)sizeof(value))
		log_debug("cannot write %s", current.path);
}

void
state_end(void)
{
	if (current.fd < 0)
		return;
	if (current.is_own)
		(void)unlink(current.path);
	else
		state_phase(STATE_DONE);
	fd_close(&current.fd);
}

/* ---- reading ---- */

static void
make_printable(char text[STATE_TEXT_BYTES])
{
	text[STATE_TEXT_BYTES - 1] = '\0';
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

int
state_decode(const void *p, size_t len, struct state_record *rec)
{
	if (len < sizeof(*rec))
		return ERR_TRUNCATED;
	memcpy(rec, p, sizeof(*rec));
	if (rec->size != sizeof(*rec) || rec->magic != MAGIC ||
	    rec->phase >= STATE_PHASES || rec->slot < 0 || rec->pid == 0 ||
	    rec->pid > INT32_MAX)
		return ERR_SYNTAX;
	make_printable(rec->file);
	make_printable(rec->host);
	return 0;
}

const char *
state_phase_name(unsigned int phase)
{
	static const char *const names[STATE_PHASES] = {
		"Startup", "Blocked", "Connect", "Preprocess", "Send",
		"Compile", "Receive", "Done",
	};

	return phase < STATE_PHASES ? names[phase] : "?";
}

/* The wall-clock second in which a process started; -1: not known. */
static time_t
start_time(unsigned long pid)
{
	char path[64], text[1024];
	const char *p;
	unsigned long long ticks;
	struct timespec up, now;
	AUTOFD fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%lu/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* behind the name, which may hold anything: field 22, in ticks */
	p = strrchr(text, ')');
	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p == NULL || sscanf(p, "%llu", &ticks) != 1)
		return -1;
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - up.tv_sec +
	    (time_t)(ticks / (unsigned long long)sysconf(_SC_CLK_TCK));
}

/*
 * Whether the process that wrote the file still runs.  One that started after
 * the last write merely has the same number.
 */
static bool
is_running(const struct state_record *rec, const struct stat *st)
{
	time_t started;

	if (kill((pid_t)rec->pid, 0) < 0 && errno == ESRCH)
		return false;
	started = start_time(rec->pid);
	return started < 0 || st->st_mtime + SLACK_S >= started;
}

static int
read_one(int dir, const char *name, struct state_record *rec)
{
	unsigned char bytes[sizeof(*rec)];
	AUTOFD fd = openat(dir, name,
	    O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ERR_NOENT;
	n = read(fd, bytes, sizeof(bytes));
	r = n < 0 ? ERR_SYS : state_decode(bytes, (size_t)n, rec);
	if (r < 0)
		return r;
	return rec->phase != STATE_DONE && is_running(rec, &st) ? 0 :
	    ERR_NOENT;
}

static int
compare(const void *pa, const void *pb)
{
	const struct state_record *a = pa, *b = pb;
	int r = strcmp(a->host, b->host);

	if (r == 0 && a->slot != b->slot)
		r = a->slot < b->slot ? -1 : 1;
	if (r == 0 && a->pid != b->pid)
		r = a->pid < b->pid ? -1 : 1;
	return r;
}

static void
read_all(DIR *dir, struct state_record **list, size_t *n)
{
	const struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		if (*n % LIST_STEP == 0)
			*list = mem_realloc(*list, *n + LIST_STEP,
			    sizeof(**list));
		if (read_one(dirfd(dir), d->d_name, &(*list)[*n]) == 0)
			(*n)++;
	}
}

int
state_list(const struct env *env, struct state_record **list, size_t *n)
{
	char path[DIRS_PATH_BYTES];
	DIR *dir;
	int r = dirs_top(env, path, sizeof(path), "/state");

	*list = NULL;
	*n = 0;
	if (r < 0)
		return r;
	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT ? 0 : err_from_errno(errno);
	read_all(dir, list, n);
	(void)closedir(dir);
	if (*n > 1)
		qsort(*list, *n, sizeof(**list), compare);
	return 0;
}
