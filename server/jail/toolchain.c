/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "server/jail/capture.h"
#include "lib/elf.h"
#include "server/jail/toolchain.h"

#define OUTPUT_MAX_BYTES	(256 * 1024)

/* Programs that a driver may start for -c and -S; ld is none of them. */
static const char *const gcc_programs[] = { "cc1", "cc1plus", "cc1obj",
    "cc1objplus", "as", "objcopy" };
static const char *const clang_programs[] = { "as", "objcopy" };

/* Where a driver looks for a program that it does not name by a path. */
static const char *const search_path[] = { "/usr/local/bin", "/usr/bin",
    "/bin" };

/* Directories that every dynamic loader searches unasked. */
static const char *const usual_lib_dirs[] = { "/lib", "/usr/lib", "/lib64",
    "/usr/lib64" };

struct state {
	const struct msg_config *config;
	struct rootfs *fs;
	struct toolchain *tc;
	struct capture_as as;
};

static bool
is_listed(char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

static void
add_data(struct state *st, const char *path)
{
	char real[PATH_MAX];

	if (realpath(path, real) == NULL ||
	    is_listed(st->tc->data, st->tc->ndata, real) ||
	    st->tc->ndata == TOOLCHAIN_PROGRAMS_MAX)
		return;
	if (rootfs_add_data(st->fs, path) < 0) {
		log_warnx("tool chain: cannot show %s", path);
		return;
	}
	st->tc->data[st->tc->ndata++] = mem_strdup(real);
}

/* Debian puts them one level deeper: /lib/x86_64-linux-gnu */
static bool
is_multiarch_dir(const char *dir)
{
	const char *name = strncmp(dir, "/usr", 4) == 0 ? dir + 4 : dir;

	return strncmp(name, "/lib/", 5) == 0 &&
	    strchr(name + 5, '/') == NULL &&
	    strstr(name + 5, "-linux-") != NULL;
}

static void
note_library_dir(struct state *st, const char *path)
{
	char dir[PATH_MAX], *list = st->tc->library_path;
	size_t len = strlen(list);
	char *slash;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(usual_lib_dirs) /
	    sizeof(usual_lib_dirs[0]); i++)
		if (strcmp(usual_lib_dirs[i], dir) == 0)
			return;
	if (is_multiarch_dir(dir))
		return;
	if (strstr(list, dir) == NULL &&
	    len + strlen(dir) + 2 < sizeof(st->tc->library_path))
		(void)snprintf(list + len,
		    sizeof(st->tc->library_path) - len, "%s%s",
		    len != 0 ? ":" : "", dir);
}

/* "\tlibx.so => /lib/libx.so (0x…)" or "\t/lib64/ld-linux.so.2 (0x…)" */
static void
add_library_line(struct state *st, char *line)
{
	char *path = strstr(line, "=> "), *end;

	path = path != NULL ? path + 3 : line + strspn(line, " \t");
	if (path[0] != '/')
		return;
	end = strstr(path, " (0x");
	if (end != NULL)
		*end = '\0';
	if (rootfs_add_library(st->fs, path) < 0) {
		log_warnx("tool chain: cannot show %s", path);
		return;
	}
	if (strstr(path, "libc.so") != NULL && st->tc->a_library == NULL)
		st->tc->a_library = mem_strdup(path);
	note_library_dir(st, path);
}

static int
add_libraries(struct state *st, const char *path)
{
	struct buf out = BUF_INIT(OUTPUT_MAX_BYTES);
	char interp[PATH_MAX], *save = NULL, *text;
	char *argv[] = { interp, (char *)(uintptr_t)"--list",
	    (char *)(uintptr_t)path, NULL };
	int r = elf_interpreter(path, interp, sizeof(interp));

	if (r < 0 || interp[0] == '\0')
		return r;
	if ((r = rootfs_add_library(st->fs, interp)) < 0)
		return r;
	if (!is_listed(st->tc->loaders, st->tc->nloaders, interp)) {
		if (st->tc->nloaders == sizeof(st->tc->loaders) /
		    sizeof(st->tc->loaders[0]))
			return ERR_LIMIT;
		st->tc->loaders[st->tc->nloaders++] = mem_strdup(interp);
	}
	r = capture_run(argv, &st->as, &out);
	text = r == 0 ? (char *)(uintptr_t)buf_str(&out) : NULL;
	if (text != NULL)
		for (char *line = strtok_r(text, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save))
			add_library_line(st, line);
	buf_free(&out);
	return r == 0 ? 0 : ERR_SYS;
}

static int
add_program(struct state *st, const char *path)
{
	char real[PATH_MAX];
	int r;

	if ((r = rootfs_add_program(st->fs, path)) < 0)
		return r;
	if (realpath(path, real) == NULL)
		return ERR_NOENT;
	if (is_listed(st->tc->programs, st->tc->nprograms, real))
		return 0;
	if (st->tc->nprograms == TOOLCHAIN_PROGRAMS_MAX)
		return ERR_LIMIT;
	if ((r = add_libraries(st, real)) < 0)
		return r;
	st->tc->programs[st->tc->nprograms++] = mem_strdup(real);
	return 0;
}

