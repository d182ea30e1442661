/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asmtext - what a preprocessed source tells the assembler. */
#ifndef CLIENT_ASMTEXT_H
#define CLIENT_ASMTEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * asmtext_reads_file - whether an asm of the source has a file read (.incbin,
 * .include): a host has none of that name, or another.
 * in      text: preprocessed C or C++; untrusted.  What is no asm is not looked
 *         at, but an expression in the place of its string may be anything
 */
bool asmtext_reads_file(const char *text, size_t len);

#endif
