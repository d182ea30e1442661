/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/lexer.h"
#include "client/scan/skip.h"
#include "lib/mem.h"

#define PARAMS_MAX	65535
/* Bytes behind a macro's name.  Its parameters are compared with its tokens one
 * by one: a longer one is read where that work is counted. */
#define PUT_OFF_MAX	((size_t)1024)
#define HEADER_MAX	4096	/* bytes of a header's name */

/* ---- tokens ---------------------------------------------------------- */

/* Each printable character as a string of its own. */
static const char one_char[] =
    "!\0\"\0#\0$\0%\0&\0'\0(\0)\0*\0+\0,\0-\0.\0/\0"
    "0\0" "1\0" "2\0" "3\0" "4\0" "5\0" "6\0" "7\0" "8\0" "9\0"
    ":\0;\0<\0=\0>\0?\0@\0"
    "A\0B\0C\0D\0E\0F\0G\0H\0I\0J\0K\0L\0M\0N\0O\0P\0Q\0R\0S\0T\0"
    "U\0V\0W\0X\0Y\0Z\0[\0\\\0]\0^\0_\0`\0"
    "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l\0m\0n\0o\0p\0q\0r\0s\0t\0"
    "u\0v\0w\0x\0y\0z\0{\0|\0}\0~";

static void
set_text(struct lexer *lx, struct tok *t, const char *p, const char *q)
{
	t->len = (uint32_t)(q - p);
	t->text = t->len == 1 && *p > ' ' && *p < 127 ?
	    one_char + 2 * (*p - '!') : arena_copy(lx->arena, p, t->len);
}

struct sym *
lex_name(struct lexer *lx, const char *p, const char *q)
{
	size_t n = (size_t)(q - p);

	if (lx->text.end - p >= ATOM_READ)
		return atoms_get_readable(lx->atoms, p, n);
	return atoms_get(lx->atoms, p, n);
}

static bool
is_literal_prefix(const char *p, const char *q)
{
	if (q < p + 3 && q[-1] == 'R')
		q--;
	if (q == p + 3 && memcmp(p, "u8R", 3) == 0)
		return true;
	if (q == p + 2 && memcmp(p, "u8", 2) == 0)
		return true;
	return q == p || (q == p + 1 && strchr("uUL", *p) != NULL);
}

static const char *
lex_literal(struct lexer *lx, struct tok *t, const char *p, const char *quote)
{
	const char *q = text_string(&lx->text, quote);

	t->kind = *quote == '"' ? TOK_STRING : TOK_CHAR;
	set_text(lx, t, p, q);
	return q;
}

/* A character by its number, at a backslash: it may be a part of a name. */
static bool
is_ucn(const char *p)
{
	return p[1] == 'u' || p[1] == 'U';
}

static const char *
lex_word(struct lexer *lx, struct tok *t, const char *p)
{
	const char *q = skip_word(p, lx->text.end);

	if (*q == '\\' && is_ucn(q))
		lx->has_ucn = true;
	if ((*q == '"' || *q == '\'') && is_literal_prefix(p, q))
		return lex_literal(lx, t, p, q);
	t->kind = TOK_IDENT;
	t->sym = lex_name(lx, p, q);
	return q;
}

static const char *
lex_number(struct lexer *lx, struct tok *t, const char *p)
{
	const char *q = p;

	for (;;) {
		if (text_is(*q, TEXT_WORD) || *q == '.')
			q++;
		else if ((*q == '+' || *q == '-') && q > p &&
		    strchr("eEpP", q[-1]) != NULL)
			q++;
		else if (*q == '\'' && text_is(q[1], TEXT_WORD))
			q++;
		else
			break;
	}
	t->kind = TOK_NUMBER;
	set_text(lx, t, p, q);
	return q;
}

