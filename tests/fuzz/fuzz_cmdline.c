/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_cmdline - whatever the words of a command line are, its readers agree
 * with each other, and none that loads code gets past the judge.
 */
#include "policy/cmdline.h"
#include "tests/fuzz/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char input[] = "/job/input.i";
static const char output[] = "/job/output.o";

static void
check_scan(char *const *argv, size_t argc)
{
	struct cmdline_scan s;
	bool is_preprocessed;

	MUST(cmdline_scan(argv, &s) == 0);
	MUST(s.input < argc && s.output < argc);
	MUST(memchr(s.reason, '\0', sizeof(s.reason)) != NULL);
	MUST(s.distribute == (s.reason[0] == '\0'));
	if (s.distribute) {
		MUST(s.input != 0 && s.output_name != NULL);
		MUST(cmdline_is_source(argv[s.input], &is_preprocessed));
		MUST(cmdline_preprocessed_ext(argv[s.input]) != NULL);
	}
	cmdline_scan_free(&s);
}

/* Only leaves words out, and keeps their order. */
static void
check_strip(char *const *argv)
{
	char **kept;
	size_t at = 0;

	MUST(cmdline_strip(argv, &kept) == 0);
	MUST(kept[0] == argv[0]);
	for (size_t i = 0; kept[i] != NULL; i++, at++) {
		while (argv[at] != NULL && argv[at] != kept[i])
			at++;
		MUST(argv[at] != NULL);
	}
	free(kept);
}

static void
check_deps(char *const *argv, enum compiler_family family)
{
	static const char *const environments[] = { NULL, "", "d", "d t" };
	struct cmdline_deps d;
	size_t at;
	bool has_input = cmdline_input(argv, family, &at) == 0;

	for (size_t i = 0; i < 4; i++) {
		MUST(cmdline_deps_name(argv, family, environments[i], &d) == 0);
		MUST(!d.is_needed || !has_input || d.name != NULL);
		cmdline_deps_free(&d);
	}
}

static size_t
count(char *const *argv, const char *word)
{
	size_t n = 0;

	for (size_t i = 0; argv[i] != NULL; i++)
		n += argv[i] == word;
	return n;
}

/* Returns whether it could be placed. */
static bool
check_place(char *const *argv, size_t argc, enum compiler_family family)
{
	size_t at = 0;
	char **placed;
	int r = cmdline_place(argv, family, input, output, &placed);
	int found = cmdline_input(argv, family, &at);

	MUST(r == 0 || r == ERR_SYNTAX);
	MUST(found == 0 || found == ERR_SYNTAX);
	MUST(found == 0 || r != 0);
	if (found == 0)
		MUST(at != 0 && at < argc);
	if (r != 0)
		return false;
	MUST(placed[0] == argv[0]);
	MUST(count(placed, input) == 1 && count(placed, output) <= 1);
	MUST(count(placed, argv[at]) == 0);
	free(placed);
	return true;
}

/* What must not stand at the beginning of any word that a server runs. */
static const char *const never[] = {
	"@", "-B", "-wrapper", "-specs", "--specs", "-fplugin", "-iplugindir",
	"-fpass-plugin", "--config", "-load", "-fmodule-mapper", "-Xlinker",
	"-fuse-ld=.", "--param=@", "-save-temps",
	"--save-temps", "-dump", "-fdump-", "-gsplit-dwarf", "-fprofile-use",
};

/* Whether the word does what "never" is there to prevent. */
static bool
is_never(const char *word)
{
	/* writes into the object alone */
	if (strcmp(word, "-gsplit-dwarf=single") == 0)
		return false;
	/* a linker of one's own, wherever the slash stands */
	if (strncmp(word, "-fuse-ld", 8) == 0 && strchr(word, '/') != NULL)
		return true;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (strncmp(word, never[i], strlen(never[i])) == 0)
			return true;
	return false;
}

static void
check_judge(char *const *argv, size_t argc, enum compiler_family family,
    unsigned int protocol)
{
	char why[CMDLINE_WHY_BYTES];
	int r;

	memset(why, 'x', sizeof(why));
	r = cmdline_judge(argv, family, protocol, why);
	if (r != 0) {
		MUST(r == ERR_ACCESS || r == ERR_SYNTAX);
		MUST(memchr(why, '\0', sizeof(why)) != NULL && why[0] != '\0');
		for (const char *p = why; *p != '\0'; p++)
			MUST(*p >= 0x20 && *p < 0x7f);
		return;
	}
	for (size_t i = 1; i < argc; i++)
		MUST(!is_never(argv[i]));
	MUST(check_place(argv, argc, family));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum compiler_family families[] = {
		FAMILY_GCC, FAMILY_CLANG, FAMILY_OTHER,
	};
	size_t argc;
	char **argv = words_new(data, size, &argc);

	check_scan(argv, argc);
	check_strip(argv);
	for (size_t i = 0; i < 3; i++) {
		check_deps(argv, families[i]);
		(void)check_place(argv, argc, families[i]);
		for (unsigned int protocol = 1; protocol <= 3; protocol++)
			check_judge(argv, argc, families[i], protocol);
	}
	words_free(argv);
	return 0;
}
