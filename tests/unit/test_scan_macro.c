/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/text.c client/scan/lex.c client/scan/unit.c client/scan/watch.c client/scan/macro.c client/scan/recall.c */
#include "scan_test.h"

struct world {
	struct atoms atoms;
	struct macros m;
	struct arena arena;
	struct unit u;
	char *copy;
	const struct macro *one, *two, *one_again;
	struct sym *a, *b, *c;
};

static int
set_up(void **state)
{
	static const char text[] = "#define ONE 1\n#define TWO 2\n"
	    "#define AGAIN 1\n";
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	atoms_init(&w->atoms);
	macro_begin(&w->m, &w->arena);
	test_lex(&w->atoms, text, strlen(text), &test_mode, &w->u, &w->copy);
	w->one = w->u.dirs[0].macro;
	w->two = w->u.dirs[1].macro;
	w->one_again = w->u.dirs[2].macro;
	w->a = atoms_get(&w->atoms, "a", 1);
	w->b = atoms_get(&w->atoms, "b", 1);
	w->c = atoms_get(&w->atoms, "c", 1);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	unit_free(&w->u);
	free(w->copy);
	macro_free(&w->m);
	arena_free(&w->arena);
	atoms_free(&w->atoms);
	free(w);
	return 0;
}

static void
define(struct world *w, struct sym *s, const struct macro *m)
{
	macro_set(&w->m, s, m != NULL ? BOUND_MACRO : BOUND_NOT, m);
}

static void
test_a_scan_starts_empty(void **state)
{
	struct world *w = *state;

	assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
	define(w, w->a, w->one);
	macro_taint(&w->m, w->b);
	define(w, w->b, w->one);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_MACRO);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_MAYBE);
	macro_begin(&w->m, &w->arena);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_NOT);
	define(w, w->b, w->one);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_MACRO);
}

/* The outcome of two branches, and of one that may not be taken. */
static void
test_joins(void **state)
{
	struct world *w = *state;
	struct join j;

	define(w, w->c, w->one);
	macro_join_begin(&w->m, &j);
	define(w, w->a, w->one);
	define(w, w->b, w->one);
	macro_join_branch(&w->m, &j);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
	define(w, w->a, w->one_again);
	define(w, w->b, w->two);
	define(w, w->c, NULL);
	macro_join_branch(&w->m, &j);
	assert_int_equal(macro_bound(&w->m, w->c), BOUND_MACRO);
	macro_join_end(&w->m, &j, true);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_MACRO);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_SOME);
	assert_int_equal(macro_bound(&w->m, w->c), BOUND_MAYBE);
	macro_join_begin(&w->m, &j);
	define(w, w->a, w->two);
	define(w, w->c, w->one);
	macro_join_branch(&w->m, &j);
	macro_join_end(&w->m, &j, false);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_SOME);
	assert_int_equal(macro_bound(&w->m, w->c), BOUND_MAYBE);
}

static void
test_nested_joins(void **state)
{
	struct world *w = *state;
	struct join outer, inner;

	macro_join_begin(&w->m, &outer);
	define(w, w->a, w->one);
	macro_join_begin(&w->m, &inner);
	define(w, w->a, w->two);
	define(w, w->b, w->one);
	macro_join_branch(&w->m, &inner);
	define(w, w->b, w->one);
	macro_join_branch(&w->m, &inner);
	macro_join_end(&w->m, &inner, true);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_SOME);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_MACRO);
	macro_join_branch(&w->m, &outer);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
	define(w, w->b, w->one);
	macro_join_branch(&w->m, &outer);
	macro_join_end(&w->m, &outer, true);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_MAYBE);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_MACRO);
}

static void
test_flags_are_undone(void **state)
{
	struct world *w = *state;
	struct join j;
	bool before = false, within = false;

	macro_set_flag(&w->m, &before);
	macro_join_begin(&w->m, &j);
	macro_set_flag(&w->m, &before);
	macro_set_flag(&w->m, &within);
	assert_true(within);
	macro_join_branch(&w->m, &j);
	assert_true(before);
	assert_false(within);
	macro_join_end(&w->m, &j, false);
}

static void
test_push_and_pop(void **state)
{
	struct world *w = *state;
	struct join j;

	define(w, w->a, w->one);
	macro_push(&w->m, w->a);
	macro_push(&w->m, w->b);
	define(w, w->a, w->two);
	macro_push(&w->m, w->a);
	define(w, w->a, NULL);
	macro_pop(&w->m, w->a);
	assert_ptr_equal(w->a->macro, w->two);
	macro_pop(&w->m, w->a);
	assert_ptr_equal(w->a->macro, w->one);
	macro_pop(&w->m, w->a);
	assert_ptr_equal(w->a->macro, w->one);
	define(w, w->b, w->one);
	macro_pop(&w->m, w->b);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_NOT);
	/* what an undecided branch pushes is not known afterwards */
	macro_join_begin(&w->m, &j);
	macro_push(&w->m, w->a);
	macro_join_branch(&w->m, &j);
	macro_join_end(&w->m, &j, false);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_MAYBE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_scan_starts_empty,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_joins, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_nested_joins, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_flags_are_undone, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_push_and_pop, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