/* Longest first among those that share a beginning. */
static const struct {
	char text[5];
	uint8_t len;
	uint16_t code;
} puncts[] = {
	{ "%:%:", 4, PUNCT_HASHHASH },
	{ "...", 3, PUNCT_ELLIPSIS }, { "<=>", 3, PUNCT_SPACESHIP },
	{ "<<=", 3, PUNCT_ASSIGN }, { ">>=", 3, PUNCT_ASSIGN },
	{ "##", 2, PUNCT_HASHHASH }, { "==", 2, PUNCT_EQ },
	{ "!=", 2, PUNCT_NE }, { "<=", 2, PUNCT_LE }, { ">=", 2, PUNCT_GE },
	{ "&&", 2, PUNCT_AND }, { "||", 2, PUNCT_OR }, { "<<", 2, PUNCT_SHL },
	{ ">>", 2, PUNCT_SHR }, { "::", 2, PUNCT_SCOPE },
	{ "->", 2, PUNCT_ARROW }, { "++", 2, PUNCT_INC },
	{ "--", 2, PUNCT_DEC }, { "%:", 2, '#' }, { "<:", 2, '[' },
	{ ":>", 2, ']' }, { "<%", 2, '{' }, { "%>", 2, '}' },
	{ "+=", 2, PUNCT_ASSIGN }, { "-=", 2, PUNCT_ASSIGN },
	{ "*=", 2, PUNCT_ASSIGN }, { "/=", 2, PUNCT_ASSIGN },
	{ "%=", 2, PUNCT_ASSIGN }, { "&=", 2, PUNCT_ASSIGN },
	{ "|=", 2, PUNCT_ASSIGN }, { "^=", 2, PUNCT_ASSIGN },
};

static bool
is_punct(char c)
{
	return c > ' ' && c < 127 && !text_is(c, TEXT_WORD);
}

/* The punctuator of several characters at p; false if there is none. */
static bool
long_punct(struct tok *t, const char *p)
{
	size_t i;

	for (i = 0; i < sizeof(puncts) / sizeof(puncts[0]); i++)
		if (*p == puncts[i].text[0] && p[1] == puncts[i].text[1] &&
		    strncmp(p, puncts[i].text, puncts[i].len) == 0) {
			t->code = puncts[i].code;
			t->text = puncts[i].text;
			t->len = puncts[i].len;
			return true;
		}
	return false;
}

static const char *
lex_punct(struct lexer *lx, struct tok *t, const char *p)
{
	t->kind = is_punct(*p) ? TOK_PUNCT : TOK_OTHER;
	if (text_is(*p, TEXT_PUNCT) && is_punct(p[1]) && long_punct(t, p))
		return p + t->len;
	t->code = (unsigned char)*p;
	set_text(lx, t, p, p + 1);
	return p + 1;
}

/* Whether the tokens so far make a following '<' open a header's name. */
static bool
wants_header(const struct lexer *lx)
{
	size_t n = lx->ntoks;
	const struct tok *t;

	if (n != 0 && lx->toks[n - 1].kind == TOK_PUNCT &&
	    lx->toks[n - 1].code == '(')
		n--;
	if (n == 0)
		return false;
	t = &lx->toks[n - 1];
	return t->kind == TOK_IDENT && (t->sym->word == WORD_HAS_INCLUDE ||
	    t->sym->word == WORD_HAS_INCLUDE_NEXT ||
	    t->sym->word == WORD_HAS_EMBED);
}

static const char *
lex_header(struct lexer *lx, struct tok *t, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	const char *q = memchr(p, '>', n < HEADER_MAX ? n : HEADER_MAX);

	if (q == NULL)
		return lex_punct(lx, t, p);
	t->kind = TOK_HEADER;
	set_text(lx, t, p, q + 1);
	return q + 1;
}

static const char *
lex_token(struct lexer *lx, struct tok *t, const char *p, const char *end)
{
	if (text_is(*p, TEXT_DIGIT) ||
	    (*p == '.' && text_is(p[1], TEXT_DIGIT)))
		return lex_number(lx, t, p);
	if (text_is(*p, TEXT_WORD))
		return lex_word(lx, t, p);
	if (*p == '"' || *p == '\'')
		return lex_literal(lx, t, p, p);
	if (*p == '<' && wants_header(lx))
		return lex_header(lx, t, p, end);
	if (*p == '\\' && is_ucn(p))
		lx->has_ucn = true;
	return lex_punct(lx, t, p);
}

