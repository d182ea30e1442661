/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf - the little of a program's header that says how it is loaded. */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include <stddef.h>

#include "lib/err.h"

/*
 * elf_interpreter - the dynamic loader that a program names.
 * in      path: a trusted file (root owns it)
 * out     interp: "" for a static program
 * returns 0; ERR_SYNTAX when it is no ELF file (a script, say), ERR_NOENT, …
 */
int elf_interpreter(const char *path, char *interp, size_t size) MUST_CHECK;

#endif
