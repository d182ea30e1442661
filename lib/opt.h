/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt - command-line options as a table.
 *
 * One row an option: how it is spelled, whether it takes a value, what it
 * does, and the text that --help prints.  Parsing is getopt_long(3)'s, so
 * --name=VALUE, --name VALUE, -nVALUE and unambiguous abbreviations work.
 */
#ifndef LIB_OPT_H
#define LIB_OPT_H

#include <stddef.h>

#include "lib/err.h"

enum opt_value { OPT_NONE, OPT_REQUIRED, OPT_OPTIONAL };

struct opt {
	const char *name;	/* long name without dashes, or NULL */
	char letter;		/* short name, or 0 */
	enum opt_value value;
	const char *value_name;	/* "FILE", for --help */
	const char *help;	/* NULL: not shown */
	/*
	 * set - act on the option.  value is NULL without one; target is
	 * opt_parse()'s.  Returns 0, or a negative error after it has logged
	 * why the value is wrong.
	 */
	int (*set)(void *target, const char *value);
};

/*
 * opt_parse - run a command line through a table.
 * in      table: n rows; argv: borrowed, may be permuted
 * out     *first: index of the first word that is no option
 * returns 0; ERR_SYNTAX for an unknown option or a missing value (getopt has
 *         printed the reason); what a row's set() returned
 */
int opt_parse(const struct opt *table, size_t n, int argc, char **argv,
    void *target, int *first) MUST_CHECK;

/* opt_print_help - one line a row that has a help text, to stdout. */
void opt_print_help(const struct opt *table, size_t n);

/*
 * opt_number - a decimal number within [min, max]; ERR_SYNTAX, logged with
 * the option's name, for anything else (signs, blanks, trailing text).
 */
int opt_number(const char *name, const char *value, long min, long max,
    long *out) MUST_CHECK;

#endif
