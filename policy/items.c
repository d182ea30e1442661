/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "policy/items.h"
#include "policy/value.h"

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))
#define ITEM_BYTES	4096	/* one item of a list with commas */

/* next_item - copy up to the next comma.  false: none left, or too long. */
static bool
next_item(const char **list, char item[ITEM_BYTES])
{
	size_t n;

	if (*list == NULL)
		return false;
	n = strcspn(*list, ",");
	if (n >= ITEM_BYTES)
		return false;
	memcpy(item, *list, n);
	item[n] = '\0';
	*list = (*list)[n] == ',' ? *list + n + 1 : NULL;
	return true;
}

static bool
is_listed(const char *item, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(item, list[i]) == 0)
			return true;
	}
	return false;
}

/* is_prefixed - a listed prefix and then a word. */
static bool
is_prefixed(const char *item, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (value_starts(item, list[i]))
			return value_is_word(item + strlen(list[i]));
	}
	return false;
}

/* ---- the assembler: nothing that lists, includes, or names a file ---- */

static bool
is_assembler_item(const char *item)
{
	static const char *const exact[] = {
		"--noexecstack", "--execstack", "--fatal-warnings", "--warn",
		"--no-warn", "-W", "--32", "--64", "--x32", "-32", "-64",
		"--keep-locals", "-L", "-R", "-n", "-k", "-v", "-x", "-J",
		"-Z", "-EL", "-EB", "-KPIC", "-PIC", "--relax", "-relax",
		"--divide", "--reduce-memory-overheads", "--gen-debug",
		"--nocompress-debug-sections", "--traditional-format",
		"--strip-local-absolute", "--no-pad-sections", "--statistics",
		"--sectname-subst", "--gstabs", "--gstabs+",
	};
	static const char *const prefix[] = {
		"-m", "-g", "--gdwarf-", "--compress-debug-sections",
		"--size-check=", "--elf-stt-common=", "--hash-size=",
		"--generate-missing-build-notes=", "--multibyte-handling=",
		"-xarch=", "-A", "-O", "--isa=",
	};

	if (value_starts(item, "-mllvm"))
		return false;
	return is_listed(item, exact, NELEM(exact)) ||
	    is_prefixed(item, prefix, NELEM(prefix));
}

/* is_defsym - NAME=VALUE behind --defsym. */
static bool
is_defsym(const char *item)
{
	const char *eq = strchr(item, '=');

	return eq != NULL && eq != item && item[0] != '-' &&
	    value_is_word(item);
}

bool
items_assembler(const char *list)
{
	char item[ITEM_BYTES];

	while (list != NULL) {
		if (!next_item(&list, item))
			return false;
		if (strcmp(item, "--defsym") == 0) {
			if (!next_item(&list, item) || !is_defsym(item))
				return false;
		} else if (!is_assembler_item(item)) {
			return false;
		}
	}
	return true;
}

/* ---- the preprocessor, which is the compiler proper ---- */

static bool
is_deps_item(const char *item)
{
	return strcmp(item, "-MD") == 0 || strcmp(item, "-MMD") == 0 ||
	    strcmp(item, "-MF") == 0;
}

static bool
is_target_item(const char *item)
{
	return strcmp(item, "-MT") == 0 || strcmp(item, "-MQ") == 0 ||
	    strcmp(item, "-D") == 0 || strcmp(item, "-U") == 0;
}

/* is_cpp_item - one that stands alone. */
static bool
is_cpp_item(const char *item)
{
	static const char *const exact[] = {
		"-MP", "-MG", "-P", "-C", "-w", "-undef", "-pedantic",
	};

	if (is_listed(item, exact, NELEM(exact)))
		return true;
	if (item[0] == '-' && (item[1] == 'D' || item[1] == 'U'))
		return true;
	return value_starts(item, "-W") && value_is_word(item);
}

/* is_cpp_value - what follows -MF and the like in a list. */
static bool
is_cpp_value(const char *item, bool is_file, unsigned int protocol)
{
	if (item[0] == '-' || item[0] == '@' || item[0] == '\0')
		return false;
	return !is_file || (protocol >= 3 && value_is_output(item));
}

bool
items_cpp(const char *list, unsigned int protocol)
{
	char item[ITEM_BYTES];
	bool is_file;

	while (list != NULL) {
		if (!next_item(&list, item))
			return false;
		is_file = is_deps_item(item);
		if (is_file || is_target_item(item)) {
			if (!next_item(&list, item) ||
			    !is_cpp_value(item, is_file, protocol))
				return false;
		} else if (!is_cpp_item(item)) {
			return false;
		}
	}
	return true;
}