/* The place for one more token. */
static struct tok *
next_tok(struct lexer *lx)
{
	if (lx->ntoks == lx->toks_size) {
		lx->toks_size = lx->toks_size != 0 ? lx->toks_size * 2 : 256;
		lx->toks = mem_realloc(lx->toks, lx->toks_size,
		    sizeof(*lx->toks));
	}
	return &lx->toks[lx->ntoks];
}

void
lex_line(struct lexer *lx, const char *p, const char *end)
{
	const char *q;
	struct tok *t;

	lx->ntoks = 0;
	while ((q = text_blanks(&lx->text, p)) < end) {
		if (*q == '\n') {	/* within a comment's line */
			p = q + 1;
			continue;
		}
		t = next_tok(lx);
		*t = (struct tok){ .flags = q != p ? TOK_WHITE : 0 };
		p = lex_token(lx, t, q, end);
		lx->ntoks++;
		if (p >= end)
			break;
	}
}

struct toks
lex_keep(struct lexer *lx, size_t from)
{
	size_t n = lx->ntoks - from;
	struct tok *t = arena_alloc(lx->arena, n * sizeof(*t));

	if (n != 0)
		memcpy(t, lx->toks + from, n * sizeof(*t));
	return (struct toks){ t, n };
}

const char *
lex_spelling(const struct tok *t, size_t *len)
{
	switch (t->kind) {
	case TOK_EOF:
	case TOK_PARAM:
	case TOK_VA_OPT:
	case TOK_PLACE:
		*len = 0;
		return "";
	case TOK_IDENT:
		*len = t->sym->len;
		return t->sym->name;
	default:
		*len = t->len;
		return t->text;
	}
}

int
lex_paste(struct atoms *atoms, struct arena *arena, const char *text,
    size_t len, struct tok *out)
{
	static const struct lex_mode mode = { true, true, false, true };
	struct lexer lx = { .atoms = atoms, .arena = arena };
	char *copy = arena_alloc(arena, len + 2);
	int r = 0;

	memcpy(copy, text, len);
	copy[len] = '\n';
	copy[len + 1] = '\0';
	lx.text = (struct text){ .start = copy, .end = copy + len,
	    .mode = &mode };
	lex_line(&lx, copy, copy + len);
	if (lx.ntoks == 1)
		*out = lx.toks[0];
	else
		r = ERR_SYNTAX;
	free(lx.toks);
	return r;
}

/* ---- #define --------------------------------------------------------- */

struct params {
	struct sym **syms;	/* in lx->arena's or malloc'ed memory */
	size_t n;
	bool is_variadic;
};

/* One parameter at toks[*i]; moves *i behind it. */
static int
parse_param(struct lexer *lx, size_t *i, struct params *ps)
{
	struct tok *t = &lx->toks[*i];

	if (lex_is_punct(t, PUNCT_ELLIPSIS)) {
		ps->syms[ps->n++] = atoms_get(lx->atoms, "__VA_ARGS__", 11);
		ps->is_variadic = true;
		(*i)++;
		return 0;
	}
	if (t->kind != TOK_IDENT)
		return ERR_SYNTAX;
	ps->syms[ps->n++] = t->sym;
	(*i)++;
	if (*i < lx->ntoks && lex_is_punct(&lx->toks[*i], PUNCT_ELLIPSIS)) {
		ps->is_variadic = true;
		(*i)++;
	}
	return 0;
}

