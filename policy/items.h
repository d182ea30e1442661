/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * items - words that the driver hands on to another program: the assembler
 * (-Wa, -Xassembler), the preprocessor (-Wp, -Xpreprocessor), clang's frontend
 * (-Xclang) and LLVM (-mllvm).  Only listed ones pass.
 */
#ifndef POLICY_ITEMS_H
#define POLICY_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

enum items_next {		/* what the word behind this one has to be */
	ITEMS_NONE,
	ITEMS_LLVM,
	ITEMS_FEATURE,
	ITEMS_CPU,
	ITEMS_TEXT,
};

/* items_assembler - a list with commas (or one word of -Xassembler). */
bool items_assembler(const char *list);

/* items_cpp - the same for -Wp,; only protocol 3 may name an output. */
bool items_cpp(const char *list, unsigned int protocol);

/* items_cpp_output - the file behind -MD, -MMD or -MF in a -Wp, list, and its
 * length; NULL: none.  Borrowed from list. */
const char *items_cpp_output(const char *list, size_t *len);

/* items_cpp_has - whether item stands in a -Wp, list. */
bool items_cpp_has(const char *list, const char *item);

/* items_frontend - one word of -Xclang; *next carries from word to word and
 * has to be ITEMS_NONE when the command line ends. */
bool items_frontend(const char *word, enum items_next *next);

/* items_llvm - one word of -mllvm. */
bool items_llvm(const char *word);

#endif
