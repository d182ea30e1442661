/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/text.c client/scan/lex.c client/scan/unit.c client/scan/watch.c client/scan/macro.c client/scan/trace.c client/scan/recall.c */
#include <stdio.h>
#include <sys/mman.h>

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

/* What many scans begin with is there in each, whatever they make of it. */
static void
test_a_base_is_bound_once(void **state)
{
	struct world *w = *state;
	int i;

	macro_begin(&w->m, &w->arena);
	assert_false(macro_begin_base(&w->m, 7, 2));
	macro_bind_base(&w->m, w->a, w->one);
	macro_bind_base(&w->m, w->b, w->two);
	for (i = 0; i < 3; i++) {
		assert_ptr_equal(w->a->macro, w->one);
		assert_int_equal(macro_bound(&w->m, w->a), BOUND_MACRO);
		assert_int_equal(macro_identity(&w->m, w->a), w->one->number);
		assert_int_equal(macro_bound(&w->m, w->b), BOUND_MACRO);
		assert_int_equal(macro_bound(&w->m, w->c), BOUND_NOT);
		assert_false(macro_is_set(&w->m, w->a));
		macro_taint(&w->m, w->a);
		define(w, w->b, NULL);
		define(w, w->b, w->one);
		define(w, w->c, w->one);
		assert_int_equal(macro_bound(&w->m, w->a), BOUND_MAYBE);
		assert_ptr_equal(w->b->macro, w->one);
		macro_begin(&w->m, &w->arena);
		if (i == 1) {	/* one that has none, in between */
			assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
			define(w, w->b, w->one);
			macro_begin(&w->m, &w->arena);
			assert_int_equal(macro_bound(&w->m, w->b), BOUND_NOT);
		}
		assert_true(macro_begin_base(&w->m, 7, 2));
	}
	/* what the latest scan makes of the name again can be hidden again */
	define(w, w->a, w->two);
	assert_ptr_equal(w->a->macro, w->two);
}

static void
test_another_base_is_another_one(void **state)
{
	struct world *w = *state;

	macro_begin(&w->m, &w->arena);
	assert_false(macro_begin_base(&w->m, 7, 1));
	macro_bind_base(&w->m, w->a, w->one);
	define(w, w->a, NULL);
	macro_begin(&w->m, &w->arena);
	assert_false(macro_begin_base(&w->m, 8, 1));
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
	macro_bind_base(&w->m, w->b, w->two);
	macro_begin(&w->m, &w->arena);
	assert_true(macro_begin_base(&w->m, 8, 1));
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_NOT);
	assert_ptr_equal(w->b->macro, w->two);
	macro_begin(&w->m, &w->arena);
	assert_false(macro_begin_base(&w->m, 8, 2));	/* it has grown */
	macro_begin(&w->m, &w->arena);
	assert_false(macro_begin_base(&w->m, 7, 1));
}

/* In a branch that may not be taken, too, it is so behind the branch. */
static void
test_bound_late_is_no_change(void **state)
{
	struct world *w = *state;
	struct join j;

	macro_join_begin(&w->m, &j);
	macro_bind_late(&w->m, w->a, w->one, w->one->number);
	macro_bind_late(&w->m, w->b, NULL, BOUND_SOME);
	define(w, w->c, w->one);
	macro_join_branch(&w->m, &j);
	macro_join_end(&w->m, &j, false);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_MACRO);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_SOME);
	assert_int_equal(macro_bound(&w->m, w->c), BOUND_MAYBE);
}

/* Two definitions that look the same need not be read to tell, and others only
 * so often. */
static void
test_joins_read_only_so_much(void **state)
{
	enum { PAIRS = 1500, LONG = 900 };
	struct world *w = *state;
	const size_t size = (size_t)PAIRS * 2 * (LONG + 40);
	char *text = malloc(size), *copy;
	struct unit u;
	struct join j;
	size_t read = 0, n = 0;
	int i;

	assert_non_null(text);
	for (i = 0; i < PAIRS * 2; i++)
		n += (size_t)snprintf(text + n, size - n,
		    "#define N%d %*s%d\n", i / 2, LONG, "", i < 2 ? 1 : i);
	test_lex(&w->atoms, text, n, &test_mode, &u, &copy);
	macro_join_begin(&w->m, &j);
	for (i = 0; i < PAIRS; i++)
		define(w, u.dirs[2 * i].sym, u.dirs[2 * i].macro);
	macro_join_branch(&w->m, &j);
	for (i = 0; i < PAIRS; i++)
		define(w, u.dirs[2 * i].sym, u.dirs[2 * i + 1].macro);
	macro_join_branch(&w->m, &j);
	assert_true(w->m.work >= PAIRS);
	macro_join_end(&w->m, &j, true);
	for (i = 0; i < PAIRS; i++) {
		assert_int_equal(macro_bound(&w->m, u.dirs[2 * i].sym),
		    i == 0 ? BOUND_MACRO : BOUND_SOME);
		read += u.dirs[2 * i].macro->source == NULL;
	}
	assert_non_null(u.dirs[0].macro->source);
	assert_true(read > PAIRS / 4 && read < PAIRS / 2);
	unit_free(&u);
	free(copy);
	free(text);
}

