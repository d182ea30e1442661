/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "policy/compiler.h"
#include "server/listener/compilers.h"

#define DEFAULT_PATH	"/usr/local/bin:/usr/bin"
#define LINE_MAX_BYTES	1024

/* stock's masquerade directories: their names are looked up on the path */
static const char *const masquerade_dirs[] = {
	"/usr/lib/distcc", "/usr/lib/distcc/bin",
};

/* programs that only look like compilers: they would call one elsewhere */
static const char *const wrappers[] = {
	"distcc", "distccd", "ccache", "icecc", "sccache", "colorgcc",
};

/* --- may this file be run? ---------------------------------------------- */

static bool
is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/*
 * Every directory above path: in a directory that others can write, only the
 * sticky bit keeps them from replacing what is not theirs.
 */
static bool
are_dirs_safe(const char *path)
{
	AUTOFREE char *dir = mem_strdup(path);
	char *slash;
	struct stat st;

	while ((slash = strrchr(dir, '/')) != NULL) {
		slash[slash == dir ? 1 : 0] = '\0';
		if (stat(dir, &st) < 0 || !is_trusted(st.st_uid))
			return false;
		if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
		    (st.st_mode & S_ISVTX) == 0)
			return false;
		if (slash == dir)
			return true;
	}
	return false;
}

static bool
is_wrapper(const char *base)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		if (strcmp(wrappers[i], base) == 0)
			return true;
	return false;
}

