/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print - an answer as stock's distcc shows it. */
#include <stdio.h>

#include "client/scan/scan.h"

static const char *const kind_names[] = {
	[SCAN_FILE] = "FILE", [SCAN_SYMLINK] = "SYMLINK",
	[SCAN_DIRECTORY] = "DIRECTORY", [SCAN_SYSTEMDIR] = "SYSTEMDIR",
};

static bool
is_shown(const struct scan_entry *e, bool has_system)
{
	if (e->kind == SCAN_ABSENT || e->kind == SCAN_PRIVATE)
		return false;
	return !e->is_system || e->kind == SCAN_SYSTEMDIR || has_system;
}

void
scan_answer_print(const struct scan_answer *a, bool has_system)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct scan_entry *e = &a->entries[i];

		if (is_shown(e, has_system))
			(void)printf("%-9s %s\n", kind_names[e->kind],
			    e->path);
	}
}
