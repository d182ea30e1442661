/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/scan/atom.c client/scan/text.c client/scan/lex.c client/scan/unit.c client/scan/watch.c client/scan/macro.c client/scan/trace.c */
#include <stdio.h>

#include "scan_test.h"

static const struct row {
	const char *text, *want;
} rows[] = {
	{ "", "" },
	{ "int x;\n", "" },
	{ "#include \"a.h\"\n", "i(a.h)" },
	{ "#include <a.h>\n", "i<a.h>" },
	{ " # include/**/<a.h> // x\n", "i<a.h>" },
	{ "#include", "i*" },
	{ "#include X(1)\n", "i*" },
	{ "#include_next <a>\n#import <b>\n#embed \"c\"\n",
	    "N<a>I<b>M(c)" },
	{ "/* #define A */ #define B\n", "D" },
	{ "/*\n*/#undef B\n", "U" },
	{ "x #define B\n", "" },
	{ "// a \\\n#define B\n", "" },
	{ "\"a\\\"\n#define B\n", "D" },
	{ "'\"'\n#define B\n", "D" },
	{ "it's /*\n#define B\n", "D" },
	{ "\"a\\\n#define B\n", "" },
	{ "R\"(\n#define B\n)\"\n#undef C\n", "U" },
	{ "u8R\"x(\n)\"\n#define B\n)x\"\n#undef C\n", "U" },
	{ "xR\"(\n#define B\n", "D" },
	{ "1'000\n#define B\n'\n", "D" },
	{ "#define X \\\n 1\n#undef X\n", "DU" },
	{ "#def\\\nine X\n", "D" },
	{ "#define X /*\n#undef X\n*/ 1\n", "D" },
	{ "#define X(a,b) a\n#define Y(...) 1\n#define Z(a...) a\n", "DDD" },
	{ "#define X(a\n#define 1\n#define\n", "D" },
	{ "#ifdef A\n#elif B\n#else\n#endif\n", "d1eZ" },
	{ "#if defined A\n#elif !defined(B)\n#endif\n", "d3Z" },
	{ "#if defined A && 1\n#endif\n", "?Z" },
	{ "#pragma once\n", "O" },
	{ "#define a\\u00c1b 1\n#undef C\n", "X" },
	{ "#define \\u00c1b 1\n", "X" },
	{ "#define A x\\U000000C1\n", "X" },
	{ "#if 0\n#elif b\\u00c1\n#include <a>\n#endif\n", "X" },
	{ "#define A \\ u \"\\u00c1\" '\\u00c1'\n#undef C\n", "DU" },
	{ "#pragma push_macro(\"X\")\n#pragma pop_macro(\"X\")\n", "><" },
	{ "#define A _Pragma(\"push_macro(\\\"X\\\")\")\n", "TD" },
	{ "P(push_macro(\"X\"))\n", "T" },
	{ "#pragma GCC dependency \"x\" y\n", "p" },
	{ "asm(\".incbin \\\"f\\\"\");\n", "b" },
	{ "asm(\".incbin \" X);\n", "X" },
	{ "\".incbinary\" \".include <x>\"\n", "" },
	{ "\"\\t.include \\\"f\\\"\"\n", "a" },
	{ "asm(\".INCBIN \\\"f\\\"\");\n", "b" },
	{ "asm(\".incbin\" \" \\\"f\\\"\");\n", "X" },
	{ "f(\"x.include\", 1); asm(\".incbin\" F);\n", "X" },
	{ "#define A \".incbin\"\n", "XD" },
	{ "#include \"a.inc\"\n#import \"a.in\"\nx;\n", "i(a.inc)I(a.in)" },
	{ "#embed \"a.inc\"\n#error \"a.in\"\nx;\n", "M(a.inc)" },
	{ "asm(\".incbin/**/\\\"f\\\"\");\n", "X" },
	{ "asm(\".inc\"\n \"BIN \\\"f\\\"\");\n", "X" },
	{ "asm(\".\" \"include \\\"f\\\"\");\n", "X" },
	{ "asm(\".inc\" \"\" \"bin \\\"f\\\"\");\n", "X" },
	{ "asm(\".in\" REST);\n#define A \".inc\"\n", "XXD" },
	{ "\"end.\" \"in\"; f(\".in\", x); \".in\" \"k\"\n", "X" },
	{ "\"end.\" x \".inco\" \".in\"\n#define A \".in\"\nx\n", "D" },
	{ "%:include <a>\n", "i<a>" },
	{ "\xef\xbb\xbf#include <a>\n", "i<a>" },
	{ "#include <a>\r\n#define X\r\n", "i<a>D" },
	{ "#warning don't\n#error \"\n#ident \"x\"\n#nothing\n# 1 \"x\"\n",
	    "l(x)" },
	{ "#ifdef A", "d" },
	{ "#else\n#endif\n#endif\n", "eZZ" },
	{ "/**/ /**/\t#define B\n", "D" },
	{ "\f\v\r#define B\n", "D" },
	{ "\\\n#define B\n", "D" },
	{ "x\\\n#define B\n", "" },
	{ "x\\\n\\\n/**/ #define B\n#undef C\n", "U" },
	{ "x/*\n*/#define B\n", "" },
	{ "x // y\n#define B\n", "D" },
	{ "x // y \\\n#define B\n#undef C\n", "U" },
	{ "x /\\\n/ y\n#define B\n", "D" },
	{ "/*\n*/ /**/ \\ \n #define B\n", "D" },
	{ "a / b * /* * ** *\\\n/ c\n#define B\n", "D" },
	{ "/***/#define B\n/**\\*/\n#undef C /*/*/\n#undef D\n", "DUU" },
	{ "%define A\n  %:define B\nx %:define C\n", "D" },
	{ "x #\n##define A\n#define B\n", "D" },
	{ "x = y % z;\n#define B\n", "D" },
	{ "\"a\n#define B\n", "D" },
	{ "\"a\\\n\n#define B\n", "D" },
	{ "\"a\" #define B\n", "" },
	{ "'a' /**/ #define B\n", "" },
	{ "0x1'0 #define B\n", "" },
	{ "\"it takes more than a block: .incbin \\\"f\\\"\"\n", "b" },
	{ "\"it takes more than a block: _macro(\\\"X\\\")\"\n", "T" },
	{ "\"(\" \".\" \"(\\\"\" \".i\", _Pragma ( \"once\")\n", "m" },
	{ "#define A _Pragma(\"once\")\n", "XD" },
	{ "#true R\"(\n#define B\n", "" },
	{ "#line 1 \"a.y\"\n#line 9 \"a.c\"\n#line 2 \"a.y\"\n# 3 \"b\" 2\n",
	  "l(a.y)l(a.c)l(b)" },
	{ "#line 7\n#line 1 L\"a\"\n#line 1 \"\"\n#line\n# 1\n"
	  "#line N \"a\\b\"\n", "" },
};