/* "(a, b, ...)" from toks[*i] on; *i is left behind the parenthesis. */
static int
parse_params(struct lexer *lx, size_t *i, struct params *ps)
{
	int r;

	ps->syms = arena_alloc(lx->arena, lx->ntoks * sizeof(struct sym *));
	(*i)++;
	if (*i < lx->ntoks && lex_is_punct(&lx->toks[*i], ')')) {
		(*i)++;
		return 0;
	}
	while (*i < lx->ntoks && ps->n < PARAMS_MAX) {
		if ((r = parse_param(lx, i, ps)) < 0)
			return r;
		if (*i < lx->ntoks && lex_is_punct(&lx->toks[*i], ')')) {
			(*i)++;
			return 0;
		}
		if (*i >= lx->ntoks || !lex_is_punct(&lx->toks[*i], ','))
			return ERR_SYNTAX;
		(*i)++;
	}
	return ERR_SYNTAX;
}

/* Marks none once it has become too much work: the file is not used then. */
static void
mark_params(struct lexer *lx, struct tok *toks, size_t n,
    const struct params *ps)
{
	size_t i, j;

	lx->work += n * ps->n;
	for (i = 0; i < n && lx->work <= LEXER_WORK_MAX; i++)
		for (j = 0; toks[i].kind == TOK_IDENT && j < ps->n; j++)
			if (toks[i].sym == ps->syms[j]) {
				toks[i].kind = TOK_PARAM;
				toks[i].code = (uint16_t)j;
			}
}

/* Index of the parenthesis that closes the one at i, or n. */
static size_t
closing(const struct tok *toks, size_t n, size_t i)
{
	size_t depth = 0;

	for (; i < n; i++) {
		if (lex_is_punct(&toks[i], '('))
			depth++;
		else if (lex_is_punct(&toks[i], ')') && --depth == 0)
			return i;
	}
	return n;
}

/* __VA_OPT__(x): its two parentheses become places of nothing. */
static void
mark_va_opt(struct lexer *lx, struct tok *toks, size_t n)
{
	size_t i, close;

	for (i = 0; i + 1 < n && lx->work <= LEXER_WORK_MAX; i++) {
		if (toks[i].kind != TOK_IDENT ||
		    toks[i].sym->word != WORD_VA_OPT ||
		    !lex_is_punct(&toks[i + 1], '('))
			continue;
		close = closing(toks, n, i + 1);
		lx->work += close - i;
		if (close == n || close - i > UINT16_MAX)
			continue;
		toks[i].kind = TOK_VA_OPT;
		toks[i].code = (uint16_t)(close - i);
		toks[i + 1].kind = TOK_PLACE;
		toks[close].kind = TOK_PLACE;
	}
}

/* Turns # and ## into flags of their neighbours; returns the new count. */
static size_t
fold_operators(struct tok *toks, size_t n, bool is_function)
{
	size_t i, out = 0;

	for (i = 0; i < n; i++) {
		if (lex_is_punct(&toks[i], PUNCT_HASHHASH) && out != 0 &&
		    i + 1 < n) {
			toks[out - 1].flags |= TOK_PASTE;
			continue;
		}
		if (is_function && lex_is_punct(&toks[i], '#') && i + 1 < n &&
		    toks[i + 1].kind == TOK_PARAM) {
			toks[i + 1].flags = (uint8_t)(TOK_STRINGIFY |
			    (toks[i].flags & TOK_WHITE));
			continue;
		}
		if (out != i)
			toks[out] = toks[i];
		out++;
	}
	return out;
}

/* A macro from the line's tokens behind its name. */
static int
read_define(struct lexer *lx, size_t i, struct macro *m)
{
	struct params ps = { NULL, 0, false };
	int r;

	if (i < lx->ntoks && lex_is_punct(&lx->toks[i], '(') &&
	    (lx->toks[i].flags & TOK_WHITE) == 0) {
		m->is_function = true;
		if ((r = parse_params(lx, &i, &ps)) < 0)
			return r;
		mark_params(lx, lx->toks + i, lx->ntoks - i, &ps);
	}
	if (ps.is_variadic)
		mark_va_opt(lx, lx->toks + i, lx->ntoks - i);
	lx->ntoks = i + fold_operators(lx->toks + i, lx->ntoks - i,
	    m->is_function);
	if (i < lx->ntoks)
		lx->toks[i].flags &= (uint8_t)~TOK_WHITE;
	m->body = lex_keep(lx, i);
	m->nparams = (uint16_t)ps.n;
	m->is_variadic = ps.is_variadic;
	return 0;
}

