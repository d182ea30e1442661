/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include "policy/cmdline.h"

static const struct source {
	const char *ext;
	const char *preprocessed;	/* the extension once cpp has run */
} sources[] = {
	{ ".c", ".i" },
	{ ".cc", ".ii" },
	{ ".cpp", ".ii" },
	{ ".cxx", ".ii" },
	{ ".cp", ".ii" },
	{ ".c++", ".ii" },
	{ ".C", ".ii" },
	{ ".m", ".mi" },
	{ ".mm", ".mii" },
	{ ".M", ".mii" },
	{ ".i", ".i" },
	{ ".ii", ".ii" },
	{ ".mi", ".mi" },
	{ ".mii", ".mii" },
};

/* extension - from the last dot on, if anything follows it; else NULL. */
static const char *
extension(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && dot[1] != '\0' ? dot : NULL;
}

const char *
cmdline_preprocessed_ext(const char *name)
{
	const char *ext = extension(name);

	if (ext == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(ext, sources[i].ext) == 0)
			return sources[i].preprocessed;
	}
	return NULL;
}

bool
cmdline_is_source(const char *name, bool *preprocessed)
{
	const char *after = cmdline_preprocessed_ext(name);

	*preprocessed = after != NULL && strcmp(after, extension(name)) == 0;
	return after != NULL;
}

bool
cmdline_is_object(const char *name)
{
	const char *ext = extension(name);

	return ext != NULL && strcmp(ext, ".o") == 0;
}

bool
cmdline_lacks_compiler(const char *first)
{
	bool preprocessed;

	return first[0] == '-' || cmdline_is_source(first, &preprocessed) ||
	    cmdline_is_object(first);
}