static void
show(const struct unit *u, char *out, size_t size)
{
	static const char kinds[] = {
		[DIR_IF] = '?', [DIR_IFDEF] = 'd', [DIR_IFNDEF] = 'n',
		[DIR_ELIF] = '1', [DIR_ELIFDEF] = '2', [DIR_ELIFNDEF] = '3',
		[DIR_ELSE] = 'e', [DIR_ENDIF] = 'Z', [DIR_INCLUDE] = 'i',
		[DIR_INCLUDE_NEXT] = 'N', [DIR_IMPORT] = 'I',
		[DIR_EMBED] = 'M', [DIR_DEFINE] = 'D', [DIR_UNDEF] = 'U',
		[DIR_ONCE] = 'O', [DIR_MAYBE_ONCE] = 'm',
		[DIR_PUSH] = '>', [DIR_POP] = '<',
		[DIR_TAINT] = 'T', [DIR_DEPENDENCY] = 'p',
		[DIR_INCBIN] = 'b', [DIR_ASM_INCLUDE] = 'a',
		[DIR_LINE] = 'l', [DIR_UNSURE] = 'X',
	};
	size_t i, n = 0;

	for (i = 0; i < u->n && n + 64 < size; i++) {
		const struct directive *d = &u->dirs[i];

		out[n++] = kinds[d->kind];
		if ((d->kind < DIR_INCLUDE || d->kind > DIR_EMBED) &&
		    d->kind != DIR_LINE)
			continue;
		if (d->name == NULL)
			out[n++] = '*';
		else
			n += (size_t)snprintf(out + n, 32, d->is_angle ?
			    "<%s>" : "(%s)", d->name->name);
	}
	out[n] = '\0';
}

static void
test_directives(void **state)
{
	struct atoms atoms;
	struct unit u;
	char got[512], *copy;
	size_t i;

	(void)state;
	atoms_init(&atoms);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_lex(&atoms, rows[i].text, strlen(rows[i].text),
		    &test_mode, &u, &copy);
		show(&u, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
		unit_free(&u);
		free(copy);
	}
	atoms_free(&atoms);
}

