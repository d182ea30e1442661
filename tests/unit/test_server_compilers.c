/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/listener/compilers.c */
#include "tests/unit/wire_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "server/listener/compilers.h"

static char dir[] = "/tmp/test-compilers-XXXXXX";

static char *
path(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

/* A file below dir with these bytes and this mode. */
static void
make(const char *name, const char *bytes, mode_t mode)
{
	AUTOFREE char *p = path(name);
	AUTOFD fd = open(p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, strlen(bytes), -1), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static void
make_dir(const char *name, mode_t mode)
{
	AUTOFREE char *p = path(name);

	assert_int_equal(mkdir(p, 0700), 0);
	assert_int_equal(chmod(p, mode), 0);
}

static void
make_link(const char *name, const char *target)
{
	AUTOFREE char *p = path(name);

	assert_int_equal(symlink(target, p), 0);
}

#define ELF	"\177ELF pretended"

static int
set_up(void **state)
{
	(void)state;
	log_set_level(LOG_LVL_CRITICAL);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	make_dir("bin", 0755);
	make("bin/gcc", ELF, 0755);
	make("bin/gcc-9", ELF, 0775);
	make("bin/gcc-8", ELF, 0757);
	make("bin/g++", "#!/bin/sh\n", 0755);
	make("bin/clang", ELF, 0644);
	make("bin/ld", ELF, 0755);
	make("bin/distcc", ELF, 0755);
	make_link("bin/cc", "gcc");
	make_link("bin/c++", "distcc");
	make_link("bin/clang++", "nowhere");
	make_dir("bin/x86_64-linux-gnu-gcc", 0755);
	make_dir("open", 0777);
	make("open/gcc", ELF, 0755);
	make_link("bin/gcc-7", "../open/gcc");
	make_dir("sticky", 01777);
	make("sticky/gcc", ELF, 0755);
	make_dir("more", 0755);
	make_dir("more/bin", 0755);
	make("more/bin/arm-none-eabi-gcc", ELF, 0755);
	make("more/bin/gcc", ELF, 0755);
	make_dir("llvm", 0755);
	make("llvm/clang-14", ELF, 0755);
	make("llvm/driver", ELF, 0755);
	make_link("llvm/gcc", "clang-14");
	make_link("llvm/clang", "driver");
	make_link("llvm/cc", "../bin/gcc");
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "bin/gcc", "bin/gcc-9",
		"bin/gcc-8", "bin/g++", "bin/clang", "bin/ld", "bin/distcc",
		"bin/cc", "bin/c++", "bin/clang++", "bin/gcc-7", "open/gcc",
		"sticky/gcc", "more/bin/arm-none-eabi-gcc", "more/bin/gcc",
		"list", "bin/x86_64-linux-gnu-gcc", "bin", "llvm/clang-14",
		"llvm/driver", "llvm/gcc", "llvm/clang", "llvm/cc", "llvm", "open", "sticky",
		"more/bin", "more", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		AUTOFREE char *p = path(names[i]);

		(void)remove(p);
	}
	return 0;
}

static int
check(const char *name)
{
	AUTOFREE char *p = path(name);
	char file[1024];
	const char *why;

	return compilers_check_file(p, file, &why);
}

static void
test_which_files_may_run(void **state)
{
	(void)state;
	assert_int_equal(check("bin/gcc"), 0);
	assert_int_equal(check("bin/cc"), 0);
	assert_int_equal(check("sticky/gcc"), 0);
	assert_int_equal(check("bin/gcc-9"), ERR_ACCESS);
	assert_int_equal(check("bin/gcc-8"), ERR_ACCESS);
	assert_int_equal(check("bin/g++"), ERR_ACCESS);
	assert_int_equal(check("bin/clang"), ERR_ACCESS);
	assert_int_equal(check("bin/c++"), ERR_ACCESS);
	assert_int_equal(check("bin/clang++"), ERR_NOENT);
	assert_int_equal(check("bin/x86_64-linux-gnu-gcc"), ERR_ACCESS);
	assert_int_equal(check("open/gcc"), ERR_ACCESS);
	assert_int_equal(check("bin/gcc-7"), ERR_ACCESS);
}

static void
test_others_files(void **state)
{
	AUTOFREE char *p = path("bin/gcc");

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(p, 12345, 0), 0);
	assert_int_equal(check("bin/gcc"), ERR_ACCESS);
	assert_int_equal(chown(p, 0, 0), 0);
	assert_int_equal(check("bin/gcc"), 0);
}

