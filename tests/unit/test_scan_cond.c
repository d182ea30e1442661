/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/text.c client/scan/lex.c client/scan/unit.c client/scan/watch.c client/scan/macro.c client/scan/trace.c client/scan/recall.c client/scan/expand.c client/scan/cond.c */
#include <stdio.h>

#include "scan_test.h"

#include "client/scan/cond.h"

/* T true, F false, U undecided; M may be a macro, S is one, V varies. */
static const struct row {
	const char *text;
	char want;
} rows[] = {
	{ "1", 'T' }, { "0", 'F' }, { "X", 'F' }, { "ONE", 'T' },
	{ "0x10 == 16 && 010 == 8 && 0b11 == 3", 'T' },
	{ "1'000 == 1000", 'T' }, { "10L == 10ull", 'T' },
	{ "-1 < 0", 'T' }, { "-1 < 0u", 'F' },
	{ "-1 > 0xffffffffffffffff - 1", 'T' },
	{ "(2 || 3) != 2", 'T' }, { "2 + 3 * 4 == 14", 'T' },
	{ "10 - 2 - 3 == 5", 'T' }, { "100 / 7 % 4 == 2", 'T' },
	{ "-7 / 2 == -3 && -7 % 2 == -1", 'T' },
	{ "1 << 4 == 16", 'T' }, { "-8 >> 1 == -4", 'T' },
	{ "1 << -1 == 0", 'T' }, { "~0 == -1 && !0 && +1", 'T' },
	{ "1 ? 0 : 1", 'F' }, { "0 ? 0 : 1 ? 2 : 0", 'T' },
	{ "(1 ? -1 : 0u) > 0", 'T' }, { "6 & 3 == 3", 'F' },
	{ "(6 ^ 3) == 5 && (6 | 1) == 7", 'T' },
	{ "'a' == 97 && '\\n' == 10 && '\\0' == 0", 'T' },
	{ "'ab'", 'U' }, { "L'a'", 'U' }, { "'\\xff' < 0", 'U' },
	{ "defined X", 'F' }, { "defined(ONE)", 'T' }, { "defined ONE", 'T' },
	{ "defined M", 'U' }, { "defined S", 'T' }, { "defined(V)", 'T' },
	{ "defined DEFS", 'T' }, { "DEFS", 'T' },
	{ "0 && defined M", 'F' }, { "1 || defined M", 'T' },
	{ "defined M && 0", 'F' }, { "defined M || 1", 'T' },
	{ "defined M ? 1 : 1", 'T' }, { "defined M ? 1 : 0", 'U' },
	{ "1 || S", 'U' },	/* S could hold any operator */
	{ "0 && M", 'U' }, { "V", 'U' }, { "V > 5", 'U' },
	{ "FUN(0)", 'T' }, { "FUN", 'F' },
	{ "1 / 0", 'U' }, { "", 'U' }, { "1 2", 'U' }, { "(1", 'U' },
	{ "X(1)", 'U' }, { "1 +", 'U' }, { "\"a\"", 'U' }, { "12abc", 'U' },
	{ "#machine(x86)", 'U' },
	{ "__has_include(<yes.h>)", 'T' }, { "__has_include(\"no.h\")", 'F' },
	{ "__has_include(YES)", 'T' }, { "__has_include(<a-b/c d.h>)", 'F' },
	{ "__has_include_next(<yes.h>)", 'T' }, { "__has_include()", 'U' },
	{ "__has_builtin(known) == 7", 'T' }, { "__has_builtin(other)", 'U' },
	{ "0 && __has_builtin(other)", 'F' },
	{ "__has_builtin(gnu :: x) == 9", 'T' },
	{ "true", 'T' }, { "true and not false", 'T' },
	{ "1 bitand 3 not_eq 0", 'T' }, { "compl 0 == -1", 'T' },
};

static const char prelude[] =
    "#define ONE 1\n#define FUN(x) (1 + x)\n#define YES <yes.h>\n"
    "#define DEFS defined(ONE) && !defined(TWO)\n";

static int
has_include(void *arg, enum word word, struct sym *name, bool is_angle,
    bool *found)
{
	(void)arg;
	(void)word;
	(void)is_angle;
	*found = strcmp(name->name, "yes.h") == 0;
	return 0;
}

static int
ask(void *arg, const char *query, uint64_t *value)
{
	(void)arg;
	*value = strcmp(query, "__has_builtin(known)") == 0 ? 7 : 9;
	return *value == 7 || strcmp(query, "__has_builtin(gnu::x)") == 0 ?
	    0 : ERR_NOENT;
}

static void
set_builtins(struct atoms *atoms, struct macros *m)
{
	static const char *const names[] = { "__has_include",
		"__has_include_next", "__has_builtin" };
	static const struct macro builtin = { .is_builtin = true };
	struct sym *v = atoms_get(atoms, "V", 1);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		macro_set(m, atoms_get(atoms, names[i], strlen(names[i])),
		    BOUND_MACRO, &builtin);
	v->word = WORD_VARIES;
	macro_set(m, v, BOUND_MACRO, &builtin);
	macro_set(m, atoms_get(atoms, "M", 1), BOUND_MAYBE, NULL);
	macro_set(m, atoms_get(atoms, "S", 1), BOUND_SOME, NULL);
}

static void
test_rows(void **state)
{
	static const struct cond_language lang = { true, true };
	static const struct cond_asks asks = { NULL, has_include, ask };
	struct atoms atoms;
	struct macros macros;
	struct expand e;
	struct arena arena;
	struct unit u, v;
	char text[256], *copy, *copy2;
	enum truth truth;
	size_t i;

	(void)state;
	memset(&macros, 0, sizeof(macros));
	memset(&arena, 0, sizeof(arena));
	atoms_init(&atoms);
	expand_init(&e, &atoms, &macros);
	macro_begin(&macros, &arena);
	test_lex(&atoms, prelude, strlen(prelude), &test_mode, &u, &copy);
	assert_null(test_define(&macros, &u));
	set_builtins(&atoms, &macros);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* the parentheses keep "defined X" from becoming #ifdef */
		(void)snprintf(text, sizeof(text), "#if (%s)", rows[i].text);
		test_lex(&atoms, text, strlen(text), &test_mode, &v, &copy2);
		assert_int_equal(v.dirs[0].kind, DIR_IF);
		assert_int_equal(cond_eval(&e, v.dirs[0].toks, &lang, &asks,
		    &truth), 0);
		if ("FTU"[truth] != rows[i].want)
			fail_msg("#if %s: %c, not %c", rows[i].text,
			    "FTU"[truth], rows[i].want);
		unit_free(&v);
		free(copy2);
	}
	unit_free(&u);
	free(copy);
	expand_free(&e);
	macro_free(&macros);
	arena_free(&arena);
	atoms_free(&atoms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