/* Wherever in the file it stands, and whatever its neighbours are. */
static void
test_places(void **state)
{
	static const char before[] = "int aaaaaaaaaaaaaaaa;\n"
	    "                                        ";
	struct atoms atoms;
	struct unit u;
	char got[512], text[256], *copy;
	size_t i, at, len;

	(void)state;
	atoms_init(&atoms);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (at = 0; at < sizeof(before) && rows[i].text[0] != '\xef'; at++) {
			len = (size_t)snprintf(text, sizeof(text), "%s%s",
			    before + sizeof(before) - 1 - at, rows[i].text);
			test_lex(&atoms, text, len, &test_mode, &u, &copy);
			show(&u, got, sizeof(got));
			assert_string_equal(got, rows[i].want);
			unit_free(&u);
			free(copy);
		}
	atoms_free(&atoms);
}

/* Each branch leads to the next, the last to #endif. */
static void
test_branches_are_linked(void **state)
{
	static const char text[] = "#if 1\n#ifdef X\n#else\n#endif\n"
	    "#elif 2\n#define A\n#else\n#endif\n#if 3\n";
	struct atoms atoms;
	struct unit u;
	char *copy;

	(void)state;
	atoms_init(&atoms);
	test_lex(&atoms, text, strlen(text), &test_mode, &u, &copy);
	assert_int_equal(u.n, 9);
	assert_int_equal(u.dirs[0].next, 4);
	assert_int_equal(u.dirs[1].next, 2);
	assert_int_equal(u.dirs[2].next, 3);
	assert_int_equal(u.dirs[4].next, 6);
	assert_int_equal(u.dirs[6].next, 7);
	assert_int_equal(u.dirs[8].next, 9);	/* never closed */
	unit_free(&u);
	free(copy);
	atoms_free(&atoms);
}

static void
test_guards(void **state)
{
	static const struct {
		const char *text;
		bool is_guarded;
	} guards[] = {
		{ "#ifndef G\n#endif\n", true },
		{ "// x\n#if !defined(G)\n#define A\n#if B\n#else\n#endif\n"
		    "#endif /* G */\nint x;\n", true },
		{ "#ifndef G\n#define A\n#else\n#endif\n", false },
		{ "#ifndef G\n#elif A\n#endif\n", false },
		{ "#ifndef G\n#elif A\n", false },
		{ "#ifndef G\n#define A\n", false },
		{ "#ifndef G\n#endif\n#define A\n", false },
		{ "#define A\n#ifndef G\n#endif\n", false },
		{ "#ifdef G\n#endif\n", false },
		{ "#ifndef\n#endif\n", false },
		{ "int x;\n", false },
	};
	struct atoms atoms;
	struct unit u;
	char *copy;
	size_t i;

	(void)state;
	atoms_init(&atoms);
	for (i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		test_lex(&atoms, guards[i].text, strlen(guards[i].text),
		    &test_mode, &u, &copy);
		if (guards[i].is_guarded)
			assert_string_equal(u.guard->name, "G");
		else
			assert_null(u.guard);
		unit_free(&u);
		free(copy);
	}
	atoms_free(&atoms);
}

/* A macro is read when it is wanted; one that is too long to wait, at once. */
static void
test_macros_are_read_later(void **state)
{
	static const char begin[] = "#define M(a, b...) a /*\n*/ #b R\"(x)\" ";
	enum { LONG = 3000 };
	struct atoms atoms;
	struct unit u = { .n = 0 };
	char text[sizeof(begin) + LONG + 3] = "";
	const struct macro *m;
	size_t spaces, held;

	(void)state;
	atoms_init(&atoms);
	for (spaces = 0; spaces <= LONG; spaces += LONG) {
		(void)snprintf(text, sizeof(text), "%s%*s2\n", begin,
		    (int)spaces, "");
		held = 0;
		lex_unit(&atoms, text, strlen(text) - 1, &test_mode, &u,
		    &held);
		m = u.dirs[0].macro;
		assert_true(m->is_function);
		assert_true((m->source == NULL) == (spaces != 0));
		held = u.arena.total;
		(void)lex_want_macro(m);
		assert_null(m->source);
		assert_int_equal(held, u.arena.total);
		assert_true(m->is_variadic);
		assert_int_equal(m->nparams, 2);
		assert_int_equal(m->body.n, 4);
		assert_int_equal(m->body.ptr[1].kind, TOK_PARAM);
		assert_int_equal(m->body.ptr[2].kind, TOK_STRING);
		assert_int_equal(m->body.ptr[3].len, 1);
		assert_ptr_equal(lex_want_macro(m), m);
		unit_free(&u);
	}
	atoms_free(&atoms);
}