static struct macro *
new_macro(struct lexer *lx)
{
	struct macro *m = arena_alloc(lx->arena, sizeof(*m));

	memset(m, 0, sizeof(*m));
	m->number = MACRO_NUMBER_FIRST + lx->atoms->definitions++;
	return m;
}

int
lex_define(struct lexer *lx, struct macro **out)
{
	*out = new_macro(lx);
	return read_define(lx, 1, *out);
}

static struct lex_source *
source_of(struct lexer *lx)
{
	if (lx->source == NULL) {
		lx->source = arena_alloc(lx->arena, sizeof(*lx->source));
		*lx->source = (struct lex_source){ lx->atoms, lx->arena,
		    lx->held, *lx->text.mode };
	}
	return lx->source;
}

/*
 * Whether the n bytes at p say something that is to be known now: in a line
 * without its splices, that another mode would read it differently, which
 * nobody has looked for yet; and names that are spelled by number.
 */
static bool
must_read(const struct lexer *lx, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((p[i] == '\\' && is_ucn(p + i)) ||
		    (lx->text.spliced && (p[i] == '"' || p[i] == '\'' ||
		    p[i] == '/')))
			return true;
	return false;
}

struct macro *
lex_put_off(struct lexer *lx, const char *p, const char *end,
    struct sym **name)
{
	const char *q;
	struct macro *m;
	char *text;
	size_t n;

	p = text_blanks(&lx->text, p);
	q = skip_word(p, lx->text.end);
	if (q == p || text_is(*p, TEXT_DIGIT) || q > end ||
	    (size_t)(end - q) > PUT_OFF_MAX || *q == '"' || *q == '\'')
		return NULL;
	n = (size_t)(end - q);
	if (must_read(lx, q, n))
		return NULL;
	*name = lex_name(lx, p, q);
	text = arena_alloc(lx->arena, n + 2);
	memcpy(text, q, n);
	text[n] = '\n';
	text[n + 1] = '\0';
	m = new_macro(lx);
	m->text.ptr = text;
	m->text.len = n;
	m->source = source_of(lx);
	m->is_function = *q == '(';
	return m;
}

/* What the compiler refuses becomes a macro of nothing. */
void
lex_read_macro(const struct macro *macro)
{
	struct macro *m = (struct macro *)(uintptr_t)macro;
	struct lex_source *s = m->source;
	size_t before = s->arena->total;
	const char *text = m->text.ptr, *end = text + m->text.len;
	struct lexer lx = { .atoms = s->atoms, .arena = s->arena };

	lx.text = (struct text){ .start = text, .end = end,
	    .mode = &s->mode };
	lex_line(&lx, text, end);
	m->source = NULL;
	m->body = (struct toks){ NULL, 0 };
	if (read_define(&lx, 0, m) < 0)
		m->nparams = 0;
	if (s->held != NULL)
		*s->held += s->arena->total - before;
	free(lx.toks);
}

int
lex_macro(struct atoms *atoms, struct arena *arena, const char *text,
    struct sym **name, const struct macro **macro)
{
	static const struct lex_mode mode = { false, true, false, true };
	struct lexer lx = { .atoms = atoms, .arena = arena };
	const char *end = text + strcspn(text, "\n");
	struct macro *m;
	int r = ERR_SYNTAX;

	if (*end != '\n')
		return r;	/* a NUL: no sentinel stands behind it */
	lx.text = (struct text){ .start = text, .end = end, .mode = &mode };
	lex_line(&lx, text, end);
	if (lx.ntoks != 0 && lx.toks[0].kind == TOK_IDENT && !lx.has_ucn) {
		*name = lx.toks[0].sym;
		r = lex_define(&lx, &m);
	}
	if (r == 0) {
		m->number = MACRO_OF_TEXT | (uintptr_t)atoms_get(atoms, text,
		    (size_t)(end - text));
		*macro = m;
	}
	free(lx.toks);
	return r;
}
