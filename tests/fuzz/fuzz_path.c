/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_path - no accepted name leaves the job's root (P-034 … P-037). */
#include "tests/fuzz/trace.h"
#include "wire/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rule for a name, asked in another way. */
static bool
is_clean(const char *s)
{
	size_t n = strlen(s);

	return n > 1 && s[0] == '/' && s[n - 1] != '/' &&
	    strstr(s, "//") == NULL && strstr(s, "/./") == NULL &&
	    strstr(s, "/../") == NULL &&
	    (n < 2 || strcmp(s + n - 2, "/.") != 0) &&
	    (n < 3 || strcmp(s + n - 3, "/..") != 0);
}

/* How often the target climbs above what it has descended, from depth on. */
static bool
climbs_out(const char *target, long depth)
{
	for (const char *p = target; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 2 && strncmp(p, "..", 2) == 0) {
			if (--depth < 0)
				return true;
		} else if (n != 0 && !(n == 1 && *p == '.')) {
			depth++;
		}
		p += n + (p[n] == '/');
	}
	return false;
}

static long
depth_of(const char *dir)
{
	long n = 0;

	for (const char *p = dir; *p != '\0'; p++)
		n += *p == '/';
	return n - 1;			/* of a name's directory */
}

static void
check_link(const char *name, const char *target)
{
	size_t size = WIRE_NAME_MAX_BYTES + 1;
	char *resolved = malloc(size);
	bool is_system;
	int r;

	MUST(resolved != NULL);
	r = path_check_link(name, target, &is_system, resolved, size);
	if (r == 0) {
		MUST(path_check_name(name) == 0 && *target != '\0');
		MUST(path_check_cdir(resolved) == 0);
		MUST(is_system == climbs_out(target,
		    target[0] == '/' ? 0 : depth_of(name)));
	} else {
		MUST(r == ERR_SYNTAX || r == ERR_LIMIT);
	}
	free(resolved);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1), *target;
	size_t len = strnlen((const char *)data, size);
	int r;

	MUST(name != NULL);
	if (size != 0)
		memcpy(name, data, size);
	name[size] = '\0';
	target = len < size ? strdup(name + len + 1) : strdup("x");
	MUST(target != NULL);
	r = path_check_name(name);
	MUST(r != 0 || is_clean(name));
	MUST(r != ERR_SYNTAX || !is_clean(name));
	MUST(path_check_cdir(name) == r || strcmp(name, "/") == 0);
	check_link(name, target);
	free(target);
	free(name);
	return 0;
}