const char *
items_cpp_output(const char *list, size_t *len)
{
	char item[ITEM_BYTES];
	const char *found = NULL;

	while (list != NULL && next_item(&list, item)) {
		if (is_deps_item(item) && list != NULL) {
			found = list;
			*len = strcspn(list, ",");
		}
	}
	return found;
}

bool
items_cpp_has(const char *list, const char *wanted)
{
	char item[ITEM_BYTES];

	while (next_item(&list, item)) {
		if (strcmp(item, wanted) == 0)
			return true;
	}
	return false;
}

/* ---- LLVM's own options: switches and numbers ---- */

bool
items_llvm(const char *word)
{
	/* parts of names that take a file, a program or a graph viewer */
	static const char *const bad[] = {
		"file", "path", "dir", "load", "plugin", "dump", "dot", "view",
		"output", "log", "config", "exec", "emit", "remark", "save",
		"write", "import", "export", "index", "model", "channel",
	};
	const char *eq = strchr(word, '=');

	if (word[0] != '-' || !value_is_word(word) ||
	    strchr(word, ',') != NULL)
		return false;
	for (size_t i = 0; i < NELEM(bad); i++) {
		if (strstr(word, bad[i]) != NULL)
			return false;
	}
	if (eq == NULL || value_starts(word, "-x86-asm-syntax="))
		return true;
	return value_is_number(eq + 1);
}

/* ---- clang -cc1 ---- */

static const struct frontend {
	const char *name;
	bool is_prefix;
	enum items_next next;
} frontend[] = {
	{ "-mllvm", false, ITEMS_LLVM },
	{ "-target-feature", false, ITEMS_FEATURE },
	{ "-target-cpu", false, ITEMS_CPU },
	{ "-tune-cpu", false, ITEMS_CPU },
	{ "-fdebug-compilation-dir", false, ITEMS_TEXT },
	{ "-std=", true, ITEMS_NONE },
	{ "-debug-info-kind=", true, ITEMS_NONE },
	{ "-fexperimental-assignment-tracking=", true, ITEMS_NONE },
	{ "-fexperimental-max-bitint-width=", true, ITEMS_NONE },
	{ "-fno-pch-timestamp", false, ITEMS_NONE },
	{ "-fuse-ctor-homing", false, ITEMS_NONE },
	{ "-fno-use-ctor-homing", false, ITEMS_NONE },
	{ "-fcolor-diagnostics", false, ITEMS_NONE },
	{ "-fmerge-functions", false, ITEMS_NONE },
	{ "-fallow-half-arguments-and-returns", false, ITEMS_NONE },
	{ "-relaxed-aliasing", false, ITEMS_NONE },
	{ "-vectorize-loops", false, ITEMS_NONE },
	{ "-vectorize-slp", false, ITEMS_NONE },
	{ "-opaque-pointers", false, ITEMS_NONE },
	{ "-no-opaque-pointers", false, ITEMS_NONE },
	{ "-enable-noundef-analysis", false, ITEMS_NONE },
	{ "-disable-noundef-analysis", false, ITEMS_NONE },
	{ "-disable-llvm-passes", false, ITEMS_NONE },
	{ "-disable-llvm-verifier", false, ITEMS_NONE },
	{ "-disable-lifetime-markers", false, ITEMS_NONE },
	{ "-disable-O0-optnone", false, ITEMS_NONE },
};

/* is_warning - -W but for the words that only look like one. */
static bool
is_warning(const char *word)
{
	return value_starts(word, "-W") && strchr(word, ',') == NULL &&
	    value_is_word(word);
}

static bool
start_frontend(const char *word, enum items_next *next)
{
	for (size_t i = 0; i < NELEM(frontend); i++) {
		const struct frontend *f = &frontend[i];

		if (f->is_prefix ? value_starts(word, f->name) &&
		    value_is_word(word) : strcmp(word, f->name) == 0) {
			*next = f->next;
			return true;
		}
	}
	return is_warning(word);
}

bool
items_frontend(const char *word, enum items_next *next)
{
	enum items_next want = *next;

	*next = ITEMS_NONE;
	switch (want) {
	case ITEMS_LLVM:
		return items_llvm(word);
	case ITEMS_FEATURE:
		return (word[0] == '+' || word[0] == '-') &&
		    value_is_cpu(word);
	case ITEMS_CPU:
		return word[0] != '-' && value_is_cpu(word);
	case ITEMS_TEXT:
		return word[0] != '-' && word[0] != '@';
	case ITEMS_NONE:
		break;
	}
	return start_frontend(word, next);
}
