/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/cgroup.h"

#define PREFIX	"distccd."	/* our directory: PREFIX, pid, random number */
#define CLAIM_TRIES	8
#define LEAF	"daemon"	/* v2: where our own processes move to */

/* One hierarchy in use: v2 has one, v1 one a controller. */
struct hierarchy {
	const char *controller;	/* "memory", "pids"; "" in v2 */
	int fd;			/* our directory */
	int parent;		/* the directory above it */
};

#define KEPT_MAX	1024	/* ids below it may be kept */
#define KEEP_BYTES	(1024UL * 1024)	/* charged memory of a kept group */

static struct {
	bool is_kept[KEPT_MAX];
	/* the kernel only counts up: what was there before the present jail */
	unsigned long oom[KEPT_MAX], processes[KEPT_MAX];
	enum cgroup_kind kind;
	struct hierarchy at[2];
	size_t n;
	char name[32];
} state;

static int
write_at(int dir, const char *file, const char *text)
{
	AUTOFD fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_from_errno(errno);
	return 0;
}

static int
write_number_at(int dir, const char *file, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return write_at(dir, file, text);
}

static int
read_at(int dir, const char *file, char *text, size_t size)
{
	AUTOFD fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		return err_from_errno(errno);
	text[n] = '\0';
	return 0;
}

/* The number behind a word in "word N\n" lines; 0 when it is not there. */
static unsigned long
counter(const char *text, const char *word)
{
	const char *p = text;
	size_t len = strlen(word);

	while (p != NULL && *p != '\0') {
		if (strncmp(p, word, len) == 0 && p[len] == ' ')
			return strtoul(p + len + 1, NULL, 10);
		p = strchr(p, '\n');
		if (p != NULL)
			p++;
	}
	return 0;
}

/* Our cgroup's path in a hierarchy, from /proc/self/cgroup: "N:LIST:PATH". */
static int
own_path(const char *controller, char *path, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 64];
	int r = ERR_NOENT;

	if (f == NULL)
		return ERR_NOENT;
	while (r != 0 && fgets(line, sizeof(line), f) != NULL) {
		char *list = strchr(line, ':'), *p, *word, *save = NULL;

		if (list == NULL || (p = strchr(list + 1, ':')) == NULL)
			continue;
		*p++ = '\0';
		p[strcspn(p, "\n")] = '\0';
		list++;
		if (controller[0] == '\0') {
			if (list[0] == '\0')
				r = 0;
		} else {
			for (word = strtok_r(list, ",", &save); word != NULL;
			    word = strtok_r(NULL, ",", &save))
				if (strcmp(word, controller) == 0)
					r = 0;
		}
		if (r == 0 && snprintf(path, size, "%s", p) >= (int)size)
			r = ERR_LIMIT;
	}
	(void)fclose(f);
	return r;
}

/* Where a hierarchy is mounted, from /proc/self/mounts. */
static int
mount_point(const char *controller, char *path, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[PATH_MAX * 2];
	int r = ERR_NOENT;

	if (f == NULL)
		return ERR_NOENT;
	while (r != 0 && fgets(line, sizeof(line), f) != NULL) {
		char *save = NULL;
		char *dev = strtok_r(line, " ", &save);
		char *dir = strtok_r(NULL, " ", &save);
		char *type = strtok_r(NULL, " ", &save);
		char *opts = strtok_r(NULL, " ", &save);
		char *word;

		if (dev == NULL || opts == NULL)
			continue;
		if (controller[0] == '\0') {
			if (strcmp(type, "cgroup2") == 0)
				r = 0;
		} else if (strcmp(type, "cgroup") == 0) {
			for (word = strtok_r(opts, ",", &save); word != NULL;
			    word = strtok_r(NULL, ",", &save))
				if (strcmp(word, controller) == 0)
					r = 0;
		}
		if (r == 0 && snprintf(path, size, "%s", dir) >= (int)size)
			r = ERR_LIMIT;
	}
	(void)fclose(f);
	return r;
}

static int
open_own(const char *controller)
{
	char mount[PATH_MAX], path[PATH_MAX], whole[PATH_MAX * 2];
	int r, fd;

	if ((r = mount_point(controller, mount, sizeof(mount))) < 0 ||
	    (r = own_path(controller, path, sizeof(path))) < 0)
		return r;
	(void)snprintf(whole, sizeof(whole), "%s%s", mount, path);
	fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)	/* a container: the path is another namespace's */
		fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_from_errno(errno) : fd;
}

