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

static char *
join(const char *dir, size_t len, const char *word)
{
	if (len == 0)		/* an empty word of PATH is "." */
		return mem_printf("./%s", word);
	return mem_printf("%.*s/%s", (int)len, dir, word);
}

static void
append_dir(char **path, const char *dir, size_t len)
{
	char *longer = mem_printf("%s%s%.*s", *path != NULL ? *path : "",
	    *path != NULL ? ":" : "", (int)len, dir);

	free(*path);
	*path = longer;
}

/* What is left of PATH: the directories before this one that were not passed
 * over, and everything from this one on. */
static void
finish(struct find *out, char *file, char *kept, bool has_passed,
    const char *rest)
{
	out->file = file;
	out->path = NULL;
	if (has_passed) {
		append_dir(&kept, rest, strlen(rest));
		out->path = kept;
	} else {
		free(kept);
	}
}

int
find_program(const struct env *env, const char *word, struct find *out)
{
	const char *dir = env->path != NULL ? env->path : DEFAULT_PATH;
	char *kept = NULL;
	bool has_passed = false;

	*out = (struct find){ NULL, NULL };
	if (strchr(word, '/') != NULL) {
		out->file = mem_strdup(word);
		return 0;
	}
	for (;;) {
		size_t len = strcspn(dir, ":");
		char *file = join(dir, len, word);

		if (access(file, X_OK) != 0) {
			append_dir(&kept, dir, len);
		} else if (links_to_distcc(file) || is_this_program(file)) {
			has_passed = true;
		} else {
			finish(out, file, kept, has_passed, dir);
			return 0;
		}
		free(file);
		if (dir[len] == '\0')
			break;
		dir += len + 1;
	}
	free(kept);
	return ERR_NOENT;
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