static bool
has(const struct msg_config *c, const char *name)
{
	for (uint32_t i = 0; i < c->ncompilers; i++)
		if (strcmp(c->compilers[i].name, name) == 0)
			return true;
	return false;
}

static void
test_search_path(void **state)
{
	struct msg_config *c = calloc(1, sizeof(*c));
	struct options o = { .ntoolchains = 1 };
	AUTOFREE char *bin = path("bin");
	AUTOFREE char *more = path("more");
	AUTOFREE char *gcc = path("bin/gcc");

	(void)state;
	o.toolchains[0] = more;
	assert_int_equal(setenv("DISTCCD_PATH", bin, 1), 0);
	assert_int_equal(unsetenv("DISTCC_CMDLIST"), 0);
	assert_int_equal(compilers_find(c, &o), 0);
	assert_int_equal(c->name_words, 1);
	assert_true(has(c, "gcc"));
	assert_true(has(c, "cc"));
	assert_true(has(c, "arm-none-eabi-gcc"));
	assert_false(has(c, "ld"));
	assert_false(has(c, "distcc"));
	assert_false(has(c, "gcc-9"));
	assert_int_equal(c->ntoolchains, 1);
	assert_string_equal(c->toolchains[0], more);
	/* the search path comes before the toolchain's gcc */
	for (uint32_t i = 0; i < c->ncompilers; i++)
		if (strcmp(c->compilers[i].name, "gcc") == 0)
			assert_string_equal(c->compilers[i].path, gcc);
	o.toolchains[0] = "/nonexistent";
	assert_int_equal(compilers_find(c, &o), ERR_NOENT);
	free(c);
}

/* A "gcc" that leads to clang reads its options as clang does. */
static void
test_families(void **state)
{
	static const struct {
		const char *name;
		enum compiler_family family;
	} rows[] = {
		{ "gcc", FAMILY_CLANG },
		{ "clang-14", FAMILY_CLANG },
		{ "clang", FAMILY_CLANG },
		{ "cc", FAMILY_GCC },
	};
	struct msg_config *c = calloc(1, sizeof(*c));
	struct options o = { .ntoolchains = 0 };
	AUTOFREE char *llvm = path("llvm");

	(void)state;
	assert_int_equal(setenv("DISTCCD_PATH", llvm, 1), 0);
	assert_int_equal(unsetenv("DISTCC_CMDLIST"), 0);
	assert_int_equal(compilers_find(c, &o), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = 0;

		while (at < c->ncompilers &&
		    strcmp(c->compilers[at].name, rows[i].name) != 0)
			at++;
		assert_true(at < c->ncompilers);
		assert_int_equal(c->compilers[at].family, rows[i].family);
	}
	free(c);
}

static void
test_cmdlist(void **state)
{
	struct msg_config *c = calloc(1, sizeof(*c));
	struct options o = { .ntoolchains = 0 };
	AUTOFREE char *list = path("list");
	AUTOFREE char *text = mem_printf("%s/bin/ld\nrelative\n\n"
	    "%s/open/gcc\n", dir, dir);

	(void)state;
	make("list", text, 0644);
	assert_int_equal(setenv("DISTCC_CMDLIST", list, 1), 0);
	assert_int_equal(compilers_find(c, &o), 0);
	/* the list replaces the search */
	assert_int_equal(c->ncompilers, 1);
	assert_true(has(c, "ld"));
	assert_int_equal(setenv("DISTCC_CMDLIST_NUMWORDS", "2", 1), 0);
	assert_int_equal(compilers_find(c, &o), 0);
	assert_int_equal(c->name_words, 2);
	assert_true(has(c, "bin/ld"));
	assert_int_equal(setenv("DISTCC_CMDLIST_NUMWORDS", "0", 1), 0);
	assert_int_equal(compilers_find(c, &o), ERR_SYNTAX);
	assert_int_equal(unsetenv("DISTCC_CMDLIST_NUMWORDS"), 0);
	assert_int_equal(setenv("DISTCC_CMDLIST", "/nonexistent", 1), 0);
	assert_int_equal(compilers_find(c, &o), ERR_NOENT);
	free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_files_may_run),
		cmocka_unit_test(test_others_files),
		cmocka_unit_test(test_search_path),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_cmdlist),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
