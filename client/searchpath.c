/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "client/scan/facts.h"
#include "client/searchpath.h"

int
searchpath_words(char *const *argv, const char *source, const char *object,
    struct words *words, struct opts *o)
{
	const struct scan_request req = { .argv = argv, .compiler = argv[0],
	    .cwd = "/" };
	int r = opts_parse(&req, o);

	*words = (struct words){ NULL, 0, 0 };
	if (r < 0)
		return r;
	opts_add_word(words, argv[0]);
	for (size_t i = 0; i < o->keep.n; i++)
		opts_add_word(words, o->keep.ptr[i]);
	opts_add_word(words, "-w");
	opts_add_word(words, "-v");
	opts_add_word(words, "-x");
	opts_add_word(words, o->language);
	opts_add_word(words, "-c");
	opts_add_word(words, source);
	opts_add_word(words, "-o");
	opts_add_word(words, object);
	opts_add_word(words, NULL);
	return 0;
}

/* Takes dir off ours, if it is the first of them. */
static bool
pass(const char **ours, struct view dir)
{
	size_t len = strcspn(*ours, "\n");

	if ((*ours)[len] == '\0' || len != dir.len ||
	    memcmp(*ours, dir.ptr, len) != 0)
		return false;
	*ours += len + 1;
	return true;
}

int
searchpath_compare(const char *ours, struct view said, struct view *odd)
{
	struct facts_path path = { .text = said };

	while (facts_next_dir(&path, odd))
		if (!pass(&ours, *odd))
			return ERR_NOENT;
	if (!path.ended)
		return ERR_SYNTAX;
	*odd = view_of(ours, strcspn(ours, "\n"));
	return *ours == '\0' ? 0 : ERR_NOENT;
}
