/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/searchpath.c client/scan/answer.c client/scan/atom.c client/scan/cond.c client/scan/engine.c client/scan/expand.c client/scan/facts.c client/scan/lex.c client/scan/macro.c client/scan/notice.c client/scan/number.c client/scan/opts.c client/scan/recall.c client/scan/scan.c client/scan/search.c client/scan/source.c client/scan/text.c client/scan/record.c client/scan/replay.c client/scan/trace.c client/scan/tree.c client/scan/unit.c client/scan/watch.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/searchpath.h"

#define SAYS(dirs)	"Using built-in specs.\n" \
	"ignoring nonexistent directory \"/none\"\n" \
	"#include \"...\" search starts here:\n" \
	"#include <...> search starts here:\n" dirs "End of search list.\n" \
	" /behind\n"

static void
directories_are_the_same_in_the_same_order(void **state)
{
	static const struct {
		const char *ours, *said;
		int r;
		const char *odd;
	} rows[] = {
		{ "/a\n/b c\n", SAYS(" /a\n /b c\n"), 0, "" },
		{ "", SAYS(""), 0, "" },
		{ "/a\n/b\n", SAYS(" /b\n /a\n"), ERR_NOENT, "/b" },
		{ "/a\n/b\n", SAYS(" /a\n"), ERR_NOENT, "/b" },
		{ "/a\n", SAYS(" /a\n /b\n"), ERR_NOENT, "/b" },
		{ "/a\n", SAYS(" /a/c\n"), ERR_NOENT, "/a/c" },
		{ "/a/c\n", SAYS(" /a\n"), ERR_NOENT, "/a" },
		{ "", SAYS(" /a\n"), ERR_NOENT, "/a" },
		/* what no compiler says, or in another language */
		{ "/a\n", "", ERR_SYNTAX, NULL },
		{ "/a\n", "#include <...> la recherche commence ici:\n /a\n",
		    ERR_SYNTAX, NULL },
		{ "/a\n", "#include <...> search starts here:\n /a\n",
		    ERR_SYNTAX, NULL },
		{ "/a\n", "#include <...> search starts here:\n /a",
		    ERR_SYNTAX, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view odd = view_of(NULL, 0);

		assert_int_equal(searchpath_compare(rows[i].ours,
		    view_str(rows[i].said), &odd), rows[i].r);
		if (rows[i].odd == NULL)
			continue;
		assert_int_equal(odd.len, strlen(rows[i].odd));
		assert_memory_equal(odd.ptr, rows[i].odd, odd.len);
	}
}

/* A host is not trusted with what it says. */
static void
bytes_that_no_name_has_do_no_harm(void **state)
{
	static const char nul[] = "#include <...> search starts here:\n"
	    " /a\n \0\0\0\0\0\0\0\0\nEnd of search list.\n";
	char *ours = strdup("/a\n");
	struct view odd;

	(void)state;
	assert_non_null(ours);
	assert_int_equal(searchpath_compare(ours, view_of(nul,
	    sizeof(nul) - 1), &odd), ERR_NOENT);
	free(ours);
}

static void
the_host_is_asked_with_what_changes_the_path(void **state)
{
	static const char *const argv[] = { "clang++", "-O2", "-Iinc",
	    "--target=arm-linux-gnueabihf", "-stdlib=libc++", "-DX", "-c",
	    "dir/a.cc", "-o", "a.o", NULL };
	struct words w;
	struct opts o;
	size_t n = 0;

	(void)state;
	assert_int_equal(searchpath_words((char *const *)(uintptr_t)argv,
	    "h.c", "h.o", &w, &o), 0);
	assert_string_equal(w.ptr[n++], "clang++");
	while (strcmp(w.ptr[n], "-w") != 0) {
		assert_string_not_equal(w.ptr[n], "-Iinc");
		assert_string_not_equal(w.ptr[n], "-DX");
		assert_string_not_equal(w.ptr[n], "dir/a.cc");
		n++;
	}
	assert_true(n >= 3);		/* the target and the library */
	assert_string_equal(w.ptr[n + 1], "-v");
	assert_string_equal(w.ptr[n + 2], "-x");
	assert_string_equal(w.ptr[n + 3], "c++");
	assert_string_equal(w.ptr[n + 4], "-c");
	assert_string_equal(w.ptr[n + 5], "h.c");
	assert_string_equal(w.ptr[n + 6], "-o");
	assert_string_equal(w.ptr[n + 7], "h.o");
	assert_null(w.ptr[n + 8]);
	free(w.ptr);
	opts_free(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_are_the_same_in_the_same_order),
		cmocka_unit_test(bytes_that_no_name_has_do_no_harm),
		cmocka_unit_test(the_host_is_asked_with_what_changes_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
