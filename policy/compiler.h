/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compiler - which program names are compilers, and of which family. */
#ifndef POLICY_COMPILER_H
#define POLICY_COMPILER_H

#include <stdbool.h>

#include "lib/err.h"

enum compiler_family { FAMILY_GCC, FAMILY_CLANG, FAMILY_OTHER };

/*
 * compiler_name_is_known - whether a base name has the form
 * [TRIPLE-](gcc|g++|cc|c++|clang|clang++)[-VERSION], TRIPLE = at least two
 * words of [A-Za-z0-9_.]+ joined by '-', VERSION = digits and dots.
 */
bool compiler_name_is_known(const char *base);

/* compiler_family - by base name; clang and clang++ in any spelling are
 * CLANG, the other known names GCC (cc may be either: GCC). */
enum compiler_family compiler_family(const char *base);

/* compiler_base - what follows the last '/' of name; never NULL. */
const char *compiler_base(const char *name);

#endif
