/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "policy/value.h"

#define NELEM(a)		(sizeof(a) / sizeof((a)[0]))
#define PLAIN_MAX_BYTES		512	/* an option without a row */

#define DIGITS	"0123456789"
#define LETTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool
value_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
value_is_word(const char *s)
{
	for (size_t i = 0; s[i] != '\0'; i++) {
		if (s[i] == '.' && i > 0 && is_digit(s[i + 1]))
			continue;
		if (strchr(LETTERS DIGITS "_+:,=#-", s[i]) == NULL)
			return false;
	}
	return true;
}

bool
value_is_cpu(const char *s)
{
	return s[0] != '.' && s[strspn(s, LETTERS DIGITS "_+.,=-")] == '\0';
}

bool
value_is_plain_option(const char *word)
{
	if (word[0] != '-' || strlen(word) > PLAIN_MAX_BYTES)
		return false;
	return word[1] != '\0' && strchr("fmWgO", word[1]) != NULL &&
	    value_is_word(word + 2);
}

bool
value_is_language(const char *s, bool *preprocessed)
{
	static const struct {
		const char *name;
		bool preprocessed;
	} languages[] = {
		{ "c", false },
		{ "c++", false },
		{ "objective-c", false },
		{ "objective-c++", false },
		{ "go", false },
		{ "cpp-output", true },
		{ "c++-cpp-output", true },
		{ "objc-cpp-output", true },
		{ "objc++-cpp-output", true },
		{ "objective-c-cpp-output", true },
		{ "objective-c++-cpp-output", true },
	};

	for (size_t i = 0; i < NELEM(languages); i++) {
		if (strcmp(s, languages[i].name) == 0) {
			*preprocessed = languages[i].preprocessed;
			return true;
		}
	}
	return false;
}

bool
value_is_number(const char *s)
{
	static const char *const words[] = { "true", "false", "on", "off" };

	for (size_t i = 0; i < NELEM(words); i++) {
		if (strcmp(s, words[i]) == 0)
			return true;
	}
	return *s != '\0' && s[strspn(s, DIGITS)] == '\0';
}

bool
value_climbs(const char *path)
{
	size_t n;

	for (; *path != '\0'; path += n) {
		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
	}
	return false;
}

/* is_below - whether path is dir or stands below it; doubled slashes and "."
 * do not hide it. */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	for (;;) {
		path += strspn(path, "/");
		if (path[0] != '.' || (path[1] != '/' && path[1] != '\0'))
			break;
		path++;
	}
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

bool
value_is_output(const char *path)
{
	static const char *const system[] = {
		"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32",
		"nix", "proc", "run", "sbin", "sys", "usr",
	};

	if (path[0] == '\0' || value_climbs(path))
		return false;
	if (path[0] != '/')
		return true;
	for (size_t i = 0; i < NELEM(system); i++) {
		if (is_below(path, system[i]))
			return false;
	}
	return true;
}