/* What it takes then is counted with the rest. */
static void
test_macros_read_later_are_counted(void **state)
{
	static const char text[] = "#define M 1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1"
	    "+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1\n";
	struct atoms atoms;
	struct unit u = { .n = 0 };
	size_t held = 0, before;

	(void)state;
	atoms_init(&atoms);
	lex_unit(&atoms, text, sizeof(text) - 2, &test_mode, &u, &held);
	before = u.arena.total;
	(void)lex_want_macro(u.dirs[0].macro);
	assert_true(u.arena.total > before);
	assert_int_equal(held, u.arena.total - before);
	unit_free(&u);
	atoms_free(&atoms);
}

static void
test_modes(void **state)
{
	static const struct lex_mode plain = { false, false, true, false };
	static const char raw[] = "R\"(\"\n#define B\n)\"\n";
	static const char slashes[] = "1 //**/ 2 \"\n#define A\n";
	static const char tri[] = "?" "?=define X\n";
	/* where only who puts the line together sees the prefix */
	static const char spliced[] = "#define M F(R\\\n\"(\" , 1 ) + "
	    "F(\")\" , 0)\n";
	struct atoms atoms;
	struct unit u;
	char *copy;

	(void)state;
	atoms_init(&atoms);
	test_lex(&atoms, raw, strlen(raw), &plain, &u, &copy);
	assert_true(u.depends_on_mode);
	assert_int_equal(u.n, 1);
	unit_free(&u);
	free(copy);
	test_lex(&atoms, spliced, strlen(spliced), &plain, &u, &copy);
	assert_true(u.depends_on_mode);
	unit_free(&u);
	free(copy);
	test_lex(&atoms, slashes, strlen(slashes), &test_mode, &u, &copy);
	assert_true(u.depends_on_mode);
	unit_free(&u);
	free(copy);
	test_lex(&atoms, tri, strlen(tri), &plain, &u, &copy);
	assert_int_equal(u.dirs[0].kind, DIR_UNSURE);
	unit_free(&u);
	free(copy);
	test_lex(&atoms, "int x; // y\n", 12, &plain, &u, &copy);
	assert_false(u.depends_on_mode);
	unit_free(&u);
	free(copy);
	atoms_free(&atoms);
}

/* Any bytes give some list: each prefix of each row, and noise. */
static void
test_hostile_bytes(void **state)
{
	static const char pieces[] = "#\"'\\\n/*R(<>)a0 %:?.,\r\t";
	struct atoms atoms;
	struct unit u;
	uint32_t seed = 1;
	char text[300], *copy;
	size_t i, n, round;

	(void)state;
	atoms_init(&atoms);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (n = 0; n < strlen(rows[i].text); n++) {
			test_lex(&atoms, rows[i].text, n, &test_mode, &u,
			    &copy);
			unit_free(&u);
			free(copy);
		}
	for (round = 0; round < 20000; round++) {
		n = 0;
		if (round % 2 != 0) {
			memcpy(text, "#define X(a", 11);
			n = 11;
		}
		for (; n < sizeof(text); n++) {
			seed = seed * 1664525 + 1013904223;
			text[n] = round % 7 == 0 ? (char)(seed >> 24) :
			    pieces[(seed >> 20) % (sizeof(pieces) - 1)];
		}
		test_lex(&atoms, text, (seed >> 8) % sizeof(text),
		    &test_mode, &u, &copy);
		unit_free(&u);
		free(copy);
	}
	atoms_free(&atoms);
}

/*
 * The name is looked up in a copy, at the end of an arena's chunk now and then:
 * check-asan tells if more than the copy is read.  The text is so large that it
 * lies behind the arena.
 */
static void
test_a_pushed_name_is_read_to_its_end_only(void **state)
{
	static const char line[] = "#pragma push_macro(\"ab\")\n";
	const size_t n = 2 * 1024 * 1024, len = sizeof(line) - 1;
	char *text = malloc(n), *copy;
	struct atoms atoms;
	struct unit u;
	size_t i;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', n);
	for (i = 0; i < 2000; i++)
		memcpy(text + i * len, line, len);
	atoms_init(&atoms);
	test_lex(&atoms, text, n, &test_mode, &u, &copy);
	assert_int_equal(u.n, 2000);
	for (i = 0; i < u.n; i++) {
		assert_int_equal(u.dirs[i].kind, DIR_PUSH);
		assert_string_equal(u.dirs[i].sym->name, "ab");
	}
	unit_free(&u);
	free(copy);
	free(text);
	atoms_free(&atoms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directives),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_branches_are_linked),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_macros_are_read_later),
		cmocka_unit_test(test_macros_read_later_are_counted),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_hostile_bytes),
		cmocka_unit_test(test_a_pushed_name_is_read_to_its_end_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