/* Remove the groups of one left-over daemon: its jails', then its own. */
static void
remove_tree(int parent, const char *name)
{
	AUTOFD fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d;
	struct dirent *e;

	if (fd >= 0 && (d = fdopendir(dup(fd))) != NULL) {
		while ((e = readdir(d)) != NULL)
			if (e->d_type == DT_DIR && e->d_name[0] != '.')
				(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
		(void)closedir(d);
	}
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

/*
 * A directory is in use as long as its maker holds a lock on it.  (A pid would
 * not tell: daemons in several containers may share this hierarchy.)
 */
static int
open_locked(int parent, const char *name)
{
	AUTOFD fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ?
	    err_from_errno(errno) : fd_take(&fd);
}

static void
remove_stale(int parent)
{
	DIR *d = fdopendir(dup(parent));
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		AUTOFD fd = -1;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		fd = open_locked(parent, e->d_name);
		if (fd >= 0)
			remove_tree(parent, e->d_name);
	}
	(void)closedir(d);
}

static bool
is_still(int parent, const char *name, int fd)
{
	struct stat a, b;

	return fstatat(parent, name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(fd, &b) == 0 && a.st_ino == b.st_ino;
}

/* Another daemon may take ours for stale before we have locked it. */
static int
make_own(int parent)
{
	for (int i = 0; i < CLAIM_TRIES; i++) {
		AUTOFD fd = -1;

		if (mkdirat(parent, state.name, 0755) < 0)
			return err_from_errno(errno);
		fd = open_locked(parent, state.name);
		if (fd >= 0 && is_still(parent, state.name, fd))
			return fd_take(&fd);
	}
	return ERR_BUSY;
}

static int
claim(struct hierarchy *h, const char *controller)
{
	AUTOFD parent = open_own(controller);

	if (parent < 0)
		return parent;
	remove_stale(parent);
	h->fd = make_own(parent);
	if (h->fd < 0)
		return h->fd;
	h->controller = controller;
	h->parent = fd_take(&parent);
	return 0;
}

static void
release(struct hierarchy *h)
{
	fd_close(&h->fd);
	remove_tree(h->parent, state.name);
	fd_close(&h->parent);
}

/*
 * v2: controllers reach a group's children only if the group itself holds no
 * process.  Delegated, our own group holds the daemon alone, so its processes
 * move to a leaf beside the jails'.
 */
static int
open_v2(const char **why)
{
	struct hierarchy *h = &state.at[0];
	char text[256], pids[4096];
	int r;

	if ((r = claim(h, "")) < 0) {
		*why = "cgroup v2 is not mounted or not delegated to us";
		return r;
	}
	*why = "cgroup v2 lacks the memory or the pids controller here";
	r = ERR_UNSUPPORTED;
	if (read_at(h->parent, "cgroup.controllers", text, sizeof(text)) == 0 &&
	    strstr(text, "memory") != NULL && strstr(text, "pids") != NULL) {
		*why = "cgroup v2: our group holds processes of others";
		(void)mkdirat(h->parent, LEAF, 0755);
		if (read_at(h->parent, "cgroup.procs", pids,
		    sizeof(pids)) == 0) {
			char *save = NULL;

			for (char *p = strtok_r(pids, "\n", &save); p != NULL;
			    p = strtok_r(NULL, "\n", &save))
				(void)write_at(h->parent, LEAF "/cgroup.procs",
				    p);
		}
		r = write_at(h->parent, "cgroup.subtree_control",
		    "+memory +pids");
		if (r == 0)
			r = write_at(h->fd, "cgroup.subtree_control",
			    "+memory +pids");
		/* weight is worth having, and no reason to do without */
		(void)write_at(h->parent, "cgroup.subtree_control", "+cpu");
		(void)write_at(h->fd, "cgroup.subtree_control", "+cpu");
	}
	if (r < 0) {
		release(h);
		return r;
	}
	state.n = 1;
	return 0;
}

static int
open_v1(const char **why)
{
	static const char *const controllers[] = { "memory", "pids" };
	int r;

	for (size_t i = 0; i < 2; i++) {
		r = claim(&state.at[i], controllers[i]);
		if (r < 0) {
			*why = "no cgroup hierarchy that we may write";
			if (i == 1)
				release(&state.at[0]);
			return r;
		}
	}
	state.n = 2;
	return 0;
}

enum cgroup_kind
cgroup_open(const char **why)
{
	const char *v2 = "";
	uint32_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		*why = "no random number";
		return CGROUP_NONE;
	}
	(void)snprintf(state.name, sizeof(state.name), PREFIX "%d.%08x",
	    (int)getpid(), number);
	*why = "";
	if (open_v2(&v2) == 0)
		state.kind = CGROUP_V2;
	else if (open_v1(why) == 0)
		state.kind = CGROUP_V1;
	else
		*why = v2;
	return state.kind;
}

void
cgroup_close(void)
{
	for (size_t i = 0; i < state.n; i++)
		release(&state.at[i]);
	state.n = 0;
	state.kind = CGROUP_NONE;
}

static const char *
name_of(uint32_t id, char name[16])
{
	(void)snprintf(name, 16, "j%u", id);
	return name;
}

static int
set_limits(int dir, const struct hierarchy *h,
    const struct cgroup_limits *limits)
{
	int r = 0;

	if (state.kind == CGROUP_V2) {
		if ((r = write_number_at(dir, "memory.max",
		    limits->memory)) < 0 ||
		    (r = write_number_at(dir, "pids.max",
		    limits->processes)) < 0)
			return r;
		/* absent on kernels without swap accounting or the feature */
		(void)write_at(dir, "memory.swap.max", "0");
		(void)write_at(dir, "memory.oom.group", "1");
		(void)write_at(dir, "cpu.weight", "100");
		return 0;
	}
	if (strcmp(h->controller, "memory") == 0) {
		r = write_number_at(dir, "memory.limit_in_bytes",
		    limits->memory);
		(void)write_number_at(dir, "memory.memsw.limit_in_bytes",
		    limits->memory);
	} else {
		r = write_number_at(dir, "pids.max", limits->processes);
	}
	return r;
}

int
cgroup_make(uint32_t id, const struct cgroup_limits *limits, int *clone_fd)
{
	char name[16];
	bool is_new = id >= KEPT_MAX || !state.is_kept[id];
	int r;

	*clone_fd = -1;
	(void)name_of(id, name);
	for (size_t i = 0; i < state.n; i++) {
		struct hierarchy *h = &state.at[i];
		AUTOFD dir = -1;

		if (!is_new && state.kind == CGROUP_V1)
			continue;
		if (is_new && mkdirat(h->fd, name_of(id, name), 0755) < 0)
			return err_from_errno(errno);
		dir = openat(h->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = dir < 0 ? err_from_errno(errno) :
		    is_new ? set_limits(dir, h, limits) : 0;
		if (r < 0) {
			if (cgroup_remove(id) < 0)
				log_warn("cgroup of jail %u stays", id);
			return r;
		}
		if (state.kind == CGROUP_V2)
			*clone_fd = fd_take(&dir);
	}
	return 0;
}

int
cgroup_attach(uint32_t id, pid_t pid)
{
	char name[16], file[40];
	int r;

	if (state.kind != CGROUP_V1)
		return 0;
	(void)snprintf(file, sizeof(file), "%s/cgroup.procs",
	    name_of(id, name));
	for (size_t i = 0; i < state.n; i++)
		if ((r = write_number_at(state.at[i].fd, file,
		    (uint64_t)pid)) < 0)
			return r;
	return 0;
}

static unsigned long
read_counter(size_t at, uint32_t id, const char *file, const char *word)
{
	char name[16], path[64], text[512];

	(void)snprintf(path, sizeof(path), "%s/%s", name_of(id, name), file);
	if (read_at(state.at[at].fd, path, text, sizeof(text)) < 0)
		return 0;
	return counter(text, word);
}

/* What a group holds still, in bytes. */
static unsigned long
read_charge(uint32_t id)
{
	char name[16], path[64], text[32];

	(void)snprintf(path, sizeof(path), "%s/%s", name_of(id, name),
	    state.kind == CGROUP_V2 ? "memory.current" :
	    "memory.usage_in_bytes");
	if (read_at(state.at[0].fd, path, text, sizeof(text)) < 0)
		return KEEP_BYTES + 1;
	return strtoul(text, NULL, 10);
}

int
cgroup_finish(uint32_t id, struct cgroup_events *out)
{
	const char *memory = state.kind == CGROUP_V2 ? "memory.events" :
	    "memory.oom_control";
	unsigned long oom, processes;

	*out = (struct cgroup_events){ false, false };
	if (state.kind == CGROUP_NONE)
		return 0;
	oom = read_counter(0, id, memory, "oom_kill");
	processes = read_counter(state.n - 1, id, "pids.events", "max");
	if (id >= KEPT_MAX) {
		*out = (struct cgroup_events){ oom != 0, processes != 0 };
		return cgroup_remove(id);
	}
	out->oom = oom > state.oom[id];
	out->processes = processes > state.processes[id];
	state.oom[id] = oom;
	state.processes[id] = processes;
	state.is_kept[id] = true;
	return read_charge(id) > KEEP_BYTES ? cgroup_remove(id) : 0;
}

int
cgroup_remove(uint32_t id)
{
	char name[16];
	int r = 0;

	for (size_t i = 0; i < state.n; i++)
		if (unlinkat(state.at[i].fd, name_of(id, name),
		    AT_REMOVEDIR) < 0 && errno != ENOENT)
			r = err_from_errno(errno);
	if (id < KEPT_MAX && r == 0) {
		state.is_kept[id] = false;
		state.oom[id] = state.processes[id] = 0;
	}
	return r;
}
