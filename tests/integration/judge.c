/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge - ask policy/ about command lines, for test_options.py: on each line of
 * standard input a family and an argv, the words separated by \x1f; answers "0"
 * or "refused" and the reason.
 */
#include <stdio.h>
#include <string.h>

#include "policy/cmdline.h"

#define WORDS_MAX	64

int
main(void)
{
	char line[8192], why[CMDLINE_WHY_BYTES];
	char *argv[WORDS_MAX + 1];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *save, *p;
		size_t n = 0;
		unsigned int protocol = (unsigned int)(line[1] - '0');
		int r;

		line[strcspn(line, "\n")] = '\0';
		for (p = strtok_r(line + 2, "\x1f", &save);
		    p != NULL && n < WORDS_MAX; p = strtok_r(NULL, "\x1f", &save))
			argv[n++] = p;
		argv[n] = NULL;
		r = cmdline_judge(argv, line[0] == 'G' ? FAMILY_GCC :
		    FAMILY_CLANG, protocol, why);
		(void)printf("%s %s\n", r == 0 ? "0" : "refused", why);
	}
	return 0;
}