static void
test_a_pop_tells_how_far_it_went(void **state)
{
	struct world *w = *state;
	int i;

	macro_push(&w->m, w->a);
	for (i = 0; i < 100; i++)
		macro_push(&w->m, w->b);
	assert_int_equal(w->m.work, 0);
	macro_pop(&w->m, w->a);
	assert_int_equal(w->m.work, 100);
}

/* ---- what a trace has of it ---- */

static const struct use *
use_of(const struct trace *t, const struct sym *s)
{
	for (size_t i = t->floor; i < t->nuses; i++)
		if (t->uses[i].sym == s)
			return &t->uses[i];
	return NULL;
}

static void
ask(struct world *w, struct sym *s)
{
	trace_ask(w->m.trace, s, macro_identity(&w->m, s));
}

static void
test_a_trace_knows_who_was_asked_and_who_was_set(void **state)
{
	struct world *w = *state;
	struct trace t = { .recording = 1 };

	w->m.trace = &t;
	define(w, w->b, w->one);
	ask(w, w->a);
	ask(w, w->a);
	define(w, w->a, w->two);
	ask(w, w->b);
	assert_int_equal(t.nuses, 2);
	assert_false(use_of(&t, w->a)->is_set_first);
	assert_true(use_of(&t, w->a)->is_set);
	assert_int_equal(use_of(&t, w->a)->was, BOUND_NOT);
	assert_true(use_of(&t, w->b)->is_set_first);
	assert_null(use_of(&t, w->c));
	w->m.trace = NULL;
	trace_free(&t);
}

static void
test_above_a_floor_a_name_is_new(void **state)
{
	struct world *w = *state;
	struct trace t = { .recording = 1 };

	w->m.trace = &t;
	ask(w, w->a);
	t.floor = t.nuses;
	define(w, w->a, w->one);
	assert_int_equal(t.nuses, 2);
	assert_true(use_of(&t, w->a)->is_set_first);
	w->m.trace = NULL;
	trace_free(&t);
}

/* What two branches come to depends on what was before them. */
static void
test_a_join_asks_for_what_it_changes(void **state)
{
	struct world *w = *state;
	struct trace t = { .recording = 1 };
	struct join j;

	w->m.trace = &t;
	macro_join_begin(&w->m, &j);
	define(w, w->a, w->one);
	macro_join_branch(&w->m, &j);
	macro_join_end(&w->m, &j, false);
	assert_false(use_of(&t, w->a)->is_set_first);
	assert_true(use_of(&t, w->a)->is_set);
	w->m.trace = NULL;
	trace_free(&t);
}

static void
test_nothing_is_traced_while_nothing_is_recorded(void **state)
{
	struct world *w = *state;
	struct trace t = { .recording = 0 };

	w->m.trace = &t;
	ask(w, w->a);
	define(w, w->b, w->one);
	assert_int_equal(t.nuses, 0);
	macro_taint(&w->m, w->c);
	assert_true(t.is_off);
	w->m.trace = NULL;
	trace_free(&t);
}

/* What a name was bound to in an earlier scan may be gone: nobody looks. */
static void
test_what_an_earlier_scan_left_is_not_touched(void **state)
{
	struct world *w = *state;
	void *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	struct join j;

	assert_true(gone != MAP_FAILED);
	macro_define(&w->m, w->a, gone, 1);
	macro_define(&w->m, w->b, gone, 1);
	macro_begin(&w->m, &w->arena);
	macro_join_begin(&w->m, &j);
	define(w, w->a, w->one);
	macro_join_branch(&w->m, &j);
	macro_join_end(&w->m, &j, false);
	assert_int_equal(macro_bound(&w->m, w->a), BOUND_MAYBE);
	macro_push(&w->m, w->b);
	define(w, w->b, w->one);
	macro_pop(&w->m, w->b);
	assert_int_equal(macro_bound(&w->m, w->b), BOUND_NOT);
	(void)munmap(gone, 4096);
}

static void
test_a_trace_has_an_end(void **state)
{
	struct world *w = *state;
	struct trace t = { .recording = 1 };
	const uint32_t before = t.breaks;

	for (size_t i = 0; i < TRACE_MAX; i++)
		trace_op(&t, OP_PLACE, NULL, 0);
	assert_false(t.is_off);
	trace_op(&t, OP_PLACE, NULL, 0);
	assert_true(t.is_off && t.breaks != before);
	assert_int_equal(t.nops, TRACE_MAX);
	ask(w, w->a);
	trace_begin(&t);
	assert_false(t.is_off);
	assert_int_equal(t.nops, 0);
	trace_free(&t);
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
		cmocka_unit_test_setup_teardown(test_joins_read_only_so_much,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_pop_tells_how_far_it_went, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_base_is_bound_once,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_another_base_is_another_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bound_late_is_no_change,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_push_and_pop, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_trace_knows_who_was_asked_and_who_was_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_above_a_floor_a_name_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_join_asks_for_what_it_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_nothing_is_traced_while_nothing_is_recorded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_what_an_earlier_scan_left_is_not_touched, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_trace_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