static bool
is_elf(const char *file)
{
	AUTOFD fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char magic[4];

	return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	    memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

int
compilers_check_file(const char *path, char file[1024], const char **why)
{
	char resolved[PATH_MAX];
	struct stat st;

	*why = "there is no such file";
	if (realpath(path, resolved) == NULL || stat(resolved, &st) < 0)
		return ERR_NOENT;
	*why = "its path is too long";
	if (strlen(resolved) >= 1024)
		return ERR_ACCESS;
	*why = "it leads to a wrapper, not to a compiler";
	if (is_wrapper(compiler_base(resolved)))
		return ERR_ACCESS;
	*why = "it is no regular file";
	if (!S_ISREG(st.st_mode))
		return ERR_ACCESS;
	*why = "others own it or can write it";
	if (!is_trusted(st.st_uid) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ERR_ACCESS;
	*why = "others own or can write a directory on the way to it";
	if (!are_dirs_safe(resolved) || !are_dirs_safe(path))
		return ERR_ACCESS;
	*why = "it is a script or can't be executed";
	if ((st.st_mode & S_IXUSR) == 0 || !is_elf(resolved))
		return ERR_ACCESS;
	memcpy(file, resolved, strlen(resolved) + 1);
	return 0;
}

/* --- the list ------------------------------------------------------------ */

static bool
has_name(const struct msg_config *c, const char *name)
{
	for (uint32_t i = 0; i < c->ncompilers; i++)
		if (strcmp(c->compilers[i].name, name) == 0)
			return true;
	return false;
}

/* "cc" may lead to either; what it leads to is named by what it is, as a rule. */
static enum compiler_family
family_of(const char *path, const char *file)
{
	const char *base = compiler_base(file);

	return compiler_family(compiler_name_is_known(base) ? base :
	    compiler_base(path));
}

/* Add path under name, unless it is there already or may not be run. */
static void
add_compiler(struct msg_config *c, const char *name, const char *path)
{
	struct msg_compiler *m;
	const char *why;

	if (has_name(c, name))
		return;
	if (c->ncompilers == MSG_COMPILERS_MAX ||
	    strlen(name) >= sizeof(m->name) || strlen(path) >= sizeof(m->path)) {
		log_warnx("compiler %s left out: the list is full or the name "
		    "too long", path);
		return;
	}
	m = &c->compilers[c->ncompilers];
	if (compilers_check_file(path, m->file, &why) < 0) {
		log_debug("compiler %s left out: %s", path, why);
		return;
	}
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	(void)snprintf(m->path, sizeof(m->path), "%s", path);
	m->family = (uint32_t)family_of(path, m->file);
	c->ncompilers++;
	log_debug("compiler %s is %s (%s)", name, path, m->file);
}

static void
add_in_dir(struct msg_config *c, const char *dir, const char *name)
{
	AUTOFREE char *path = mem_printf("%s/%s", dir, name);

	if (access(path, F_OK) == 0)
		add_compiler(c, name, path);
}

/* Everything in a directory that is named like a compiler. */
static void
scan_dir(struct msg_config *c, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (compiler_name_is_known(e->d_name))
			add_in_dir(c, dir, e->d_name);
	(void)closedir(d);
}

/* Call one(c, dir, arg) for each absolute directory of the search path. */
static void
each_path_dir(struct msg_config *c,
    void (*one)(struct msg_config *, const char *, const char *),
    const char *arg)
{
	const char *path = getenv("DISTCCD_PATH");
	AUTOFREE char *copy = mem_strdup(path != NULL && *path != '\0' ?
	    path : DEFAULT_PATH);
	char *rest = copy, *dir;

	while ((dir = strsep(&rest, ":")) != NULL)
		if (dir[0] == '/')
			one(c, dir, arg);
}

static void
scan_path_dir(struct msg_config *c, const char *dir, const char *arg)
{
	(void)arg;
	scan_dir(c, dir);
}

static void
find_on_path(struct msg_config *c, const char *dir, const char *name)
{
	add_in_dir(c, dir, name);
}

static void
add_masqueraded(struct msg_config *c, const char *masquerade)
{
	DIR *d = opendir(masquerade);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			each_path_dir(c, find_on_path, e->d_name);
	(void)closedir(d);
}

/* --- DISTCC_CMDLIST ------------------------------------------------------ */

/* The last n components of path; NULL if it has fewer. */
static const char *
last_words(const char *path, uint32_t n)
{
	const char *p = path + strlen(path);

	while (n > 0 && p > path) {
		p--;
		if (*p == '/' && --n == 0)
			return p + 1;
	}
	return NULL;
}

static int
read_numwords(uint32_t *n)
{
	const char *text = getenv("DISTCC_CMDLIST_NUMWORDS");

	*n = 1;
	if (text == NULL || *text == '\0')
		return 0;
	if (text[0] < '1' || text[0] > '9' || text[1] != '\0') {
		log_errx("DISTCC_CMDLIST_NUMWORDS: \"%s\" is not 1 to 9", text);
		return ERR_SYNTAX;
	}
	*n = (uint32_t)(text[0] - '0');
	return 0;
}

static void
add_listed(struct msg_config *c, char *line)
{
	const char *name;

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return;
	if (line[0] != '/' ||
	    (name = last_words(line, c->name_words)) == NULL) {
		log_warnx("DISTCC_CMDLIST: \"%s\" left out: no absolute path "
		    "of enough words", line);
		return;
	}
	add_compiler(c, name, line);
	if (!has_name(c, name))
		log_warnx("DISTCC_CMDLIST: %s can't be used; --verbose says "
		    "why", line);
}

static int
read_cmdlist(struct msg_config *c, const char *file)
{
	FILE *f = fopen(file, "re");
	char line[LINE_MAX_BYTES];

	if (f == NULL) {
		log_err("DISTCC_CMDLIST: can't read %s", file);
		return err_from_errno(errno);
	}
	if (read_numwords(&c->name_words) < 0) {
		(void)fclose(f);
		return ERR_SYNTAX;
	}
	while (fgets(line, sizeof(line), f) != NULL)
		add_listed(c, line);
	(void)fclose(f);
	return 0;
}

/* --- toolchains ---------------------------------------------------------- */

static int
add_toolchains(struct msg_config *c, const struct options *o)
{
	struct stat st;

	for (size_t i = 0; i < o->ntoolchains; i++) {
		const char *dir = o->toolchains[i];
		AUTOFREE char *bin = mem_printf("%s/bin", dir);

		if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
			log_errx("--toolchain: %s is no directory", dir);
			return ERR_NOENT;
		}
		(void)snprintf(c->toolchains[c->ntoolchains++],
		    sizeof(c->toolchains[0]), "%s", dir);
		if (getenv("DISTCC_CMDLIST") == NULL) {
			scan_dir(c, dir);
			scan_dir(c, bin);
		}
	}
	return 0;
}

int
compilers_find(struct msg_config *c, const struct options *o)
{
	const char *cmdlist = getenv("DISTCC_CMDLIST");
	int r;

	c->ncompilers = 0;
	c->name_words = 1;
	if (cmdlist != NULL && *cmdlist != '\0') {
		if ((r = read_cmdlist(c, cmdlist)) < 0)
			return r;
		return add_toolchains(c, o);
	}
	each_path_dir(c, scan_path_dir, NULL);
	for (size_t i = 0; i < sizeof(masquerade_dirs) /
	    sizeof(masquerade_dirs[0]); i++)
		add_masqueraded(c, masquerade_dirs[i]);
	return add_toolchains(c, o);
}
