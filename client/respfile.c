/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/respfile.h"
#include "lib/buf.h"
#include "lib/fd.h"
#include "wire/limits.h"

struct expand {
	struct words *out;
	size_t files;
};

/* One word on its way out of a file's text. */
struct token {
	struct buf text;
	bool has_begun;		/* also by quotes around nothing */
	char quote;		/* 0: none */
};

static int take(struct expand *x, const char *word);

static int
finish(struct expand *x, struct token *t)
{
	const char *word;

	if (!t->has_begun)
		return 0;
	t->has_begun = false;
	word = buf_str(&t->text);
	/* gcc makes an empty word of "", clang makes none */
	if (word == NULL || word[0] == '\0')
		return word == NULL ? ERR_NOMEM : ERR_SYNTAX;
	buf_reset(&t->text);	/* the bytes stay until the next put() */
	return take(x, word);
}

static int
put(struct token *t, char c)
{
	t->has_begun = true;
	return buf_append(&t->text, &c, 1);
}

/*
 * The character behind a backslash.  Older compilers take it as it is
 * everywhere; newer ones only where a shell would.
 */
static int
put_escaped(struct token *t, char c)
{
	if (c == '\0' || c == '\n' || t->quote == '\'')
		return ERR_SYNTAX;
	if (t->quote == '"' && strchr("\"\\$`", c) == NULL)
		return ERR_SYNTAX;
	return put(t, c);
}

static int
step(struct expand *x, struct token *t, const char **p)
{
	char c = *(*p)++;

	if (c == '\v' || c == '\f')
		return ERR_SYNTAX;
	if (c == '\\')
		return put_escaped(t, *(*p)++);
	if (t->quote != '\0' && c == t->quote) {
		t->quote = '\0';
		return 0;
	}
	if (t->quote != '\0')
		return put(t, c);
	if (c == '\'' || c == '"') {
		t->quote = c;
		t->has_begun = true;
		return 0;
	}
	return strchr(" \t\r\n", c) != NULL ? finish(x, t) : put(t, c);
}

/* in      text: untrusted, NUL-terminated */
static int
split(struct expand *x, const char *text)
{
	struct token t = { .text = BUF_INIT(WIRE_ARG_MAX_BYTES) };
	int r = 0;

	while (r == 0 && *text != '\0')
		r = step(x, &t, &text);
	if (r == 0)
		r = t.quote == '\0' ? finish(x, &t) : ERR_SYNTAX;
	buf_free(&t.text);
	return r;
}

/*
 * A whole file.  What is no regular file can be read only once, and the local
 * compiler may have to do that later.
 * returns ERR_NOENT when there is none
 */
static int
read_file(const char *path, struct buf *b)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return ERR_NOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ERR_SYNTAX;
	if (st.st_size > RESPFILE_FILE_BYTES)
		return ERR_LIMIT;
	return fd_read_text(fd, (size_t)st.st_size, b);
}

/* A NUL, or the mark of a text in 16-bit characters. */
static bool
is_odd(struct view v)
{
	return view_has_nul(v) || (v.len != 0 && v.ptr[0] >= 0xef);
}

static int
take_file(struct expand *x, const char *path)
{
	struct buf b = BUF_INIT(RESPFILE_FILE_BYTES + 1);
	int r = x->files++ < RESPFILE_FILES_MAX ? read_file(path, &b) :
	    ERR_LIMIT;

	if (r == 0)
		r = is_odd(buf_view(&b)) ? ERR_SYNTAX :
		    split(x, (const char *)b.ptr);
	buf_free(&b);
	return r;
}

static int
take(struct expand *x, const char *word)
{
	if (word[0] == '@') {
		int r = take_file(x, word + 1);

		if (r != ERR_NOENT)
			return r;
	}
	words_add(x->out, word);
	return x->out->n > WIRE_ARGC_MAX ||
	    x->out->bytes > WIRE_ARGV_MAX_BYTES ? ERR_LIMIT : 0;
}

bool
respfile_is_used(char *const *argv)
{
	for (size_t i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
		if (argv[i][0] == '@')
			return true;
	}
	return false;
}

int
respfile_expand(char *const *argv, struct words *out)
{
	struct expand x = { out, 0 };
	int r = 0;

	*out = (struct words){ NULL, 0, 0 };
	words_add(out, argv[0]);
	for (size_t i = 1; r == 0 && argv[i] != NULL; i++)
		r = take(&x, argv[i]);
	return r;
}
