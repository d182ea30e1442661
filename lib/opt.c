/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/opt.h"

#define LONG_BASE	256	/* getopt values of rows, above any letter */

int
opt_parse(const struct opt *table, size_t n, int argc, char **argv,
    void *target, int *first)
{
	AUTOFREE struct option *longs = mem_calloc(n + 1, sizeof(*longs));
	AUTOFREE char *shorts = mem_calloc(3 * n + 2, 1);
	size_t nlongs = 0, len = 0;
	int c;

	for (size_t i = 0; i < n; i++) {
		if (table[i].name != NULL)
			longs[nlongs++] = (struct option){
				.name = table[i].name,
				.has_arg = (int)table[i].value,
				.val = LONG_BASE + (int)i,
			};
		if (table[i].letter != 0) {
			shorts[len++] = table[i].letter;
			for (int k = 0; k < (int)table[i].value; k++)
				shorts[len++] = ':';
		}
	}
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		size_t row = n;
		int r;

		if (c >= LONG_BASE)
			row = (size_t)(c - LONG_BASE);
		else
			for (size_t i = 0; i < n; i++)
				if (table[i].letter == c)
					row = i;
		if (row >= n)
			return ERR_SYNTAX;
		r = table[row].set(target, optarg);
		if (r < 0)
			return r;
	}
	*first = optind;
	return 0;
}

void
opt_print_help(const struct opt *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char left[80];
		int len;

		if (table[i].help == NULL)
			continue;
		len = table[i].letter != 0 ?
		    snprintf(left, sizeof(left), "-%c%s", table[i].letter,
		    table[i].name != NULL ? ", " : "") :
		    snprintf(left, sizeof(left), "%s", "");
		if (table[i].name != NULL)
			len += snprintf(left + len, sizeof(left) - (size_t)len,
			    "--%s", table[i].name);
		if (table[i].value == OPT_REQUIRED)
			(void)snprintf(left + len, sizeof(left) - (size_t)len,
			    " %s", table[i].value_name);
		else if (table[i].value == OPT_OPTIONAL)
			(void)snprintf(left + len, sizeof(left) - (size_t)len,
			    "[=%s]", table[i].value_name);
		(void)printf("    %-28s %s\n", left, table[i].help);
	}
}

int
opt_number(const char *name, const char *value, long min, long max, long *out)
{
	char *end;
	long n;

	errno = 0;
	n = value[0] >= '0' && value[0] <= '9' ?
	    strtol(value, &end, 10) : (end = (char *)(uintptr_t)value, 0);
	if (end == value || *end != '\0' || errno != 0 || n < min || n > max) {
		log_errx("%s: \"%s\" is not a number from %ld to %ld", name,
		    value, min, max);
		return ERR_SYNTAX;
	}
	*out = n;
	return 0;
}
