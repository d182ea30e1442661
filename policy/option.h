/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option - the table of compiler options and the one way to walk an argv.
 * Everything in policy/ that looks at a command line does it through
 * option_next(), so that all of it agrees on which word is a value.
 */
#ifndef POLICY_OPTION_H
#define POLICY_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/compiler.h"

#define OPTION_GCC	(1U << 0)
#define OPTION_CLANG	(1U << 1)

enum option_arity { ARITY_FLAG, ARITY_JOIN, ARITY_SEP, ARITY_JOINSEP };

enum option_class {
	CLASS_SAFE,		/* no file, no program */
	CLASS_CPP,		/* the preprocessor's; names no file */
	CLASS_LINK,		/* the linker's, which does not run */
	CLASS_COMPILE,		/* -c */
	CLASS_ASSEMBLE,		/* -S */
	CLASS_RESULT,		/* -o: the server puts its own name there */
	CLASS_LANGUAGE,		/* -x */
	CLASS_MACHINE,		/* -march= and the like */
	CLASS_TARGET,		/* clang's triple */
	CLASS_EXTERNAL_AS,	/* clang runs the system's assembler */
	CLASS_DIR,		/* a directory searched for headers */
	CLASS_SYSROOT,		/* the same, and clang looks there for programs */
	CLASS_INPUT,		/* a file that is read */
	CLASS_OUTPUT,		/* a file that is written */
	CLASS_ASSEMBLER,	/* items for as */
	CLASS_CPP_ITEMS,	/* items for cpp, which is cc1 */
	CLASS_FRONTEND,		/* a word for clang -cc1 */
	CLASS_LLVM,		/* a word for LLVM's own options */
	/* from here on: never on a server */
	CLASS_CODE,		/* runs or loads code */
	CLASS_SIDE,		/* writes files that are not sent back */
	CLASS_FILE,		/* reads a file that is not sent */
	CLASS_MODULE,
	CLASS_LOCAL,		/* the object would depend on the machine */
	CLASS_MODE,		/* does not make one object of one source */
	CLASS_REFUSED,
};

enum option_value {
	VALUE_NONE,
	VALUE_ANY,		/* text; no '-' or '@' in front when separate */
	VALUE_WORD,		/* cannot be a path or the name of a file */
	VALUE_CPU,		/* the same, but dots are fine */
	VALUE_NO_VALUE,		/* no '=' in what follows */
};

enum option_strip { STRIP_KEEP, STRIP_STRIP, STRIP_SEPONLY };

#define OPTION_NAME_BYTES	32

struct option {
	char name[OPTION_NAME_BYTES];	/* not a pointer, which each of our
					   short-lived processes would have
					   to relocate */
	size_t len;
	unsigned int families;		/* OPTION_* */
	enum option_arity arity;
	enum option_class class;
	enum option_value value;
	enum option_strip strip;
};

enum option_kind {
	OPTION_PLAIN,		/* no option: a file name */
	OPTION_KNOWN,		/* opt is set */
	OPTION_UNKNOWN,		/* starts with '-', has no row */
	OPTION_UNFINISHED,	/* opt wants a value and argv ends */
};

/* one step of a walk */
struct option_word {
	enum option_kind kind;
	size_t at;			/* argv index of the word */
	size_t words;			/* 1, or 2 with a separate value */
	const struct option *opt;	/* NULL for PLAIN and UNKNOWN */
	char *const *argv;		/* borrowed, begins at the word */
	const char *text;		/* argv[0] */
	const char *value;		/* NULL: none; borrowed from argv */
	bool is_joined;			/* value is part of text */
};

/*
 * option_next - look at argv[at].
 * in      argv: untrusted, NULL-terminated, argv[at] is not NULL
 *         family: FAMILY_OTHER takes the rows of both
 * A '-' alone is a file name.  The caller goes on at w->at + w->words.
 */
void option_next(char *const *argv, size_t at, enum compiler_family family,
    struct option_word *w);

/* option_is_of - whether the row belongs to the family. */
bool option_is_of(const struct option *opt, enum compiler_family family);

/* option_table - all rows, for tests. */
const struct option *option_table(size_t *n);

#endif
