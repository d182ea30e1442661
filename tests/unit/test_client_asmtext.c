/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/asmtext.c client/scan/text.c lib/mem.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/asmtext.h"

static const char *const reading[] = {
	"asm(\".incbin \\\"f\\\"\");",
	"__asm__ volatile (\"nop\\n\\t.include\\t\\\"f\\\"\" : : \"r\"(x));",
	"__asm __volatile__ goto\n(\n# 7 \"x.h\"\n\"\\n.INCBIN \\\"f\\\"\");",
	"int x; asm(\".incbin\" \" \\\"f\\\"\");",
	"asm(\".inc\"\n\n# 3 \"y.h\" 3 4\n\"b\" \"\" \"in \\\"f\\\"\");",
	"asm(\".incbin/**/\\\"f\\\"\");",
	"asm(\".in\\143bin\\42f\\42\"); ",
	"asm(\".\\x69nclude \\\"f\\\"\");",
	"asm(R\"(.incbin \"f\")\");",
	"asm(R\"x(nop )\" \n.incbin \"f\")x\");",
	"asm(\".macro m a\\n.inc\\\\a \\\"f\\\"\\n.endm\\nm bin\");",
	"asm(\".inc{bin|bin} \\\"f\\\"\");",
	"asm((text()));",
	"asm/* kept */(// so\n\".incbin \\\"f\\\"\");",
	"asm(\".incbin \\\"f",		/* no end */
};

static const char *const other[] = {
	"", "asm", "asm(", "asm(\"", "asm(\"\\", "asm(R\"", "asm(R\"x(.incbin f",
	"asm(\"nop\");",
	"const char *p = \".incbin \\\"f\\\"\";",
	"f(\"no .incbin\\n\");",
	"asm(\".incbinary \\\"f\\\"\\n.include.x\\n.incbin\\n .include ;\");",
	"plasma(\".incbin \\\"f\\\"\"); asmx(\".incbin \\\"f\\\"\");",
	"# 1 \"/usr/include/asm/x.h\"\nint y(\".incbin f\");",
	"int asm; f(\".incbin f\");",
	"asm(\"nop\" : : \"r\"(f(\".incbin f\")));",
};

static void
test_source_whose_asm_reads_a_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reading) / sizeof(reading[0]); i++)
		if (!asmtext_reads_file(reading[i], strlen(reading[i])))
			fail_msg("not seen: %s", reading[i]);
}

static void
test_source_whose_asm_does_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (asmtext_reads_file(other[i], strlen(other[i])))
			fail_msg("seen: %s", other[i]);
}

/* It may be cut anywhere, and nothing behind the end counts. */
static void
test_text_that_ends_early(void **state)
{
	static const char text[] = "asm(\"x.incbin \\\"f\\\"\");";

	(void)state;
	for (size_t i = 0; i < sizeof(reading) / sizeof(reading[0]); i++)
		for (size_t n = 0; n < strlen(reading[i]); n++) {
			char *exact = test_malloc(n + 1);

			memcpy(exact, reading[i], n);
			(void)asmtext_reads_file(exact, n);
			test_free(exact);
		}
	assert_true(asmtext_reads_file(text, strlen(text)));
	assert_false(asmtext_reads_file(text, strlen("asm(\"x.incbi")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source_whose_asm_reads_a_file),
		cmocka_unit_test(test_source_whose_asm_does_not),
		cmocka_unit_test(test_text_that_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
