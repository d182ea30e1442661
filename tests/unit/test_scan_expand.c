/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/text.c client/scan/lex.c client/scan/unit.c client/scan/watch.c client/scan/macro.c client/scan/trace.c client/scan/recall.c client/scan/expand.c client/scan/cond.c */
#include "scan_test.h"

#include <stdio.h>

#include "client/scan/cond.h"

/* The tokens of #include behind the #defines, expanded. */
static const struct row {
	const char *text, *want;
} rows[] = {
	{ "#define A b\n#include A", "b" },
	{ "#define A A\n#include A", "A" },
	{ "#define A B\n#define B A\n#include A B", "A B" },
	{ "#define F(x) [x]\n#include F(1) F (2) F", "[1] [2] F" },
	{ "#define F(x,y) x y\n#include F((1,2),(3)) F(,)", "(1,2) (3)" },
	{ "#define F() z\n#include F() F( )", "z z" },
	{ "#define S(x) #x\n#include S( a  b \"c\\n\" )",
	  "\"a b \\\"c\\\\n\\\"\"" },
	{ "#define S(x) #x\n#define X(x) S(x)\n#define A 1\n"
	  "#include S(A) X(A)", "\"A\" \"1\"" },
	{ "#define C(a,b) a##b\n#define AB ok\n#include C(A,B) C(1,2) "
	  "C(,x) C(x,) C(,)", "ok 12 x x" },
	{ "#define C(a,b) a ## b\n#define X(a,b) C(a,b)\n#define N 3\n"
	  "#include X(p,N) C(p,N)", "p3 pN" },
	{ "#define V(...) <__VA_ARGS__>\n#include V(1, 2) V()", "<1, 2> <>" },
	{ "#define G(f, ...) f(x, ## __VA_ARGS__)\n#include G(a) G(a,1)",
	  "a(x) a(x,1)" },
	{ "#define G(f, r...) f(x, ## r)\n#include G(a) G(a,1)",
	  "a(x) a(x,1)" },
	{ "#define O(...) f(0 __VA_OPT__(,) __VA_ARGS__)\n#include O() O(1)",
	  "f(0) f(0, 1)" },
	/* the standard's own examples */
	{ "#define x 3\n#define f(a) f(x * (a))\n#undef x\n#define x 2\n"
	  "#define g f\n#define z z[0]\n#define h g(~\n#define m(a) a(w)\n"
	  "#define w 0,1\n#define t(a) a\n#define p() int\n#define q(x) x\n"
	  "#define r(x,y) x ## y\n#include f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);",
	  "f(2 * (y+1)) + f(2 * (f(2 * (z[0])))) % f(2 * (0)) + t(1);" },
	{ "#define hash_hash # ## #\n#define mkstr(a) # a\n"
	  "#define in_between(a) mkstr(a)\n"
	  "#define join(c, d) in_between(c hash_hash d)\n#include join(x, y)",
	  "\"x ## y\"" },
	{ "#define t(x,y,z) x ## y ## z\n#include t(1,2,3) t(,4,5) t(6,,7) "
	  "t(8,9,) t(10,,) t(,11,) t(,,12) t(,,)",
	  "123 45 67 89 10 11 12" },
	{ "#define NIL(xxx) xxx\n#define G_0(arg) NIL(G_1)(arg)\n"
	  "#define G_1(arg) NIL(arg)\n#include G_0(42)", "42" },
	{ "#define EMPTY\n#define DEFER(x) x EMPTY\n#define F() 1\n"
	  "#define E(x) x\n#include DEFER(F)() E(DEFER(F)())", "F() 1" },
	{ "#define f(a) a*g\n#define g(a) f(a)\n#include f(2)(9)", "2*9*g" },
	/* not closed: the compiler would complain */
	{ "#define F(x) x\n#include F(1", "!" },
	{ "#define F(x) x\n#include F(1,2)", "!" },
};

