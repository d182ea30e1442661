/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/find.h"
#include "lib/mem.h"
#include "policy/compiler.h"

#define DEFAULT_PATH	"/usr/local/bin:/usr/bin:/bin"

/* A link whose target is called distcc, whoever's, … */
static bool
links_to_distcc(const char *file)
{
	char target[PATH_MAX];
	ssize_t n = readlink(file, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	return strcmp(compiler_base(target), "distcc") == 0;
}

/* … or this very program under another name. */
static bool
is_this_program(const char *file)
{
	static struct stat self;	/* looked up once */
	struct stat st;

	if (self.st_ino == 0 && stat("/proc/self/exe", &self) < 0)
		return false;
	return stat(file, &st) == 0 && st.st_ino == self.st_ino &&
	    st.st_dev == self.st_dev;
}

/* in      room: enough for each word of PATH, "/", word */
static void
join(char *room, const char *dir, size_t len, const char *word)
{
	if (len == 0) {		/* an empty word of PATH is "." */
		dir = ".";
		len = 1;
	}
	memcpy(room, dir, len);
	room[len] = '/';
	memcpy(room + len + 1, word, strlen(word) + 1);
}

static bool
is_us(const char *file)
{
	return links_to_distcc(file) || is_this_program(file);
}

/* What is left of PATH: the directories before this one that were not passed
 * over, and everything from this one on. */
struct kept {
	char *path;		/* owns: room for all of PATH */
	size_t len;
	bool has_passed;
};

static void
keep(struct kept *k, const char *dir, size_t len)
{
	memcpy(k->path + k->len, dir, len);
	k->len += len;
	k->path[k->len++] = ':';
}

static void
finish(struct find *out, const char *file, struct kept *k, const char *rest)
{
	out->file = mem_strdup(file);
	if (!k->has_passed)
		return;
	memcpy(k->path + k->len, rest, strlen(rest) + 1);
	out->path = k->path;
	k->path = NULL;
}

static int
search(const char *dir, const char *word, char *file, struct kept *k,
    struct find *out)
{
	for (;;) {
		size_t len = strcspn(dir, ":");

		join(file, dir, len, word);
		if (access(file, X_OK) != 0) {
			keep(k, dir, len);
		} else if (is_us(file)) {
			k->has_passed = true;
		} else {
			finish(out, file, k, dir);
			return 0;
		}
		if (dir[len] == '\0')
			return ERR_NOENT;
		dir += len + 1;
	}
}

int
find_program(const struct env *env, const char *word, struct find *out)
{
	const char *dir = env->path != NULL ? env->path : DEFAULT_PATH;
	size_t len = strlen(dir);
	AUTOFREE char *file = NULL;
	struct kept k = { NULL, 0, false };
	int r;

	*out = (struct find){ NULL, NULL };
	if (strchr(word, '/') != NULL) {
		out->file = mem_strdup(word);
		return 0;
	}
	file = mem_calloc(1, len + strlen(word) + sizeof("./"));
	k.path = mem_calloc(1, len + sizeof(":"));
	r = search(dir, word, file, &k, out);
	free(k.path);
	return r;
}

void
find_free(struct find *f)
{
	free(f->file);
	free(f->path);
	*f = (struct find){ NULL, NULL };
}

bool
find_sibling(const char *file, const char *name)
{
	size_t dir = (size_t)(compiler_base(file) - file);
	AUTOFREE char *path = mem_printf("%.*s%s", (int)dir, file, name);

	return access(path, X_OK) == 0;
}
