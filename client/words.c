/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/words.h"
#include "lib/mem.h"

#define FIRST_ROOM	16

void
words_add_len(struct words *w, const char *word, size_t len)
{
	size_t room = w->n + 1;		/* with the NULL; doubled when full */

	if (w->argv == NULL)
		w->argv = mem_calloc(FIRST_ROOM, sizeof(*w->argv));
	else if (room >= FIRST_ROOM && (room & (room - 1)) == 0)
		w->argv = mem_realloc(w->argv, room * 2, sizeof(*w->argv));
	w->argv[w->n++] = mem_strndup(word, len);
	w->argv[w->n] = NULL;
	w->bytes += len + 1;
}

void
words_add(struct words *w, const char *word)
{
	words_add_len(w, word, strlen(word));
}

void
words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->argv[i]);
	free(w->argv);
	*w = (struct words){ NULL, 0, 0 };
}