static void
spell_all(struct expand *e, struct toks toks, char *out, size_t size)
{
	struct tok t;
	const char *s;
	size_t n = 0, len;

	expand_begin(e, toks);
	while ((t = expand_next(e)).kind != TOK_EOF) {
		s = lex_spelling(&t, &len);
		assert_true(n + len + 2 < size);
		if (n != 0 && (t.flags & TOK_WHITE) != 0)
			out[n++] = ' ';
		memcpy(out + n, s, len);
		n += len;
	}
	out[n] = '\0';
	if (e->broken)
		memcpy(out, "!", 2);
}

static void
test_rows(void **state)
{
	struct atoms atoms;
	struct macros macros;
	struct expand e;
	struct arena arena;
	struct unit u;
	char got[1024], *copy;
	const struct directive *d;
	size_t i;

	(void)state;
	memset(&macros, 0, sizeof(macros));
	memset(&arena, 0, sizeof(arena));
	atoms_init(&atoms);
	expand_init(&e, &atoms, &macros);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		macro_begin(&macros, &arena);
		test_lex(&atoms, rows[i].text, strlen(rows[i].text),
		    &test_mode, &u, &copy);
		d = test_define(&macros, &u);
		assert_non_null(d);
		spell_all(&e, d->toks, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
		unit_free(&u);
		free(copy);
	}
	expand_free(&e);
	macro_free(&macros);
	arena_free(&arena);
	atoms_free(&atoms);
}

/* Tokens of one argument, too. */
static void
test_an_argument_has_an_end(void **state)
{
	enum { BODY = 100000, TIMES = 40 };
	struct atoms atoms;
	struct macros macros;
	struct expand e;
	struct arena arena;
	struct unit u;
	const size_t size = BODY + 4 * TIMES + 100;
	char *text = malloc(size), *copy;
	size_t n;
	int i;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, size, "#define F(x) x\n#define B ");
	memset(text + n, '+', BODY);
	n += BODY;
	n += (size_t)snprintf(text + n, size - n, "\n#include F(");
	for (i = 0; i < TIMES; i++)
		n += (size_t)snprintf(text + n, size - n, "B ");
	n += (size_t)snprintf(text + n, size - n, ")\n");
	memset(&macros, 0, sizeof(macros));
	memset(&arena, 0, sizeof(arena));
	atoms_init(&atoms);
	expand_init(&e, &atoms, &macros);
	macro_begin(&macros, &arena);
	test_lex(&atoms, text, n, &test_mode, &u, &copy);
	expand_begin(&e, test_define(&macros, &u)->toks);
	while (expand_next(&e).kind != TOK_EOF)
		;
	assert_true(e.broken);
	assert_true(e.args_size <= (size_t)1024 * 1024);
	expand_begin(&e, (struct toks){ NULL, 0 });
	assert_int_equal(e.args_size, 0);	/* nobody will need as much */
	unit_free(&u);
	free(copy);
	free(text);
	expand_free(&e);
	macro_free(&macros);
	arena_free(&arena);
	atoms_free(&atoms);
}

/* Growth without end is stopped. */
static void
test_explosion(void **state)
{
	static const char text[] =
	    "#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(x))))\n"
	    "#define C(x) B(B(B(B(x))))\n#include C(C(1))\n";
	struct atoms atoms;
	struct macros macros;
	struct expand e;
	struct arena arena;
	struct unit u;
	char *copy;

	(void)state;
	memset(&macros, 0, sizeof(macros));
	memset(&arena, 0, sizeof(arena));
	atoms_init(&atoms);
	expand_init(&e, &atoms, &macros);
	macro_begin(&macros, &arena);
	test_lex(&atoms, text, strlen(text), &test_mode, &u, &copy);
	expand_begin(&e, test_define(&macros, &u)->toks);
	while (expand_next(&e).kind != TOK_EOF)
		;
	assert_true(e.broken);
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
		cmocka_unit_test(test_explosion),
		cmocka_unit_test(test_an_argument_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