/* One line of what a compiler prints for a -print-… option. */
static int
ask(struct state *st, const char *compiler, const char *option, char *answer,
    size_t size)
{
	struct buf out = BUF_INIT(OUTPUT_MAX_BYTES);
	char *argv[] = { (char *)(uintptr_t)compiler,
	    (char *)(uintptr_t)option, NULL };
	int r = capture_run(argv, &st->as, &out);
	const char *text = r == 0 ? buf_str(&out) : NULL;

	answer[0] = '\0';
	if (text != NULL && strcspn(text, "\n") < size)
		(void)snprintf(answer, size, "%.*s",
		    (int)strcspn(text, "\n"), text);
	buf_free(&out);
	return r == 0 ? 0 : ERR_SYS;
}

static void
add_named_program(struct state *st, const char *compiler, const char *name)
{
	char option[64], answer[PATH_MAX], path[PATH_MAX];

	(void)snprintf(option, sizeof(option), "-print-prog-name=%s", name);
	if (ask(st, compiler, option, answer, sizeof(answer)) < 0)
		return;
	if (answer[0] == '/') {
		if (access(answer, X_OK) == 0 && add_program(st, answer) < 0)
			log_warnx("tool chain: cannot show %s", answer);
		return;
	}
	for (size_t i = 0; i < sizeof(search_path) / sizeof(search_path[0]);
	    i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", search_path[i],
		    name);
		if (access(path, X_OK) == 0 && add_program(st, path) == 0)
			return;
	}
}

/* The directories between the two lines that -v prints around them. */
static void
add_headers(struct state *st, const char *compiler, const char *language)
{
	struct buf out = BUF_INIT(OUTPUT_MAX_BYTES);
	char *argv[] = { (char *)(uintptr_t)compiler,
	    (char *)(uintptr_t)"-E", (char *)(uintptr_t)"-v",
	    (char *)(uintptr_t)"-x", (char *)(uintptr_t)language,
	    (char *)(uintptr_t)"/dev/null", NULL };
	char *text = capture_run(argv, &st->as, &out) == 0 ?
	    (char *)(uintptr_t)buf_str(&out) : NULL;
	char *save = NULL;
	bool inside = false;

	if (text != NULL)
		for (char *line = strtok_r(text, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save)) {
			if (strncmp(line, "#include <...>", 14) == 0)
				inside = true;
			else if (strncmp(line, "End of search", 13) == 0)
				inside = false;
			else if (inside && line[0] == ' ' && line[1] == '/')
				add_data(st, line + 1);
		}
	buf_free(&out);
}

/* gcc's own directory (specs, crtbegin.o), which clang looks for as well. */
static void
add_install_dir(struct state *st, const char *compiler)
{
	char answer[PATH_MAX], *slash;

	if (ask(st, compiler, "-print-libgcc-file-name", answer,
	    sizeof(answer)) < 0 || answer[0] != '/')
		return;
	slash = strrchr(answer, '/');
	if (slash == NULL || slash == answer)
		return;
	*slash = '\0';
	if (strstr(answer, "/gcc/") != NULL)
		add_data(st, answer);
}

static int
add_compiler(struct state *st, const char *path, enum compiler_family family)
{
	const char *const *names = family == FAMILY_CLANG ?
	    clang_programs : gcc_programs;
	size_t n = family == FAMILY_CLANG ?
	    sizeof(clang_programs) / sizeof(clang_programs[0]) :
	    sizeof(gcc_programs) / sizeof(gcc_programs[0]);
	char real[PATH_MAX];
	bool is_new;
	int r;

	if (realpath(path, real) == NULL)
		return ERR_NOENT;
	is_new = !is_listed(st->tc->programs, st->tc->nprograms, real);
	if ((r = add_program(st, path)) < 0 || !is_new)
		return r;
	if (family == FAMILY_OTHER)
		return 0;
	for (size_t i = 0; i < n; i++)
		add_named_program(st, path, names[i]);
	add_headers(st, path, "c");
	add_headers(st, path, "c++");
	add_install_dir(st, path);
	return 0;
}

int
toolchain_collect(const struct msg_config *config, struct rootfs *fs,
    struct toolchain *tc)
{
	struct state st = { .config = config, .fs = fs, .tc = tc,
	    .as = { (int)config->is_root, config->worker_uid,
	    config->worker_gid } };
	size_t usable = 0;
	int r;

	memset(tc, 0, sizeof(*tc));
	for (uint32_t i = 0; i < config->ncompilers; i++) {
		const struct msg_compiler *c = &config->compilers[i];

		r = add_compiler(&st, c->path, (enum compiler_family)c->family);
		if (r < 0)
			log_warnx("tool chain: %s cannot be used: %s", c->path,
			    err_text(r));
		else
			usable++;
	}
	for (uint32_t i = 0; i < config->ntoolchains; i++)
		add_data(&st, config->toolchains[i]);
	if (config->any_command) {
		static const char *const trees[] = { "/usr", "/bin", "/sbin",
		    "/lib", "/lib64", "/opt" };

		for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
			if (access(trees[i], F_OK) == 0 &&
			    rootfs_add_tree(fs, trees[i]) < 0)
				log_warnx("tool chain: cannot show %s",
				    trees[i]);
	}
	return usable != 0 ? 0 : ERR_NOENT;
}
