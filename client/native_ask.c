/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compilers' answers to -###: a line of words for each command. */
#include <string.h>

#include "client/native.h"
#include "lib/buf.h"
#include "lib/mem.h"
#include "policy/compiler.h"
#include "wire/limits.h"

/* Both compilers quote words with blanks and the like as "word", and put a
 * backslash before what would end that. */
static int
read_word(const char **p, struct buf *b)
{
	bool is_quoted = false;
	int r = 0;

	buf_reset(b);
	for (; r == 0 && **p != '\0' && **p != '\n'; (*p)++) {
		if (**p == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (**p == ' ' && !is_quoted)
			break;
		if (**p == '\\' && (*p)[1] != '\0' && (*p)[1] != '\n')
			(*p)++;
		r = buf_append(b, *p, 1);
	}
	return is_quoted && r == 0 ? ERR_SYNTAX : r;
}

static int
read_line(const char *p, struct words *out)
{
	struct buf b = BUF_INIT(WIRE_ARG_MAX_BYTES);
	int r = 0;

	while (r == 0) {
		const char *word;

		p += strspn(p, " ");
		if (*p == '\0' || *p == '\n')
			break;
		r = read_word(&p, &b);
		word = buf_str(&b);
		if (r == 0 && (word == NULL || out->n == WIRE_ARGC_MAX))
			r = ERR_LIMIT;
		if (r == 0)
			words_add(out, word);
	}
	buf_free(&b);
	return r;
}

/* "…/cc1 …", "…/cc1plus …" or "…/clang -cc1 …" */
static bool
is_compiler_proper(const struct words *w)
{
	return w->n > 1 && (strncmp(compiler_base(w->argv[0]), "cc1", 3) == 0 ||
	    strcmp(w->argv[1], "-cc1") == 0);
}

int
native_read_driver(const char *text, struct words *out)
{
	*out = (struct words){ NULL, 0, 0 };
	/* commands are among the lines that begin with a blank */
	for (; text != NULL; text = strchr(text, '\n')) {
		int r;

		text += *text == '\n' ? 1 : 0;
		if (*text != ' ')
			continue;
		r = read_line(text, out);
		if (r < 0 || is_compiler_proper(out))
			return r;
		words_free(out);
	}
	return ERR_NOENT;
}

/* gcc's driver hands on what it found out: -m..., and sizes of caches, which
 * stand at another place when they are given. */
void
native_pick_gcc(const struct words *cc1, struct words *out)
{
	*out = (struct words){ NULL, 0, 0 };
	for (size_t i = 1; i < cc1->n; i++) {
		if (strncmp(cc1->argv[i], "-m", 2) == 0)
			words_add(out, cc1->argv[i]);
	}
	for (size_t i = 1; i < cc1->n; i++) {
		AUTOFREE char *one = NULL;

		if (strncmp(cc1->argv[i], "--param=", 8) == 0)
			one = mem_strdup(cc1->argv[i]);
		else if (strcmp(cc1->argv[i], "--param") == 0 && i + 1 < cc1->n)
			one = mem_printf("--param=%s", cc1->argv[++i]);
		if (one != NULL)
			words_add(out, one);
	}
}

/* clang's has a processor, one to tune for, and a long list of features. */
void
native_pick_clang(const struct words *cc1, struct words *out)
{
	static const char *const names[] = {
		"-target-cpu", "-tune-cpu", "-target-feature",
	};

	*out = (struct words){ NULL, 0, 0 };
	for (size_t i = 1; i + 1 < cc1->n; i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			if (strcmp(cc1->argv[i], names[k]) != 0)
				continue;
			words_add(out, names[k]);
			words_add(out, cc1->argv[++i]);
			break;
		}
	}
}
