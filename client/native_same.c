/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two answers of a compiler mean the same machine. */
#include <stdlib.h>
#include <string.h>

#include "client/native.h"
#include "lib/buf.h"
#include "lib/mem.h"

static int
compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort(struct words *w)
{
	if (w->n != 0)
		qsort(w->argv, w->n, sizeof(*w->argv), compare_words);
}

static bool
is_same_setting(char *const *a, char *const *b)
{
	if (strcmp(a[0], b[0]) != 0)
		return false;
	return strcmp(a[0], "-target-feature") != 0 ||
	    strcmp(a[1] + 1, b[1] + 1) == 0;
}

/* Each feature counts as it was said last; then the order does not matter. */
static void
settle_clang(const struct words *picked, struct words *out)
{
	*out = (struct words){ NULL, 0, 0 };
	for (size_t i = 0; i + 1 < picked->n; i += 2) {
		AUTOFREE char *pair = mem_printf("%s %s", picked->argv[i],
		    picked->argv[i + 1]);
		bool is_last = true;

		for (size_t j = i + 2; j + 1 < picked->n; j += 2) {
			if (is_same_setting(&picked->argv[i],
			    &picked->argv[j]))
				is_last = false;
		}
		if (is_last)
			words_add(out, pair);
	}
	sort(out);
}

static bool
is_equal(const struct words *a, const struct words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return false;
	}
	return true;
}

/* What "-mavx" and "-mno-avx" are about, or "-mtune=x" and "-mtune=y". */
static struct view
topic(const char *word)
{
	if (strncmp(word, "--param=", 8) == 0)
		return view_str(word);
	word += strncmp(word, "-mno-", 5) == 0 ? 5 : 2;
	return view_of(word, strcspn(word, "="));
}

static bool
is_said_again(const struct words *w, size_t at)
{
	struct view mine = topic(w->argv[at]);

	for (size_t i = at + 1; i < w->n; i++) {
		struct view other = topic(w->argv[i]);

		if (mine.len == other.len &&
		    memcmp(mine.ptr, other.ptr, mine.len) == 0)
			return true;
	}
	return false;
}

/* gcc's driver leaves out what is taken back later, but not what it found out
 * by itself. */
static void
settle_gcc(const struct words *picked, struct words *out)
{
	*out = (struct words){ NULL, 0, 0 };
	for (size_t i = 0; i < picked->n; i++) {
		if (!is_said_again(picked, i))
			words_add(out, picked->argv[i]);
	}
	sort(out);
}

bool
native_is_same(enum compiler_family family, const struct words *a,
    const struct words *b)
{
	void (*settle)(const struct words *, struct words *) =
	    family == FAMILY_CLANG ? settle_clang : settle_gcc;
	struct words x, y;
	bool same;

	settle(a, &x);
	settle(b, &y);
	same = is_equal(&x, &y);
	words_free(&x);
	words_free(&y);
	return same;
}
