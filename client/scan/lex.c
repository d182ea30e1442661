/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/lex.h"
#include "client/scan/text.h"
#include "lib/mem.h"

#define PARAMS_MAX	65535
#define COND_DEPTH_MAX	4096
#define DIRECTIVE_MAX	((size_t)1024 * 1024)	/* bytes of one */
#define HEADER_MAX	4096			/* … of a header's name */
#define UNIT_MAX_BYTES	((size_t)256 * 1024 * 1024)	/* what is kept */
/* Comparisons in one file, where their number is a product of two lengths. */
#define WORK_MAX	((size_t)100 * 1000 * 1000)

struct lexer {
	struct atoms *atoms;
	struct arena *arena;
	struct text text;
	struct unit *unit;
	/* tokens of the line in hand; owns */
	struct tok *toks;
	size_t ntoks, toks_size;
	size_t dirs_size;
	/* a line without its splices; owns */
	char *line;
	size_t line_size;
	/* the open conditions: index of each one's latest branch; owns */
	uint32_t *open;
	size_t nopen, open_size;
	size_t work;
	bool in_directive;
};

/* ---- tokens ---------------------------------------------------------- */

static struct tok *
add_tok(struct lexer *lx, enum tok_kind kind, bool white)
{
	struct tok *t;

	if (lx->ntoks == lx->toks_size) {
		lx->toks_size = lx->toks_size != 0 ? lx->toks_size * 2 : 256;
		lx->toks = mem_realloc(lx->toks, lx->toks_size,
		    sizeof(*lx->toks));
	}
	t = &lx->toks[lx->ntoks++];
	memset(t, 0, sizeof(*t));
	t->kind = (uint8_t)kind;
	t->flags = white ? TOK_WHITE : 0;
	return t;
}

static void
set_text(struct lexer *lx, struct tok *t, const char *p, const char *q)
{
	t->len = (uint32_t)(q - p);
	t->text = arena_copy(lx->arena, p, t->len);
}

static const char *
word_end(const char *p)
{
	while (text_is(*p, TEXT_WORD))
		p++;
	return p;
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
lex_literal(struct lexer *lx, const char *p, const char *quote, bool white)
{
	const char *q = text_string(&lx->text, quote);
	struct tok *t;

	t = add_tok(lx, *quote == '"' ? TOK_STRING : TOK_CHAR, white);
	set_text(lx, t, p, q);
	return q;
}

static const char *
lex_word(struct lexer *lx, const char *p, bool white)
{
	uint32_t hash = ATOM_HASH_START;
	const char *q = p;
	struct tok *t;

	for (; text_is(*q, TEXT_WORD); q++)
		hash = atoms_hash_step(hash, (unsigned char)*q);
	if ((*q == '"' || *q == '\'') && is_literal_prefix(p, q))
		return lex_literal(lx, p, q, white);
	t = add_tok(lx, TOK_IDENT, white);
	t->sym = atoms_get_hashed(lx->atoms, p, (size_t)(q - p), hash);
	return q;
}

static const char *
lex_number(struct lexer *lx, const char *p, bool white)
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
	set_text(lx, add_tok(lx, TOK_NUMBER, white), p, q);
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

/* Each printable character as a string of its own. */
static const char one_char[] =
    "!\0\"\0#\0$\0%\0&\0'\0(\0)\0*\0+\0,\0-\0.\0/\0"
    "0\0" "1\0" "2\0" "3\0" "4\0" "5\0" "6\0" "7\0" "8\0" "9\0"
    ":\0;\0<\0=\0>\0?\0@\0"
    "A\0B\0C\0D\0E\0F\0G\0H\0I\0J\0K\0L\0M\0N\0O\0P\0Q\0R\0S\0T\0"
    "U\0V\0W\0X\0Y\0Z\0[\0\\\0]\0^\0_\0`\0"
    "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l\0m\0n\0o\0p\0q\0r\0s\0t\0"
    "u\0v\0w\0x\0y\0z\0{\0|\0}\0~";

static bool
is_punct(char c)
{
	return c > ' ' && c < 127 && !text_is(c, TEXT_WORD);
}

static const char *
lex_punct(struct lexer *lx, const char *p, bool white)
{
	struct tok *t;
	size_t i;

	for (i = 0; is_punct(p[1]) && i < sizeof(puncts) / sizeof(puncts[0]);
	    i++)
		if (*p == puncts[i].text[0] &&
		    strncmp(p, puncts[i].text, puncts[i].len) == 0) {
			t = add_tok(lx, TOK_PUNCT, white);
			t->code = puncts[i].code;
			t->text = puncts[i].text;
			t->len = puncts[i].len;
			return p + puncts[i].len;
		}
	t = add_tok(lx, is_punct(*p) ? TOK_PUNCT : TOK_OTHER, white);
	t->code = (unsigned char)*p;
	t->len = 1;
	t->text = is_punct(*p) ? one_char + 2 * (*p - '!') :
	    arena_copy(lx->arena, p, 1);
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
lex_header(struct lexer *lx, const char *p, const char *end, bool white)
{
	size_t n = (size_t)(end - p);
	const char *q = memchr(p, '>', n < HEADER_MAX ? n : HEADER_MAX);

	if (q == NULL)
		return lex_punct(lx, p, white);
	set_text(lx, add_tok(lx, TOK_HEADER, white), p, q + 1);
	return q + 1;
}

static const char *
lex_token(struct lexer *lx, const char *p, const char *end, bool white)
{
	if (text_is(*p, TEXT_DIGIT) ||
	    (*p == '.' && text_is(p[1], TEXT_DIGIT)))
		return lex_number(lx, p, white);
	if (text_is(*p, TEXT_WORD))
		return lex_word(lx, p, white);
	if (*p == '"' || *p == '\'')
		return lex_literal(lx, p, p, white);
	if (*p == '<' && wants_header(lx))
		return lex_header(lx, p, end, white);
	return lex_punct(lx, p, white);
}

/* The tokens of [p, end), which has no splices, into lx->toks. */
static void
lex_line(struct lexer *lx, const char *p, const char *end)
{
	const char *q;

	lx->ntoks = 0;
	while (p < end) {
		q = text_blanks(&lx->text, p);
		if (q < end && *q == '\n')	/* within a comment's line */
			q++;
		else if (q < end)
			q = lex_token(lx, q, end, q != p);
		p = q;
	}
}

static struct toks
keep_toks(struct lexer *lx, size_t from)
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

static bool
is_code(const struct tok *t, unsigned int code)
{
	return t->kind == TOK_PUNCT && t->code == code;
}

/* One parameter at toks[*i]; moves *i behind it. */
static int
parse_param(struct lexer *lx, size_t *i, struct params *ps)
{
	struct tok *t = &lx->toks[*i];

	if (is_code(t, PUNCT_ELLIPSIS)) {
		ps->syms[ps->n++] = atoms_get(lx->atoms, "__VA_ARGS__", 11);
		ps->is_variadic = true;
		(*i)++;
		return 0;
	}
	if (t->kind != TOK_IDENT)
		return ERR_SYNTAX;
	ps->syms[ps->n++] = t->sym;
	(*i)++;
	if (*i < lx->ntoks && is_code(&lx->toks[*i], PUNCT_ELLIPSIS)) {
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
	if (*i < lx->ntoks && is_code(&lx->toks[*i], ')')) {
		(*i)++;
		return 0;
	}
	while (*i < lx->ntoks && ps->n < PARAMS_MAX) {
		if ((r = parse_param(lx, i, ps)) < 0)
			return r;
		if (*i < lx->ntoks && is_code(&lx->toks[*i], ')')) {
			(*i)++;
			return 0;
		}
		if (*i >= lx->ntoks || !is_code(&lx->toks[*i], ','))
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
	for (i = 0; i < n && lx->work <= WORK_MAX; i++)
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
		if (is_code(&toks[i], '('))
			depth++;
		else if (is_code(&toks[i], ')') && --depth == 0)
			return i;
	}
	return n;
}

/* __VA_OPT__(x): its two parentheses become places of nothing. */
static void
mark_va_opt(struct lexer *lx, struct tok *toks, size_t n)
{
	size_t i, close;

	for (i = 0; i + 1 < n && lx->work <= WORK_MAX; i++) {
		if (toks[i].kind != TOK_IDENT ||
		    toks[i].sym->word != WORD_VA_OPT ||
		    !is_code(&toks[i + 1], '('))
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
		if (is_code(&toks[i], PUNCT_HASHHASH) && out != 0 &&
		    i + 1 < n) {
			toks[out - 1].flags |= TOK_PASTE;
			continue;
		}
		if (is_function && is_code(&toks[i], '#') && i + 1 < n &&
		    toks[i + 1].kind == TOK_PARAM) {
			toks[i + 1].flags = (uint8_t)(TOK_STRINGIFY |
			    (toks[i].flags & TOK_WHITE));
			continue;
		}
		toks[out++] = toks[i];
	}
	return out;
}

/* A macro from the line's tokens, the name being toks[at]. */
static int
parse_macro(struct lexer *lx, size_t at, struct macro **out)
{
	struct params ps = { NULL, 0, false };
	size_t i = at + 1;
	struct macro *m;
	int r;

	m = arena_alloc(lx->arena, sizeof(*m));
	memset(m, 0, sizeof(*m));
	m->number = MACRO_NUMBER_FIRST + lx->atoms->definitions++;
	if (i < lx->ntoks && is_code(&lx->toks[i], '(') &&
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
	m->body = keep_toks(lx, i);
	m->nparams = (uint16_t)ps.n;
	m->is_variadic = ps.is_variadic;
	*out = m;
	return 0;
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
	if (lx.ntoks != 0 && lx.toks[0].kind == TOK_IDENT) {
		*name = lx.toks[0].sym;
		r = parse_macro(&lx, 0, &m);
	}
	if (r == 0) {
		m->number = MACRO_OF_TEXT | (uintptr_t)atoms_get(atoms, text,
		    (size_t)(end - text));
		*macro = m;
	}
	free(lx.toks);
	return r;
}

/* ---- directives ------------------------------------------------------ */

static struct directive *
add_dir(struct lexer *lx, enum directive_kind kind)
{
	struct unit *u = lx->unit;
	struct directive *d;

	if (u->n == lx->dirs_size) {
		lx->dirs_size = lx->dirs_size != 0 ? lx->dirs_size * 2 : 32;
		u->dirs = mem_realloc(u->dirs, lx->dirs_size,
		    sizeof(*u->dirs));
	}
	d = &u->dirs[u->n++];
	memset(d, 0, sizeof(*d));
	d->kind = (uint8_t)kind;
	return d;
}

static void
add_unsure(struct lexer *lx, const char *why)
{
	add_dir(lx, DIR_UNSURE)->text = why;
}

static struct sym *
get_name(struct lexer *lx, const char *p, const char *q)
{
	return atoms_get(lx->atoms, p, (size_t)(q - p));
}

static void
open_branch(struct lexer *lx, uint32_t at)
{
	if (lx->nopen == lx->open_size && lx->nopen < COND_DEPTH_MAX) {
		lx->open_size = lx->open_size != 0 ? lx->open_size * 2 : 32;
		lx->open = mem_realloc(lx->open, lx->open_size,
		    sizeof(*lx->open));
	}
	if (lx->nopen < COND_DEPTH_MAX)
		lx->open[lx->nopen] = at;
	lx->nopen++;
}

/* Links the branch that dirs[at] is to the branch before it. */
static void
link_branch(struct lexer *lx, enum directive_kind kind, uint32_t at)
{
	if (kind <= DIR_IFNDEF) {
		open_branch(lx, at);
		return;
	}
	if (lx->nopen == 0)
		return;
	if (lx->nopen <= COND_DEPTH_MAX) {
		lx->unit->dirs[lx->open[lx->nopen - 1]].next = at;
		lx->open[lx->nopen - 1] = at;
	}
	if (kind == DIR_ENDIF)
		lx->nopen--;
}

/* What is still open at the end of the file ends there. */
static void
link_rest(struct lexer *lx)
{
	if (lx->nopen > COND_DEPTH_MAX)
		add_unsure(lx, "conditions nested too deeply");
	while (lx->nopen != 0 && lx->nopen <= COND_DEPTH_MAX) {
		lx->unit->dirs[lx->open[lx->nopen - 1]].next =
		    (uint32_t)lx->unit->n;
		lx->nopen--;
	}
}

static bool
is_op(const struct tok *t, size_t n, unsigned int code)
{
	return n != 0 && is_code(t, code);
}

/* "defined X" or "defined(X)" and nothing else; the name, or NULL. */
static struct sym *
only_defined(const struct tok *t, size_t n)
{
	if (n < 2 || t->kind != TOK_IDENT || t->sym->word != WORD_DEFINED)
		return NULL;
	if (n == 2 && t[1].kind == TOK_IDENT)
		return t[1].sym;
	if (n == 4 && is_op(t + 1, 1, '(') && t[2].kind == TOK_IDENT &&
	    is_op(t + 3, 1, ')'))
		return t[2].sym;
	return NULL;
}

static void
dir_if(struct lexer *lx, bool is_elif)
{
	const struct tok *t = lx->toks + 1;
	size_t n = lx->ntoks - 1;
	bool negated = is_op(t, n, '!');
	struct sym *s = only_defined(t + negated, n - negated);
	struct directive *d;

	if (s != NULL) {
		d = add_dir(lx, is_elif ?
		    (negated ? DIR_ELIFNDEF : DIR_ELIFDEF) :
		    (negated ? DIR_IFNDEF : DIR_IFDEF));
		d->sym = s;
	} else {
		d = add_dir(lx, is_elif ? DIR_ELIF : DIR_IF);
		d->recalls = arena_alloc(lx->arena, sizeof(*d->recalls));
		d->recalls->first = NULL;
		d->toks = keep_toks(lx, 1);
	}
	link_branch(lx, d->kind, (uint32_t)lx->unit->n - 1);
}

/* #ifdef and its relatives, #else and #endif. */
static void
dir_branch(struct lexer *lx, enum directive_kind kind)
{
	struct directive *d = add_dir(lx, kind);

	if (lx->ntoks > 1 && lx->toks[1].kind == TOK_IDENT)
		d->sym = lx->toks[1].sym;
	link_branch(lx, kind, (uint32_t)lx->unit->n - 1);
}

static void
dir_elifdef(struct lexer *lx, enum directive_kind kind)
{
	lx->unit->depends_on_mode = true;
	if (!lx->text.mode->elifdef)
		add_unsure(lx, "#elifdef that this compiler ignores");
	dir_branch(lx, kind);
}

/*
 * A name in quotes or angle brackets that begins at p; false if there is none.
 */
static bool
header_at(struct lexer *lx, struct directive *d, const char *p,
    const char *end)
{
	const char *q;

	if (p >= end || (*p != '"' && *p != '<'))
		return false;
	q = memchr(p + 1, *p == '<' ? '>' : '"', (size_t)(end - p - 1));
	if (q == NULL)
		return false;
	d->is_angle = *p == '<';
	d->name = get_name(lx, p + 1, q);
	return true;
}

/* #include and its relatives: what stands behind the directive's name. */
static void
dir_include(struct lexer *lx, enum directive_kind kind, const char *p,
    const char *end)
{
	struct directive *d = add_dir(lx, kind);

	p = text_blanks(&lx->text, p);
	if (header_at(lx, d, p, end))
		return;
	lex_line(lx, p, end);
	d->toks = keep_toks(lx, 0);
}

static void
dir_define(struct lexer *lx)
{
	struct directive *d;
	struct macro *m;
	struct sym *s;

	if (lx->ntoks < 2 || lx->toks[1].kind != TOK_IDENT)
		return;
	s = lx->toks[1].sym;
	if (parse_macro(lx, 1, &m) < 0)
		return;		/* the compiler refuses it, too */
	d = add_dir(lx, DIR_DEFINE);
	d->sym = s;
	d->macro = m;
	d->number = m->number;
}

static void
dir_undef(struct lexer *lx)
{
	if (lx->ntoks >= 2 && lx->toks[1].kind == TOK_IDENT)
		add_dir(lx, DIR_UNDEF)->sym = lx->toks[1].sym;
}

static bool
is_word(const struct lexer *lx, size_t i, const char *word)
{
	return i < lx->ntoks && lx->toks[i].kind == TOK_IDENT &&
	    strcmp(lx->toks[i].sym->name, word) == 0;
}

/* #pragma push_macro("X"): the string's contents as a name. */
static void
pragma_macro(struct lexer *lx, enum directive_kind kind)
{
	const struct tok *t = &lx->toks[3];

	if (lx->ntoks < 4 || t->kind != TOK_STRING || t->len < 3)
		return;
	add_dir(lx, kind)->sym = get_name(lx, t->text + 1,
	    t->text + t->len - 1);
}

static void
pragma_dependency(struct lexer *lx, const char *p, const char *end)
{
	struct directive *d;
	const char *q;

	for (q = p; q < end && *q != '"' && *q != '<'; )
		q++;
	d = add_dir(lx, DIR_DEPENDENCY);
	if (!header_at(lx, d, q, end))
		lx->unit->n--;
}

static void
dir_pragma(struct lexer *lx, const char *p, const char *end)
{
	if (is_word(lx, 1, "once"))
		add_dir(lx, DIR_ONCE);
	else if (is_word(lx, 1, "push_macro"))
		pragma_macro(lx, DIR_PUSH);
	else if (is_word(lx, 1, "pop_macro"))
		pragma_macro(lx, DIR_POP);
	else if (is_word(lx, 1, "GCC") && is_word(lx, 2, "dependency"))
		pragma_dependency(lx, p, end);
	else if (is_word(lx, 1, "GCC") && is_word(lx, 2, "pch_preprocess"))
		add_unsure(lx, "#pragma GCC pch_preprocess");
	else if (is_word(lx, 1, "clang") && is_word(lx, 2, "module"))
		add_unsure(lx, "#pragma clang module");
	else if (is_word(lx, 1, "include_alias"))
		add_unsure(lx, "#pragma include_alias");
}

/* The directive whose name is at p; [p, end) has no splices. */
static void
lex_directive(struct lexer *lx, const char *p, const char *end)
{
	const char *q = word_end(p);
	unsigned int word;

	if (q == p)
		return;
	if (text_is(*p, TEXT_DIGIT))	/* # 1 "name" */
		lx->unit->renames_file = true;
	word = get_name(lx, p, q)->word;
	if (word == WORD_NONE)
		return;
	if (word < WORD_INCLUDE || word > WORD_EMBED)
		lex_line(lx, p, end);
	switch (word) {
	case WORD_IF:		dir_if(lx, false); break;
	case WORD_ELIF:		dir_if(lx, true); break;
	case WORD_IFDEF:	dir_branch(lx, DIR_IFDEF); break;
	case WORD_IFNDEF:	dir_branch(lx, DIR_IFNDEF); break;
	case WORD_ELIFDEF:	dir_elifdef(lx, DIR_ELIFDEF); break;
	case WORD_ELIFNDEF:	dir_elifdef(lx, DIR_ELIFNDEF); break;
	case WORD_ELSE:		dir_branch(lx, DIR_ELSE); break;
	case WORD_ENDIF:	dir_branch(lx, DIR_ENDIF); break;
	case WORD_INCLUDE:	dir_include(lx, DIR_INCLUDE, q, end); break;
	case WORD_INCLUDE_NEXT:
		dir_include(lx, DIR_INCLUDE_NEXT, q, end);
		break;
	case WORD_IMPORT:	dir_include(lx, DIR_IMPORT, q, end); break;
	case WORD_EMBED:	dir_include(lx, DIR_EMBED, q, end); break;
	case WORD_DEFINE:	dir_define(lx); break;
	case WORD_UNDEF:	dir_undef(lx); break;
	case WORD_PRAGMA:	dir_pragma(lx, p, end); break;
	case WORD_LINE:		lx->unit->renames_file = true; break;
	default:		break;
	}
}

/* ---- the whole file -------------------------------------------------- */

/* A copy of [p, end) without splices, in lx->line, ended like a text. */
static size_t
splice_line(struct lexer *lx, const char *p, const char *end)
{
	size_t need = (size_t)(end - p) + 2, n = 0, skip;

	if (lx->line_size < need) {
		lx->line_size = need * 2;
		lx->line = mem_realloc(lx->line, lx->line_size, 1);
	}
	while (p < end) {
		skip = text_splice(p, end);
		if (skip != 0)
			p += skip;
		else
			lx->line[n++] = *p++;
	}
	lx->line[n] = '\n';
	lx->line[n + 1] = '\0';
	return n;
}

static void
spliced_directive(struct lexer *lx, const char *p, const char *end)
{
	struct text whole = lx->text;
	size_t n = splice_line(lx, p, end);

	lx->text.start = lx->line;
	lx->text.end = lx->line + n;
	p = text_blanks(&lx->text, lx->line);
	lex_directive(lx, p, lx->line + n);
	whole.depends_on_mode |= lx->text.depends_on_mode;
	lx->text = whole;
}

/* One logical line that starts at p; returns its newline. */
static const char *
one_line(struct lexer *lx, const char *p)
{
	const char *name, *end;
	void (*literal)(void *, const char *, const char *);

	while (*p == ' ' || *p == '\t')
		p++;
	if (text_is(*p, TEXT_WORD))	/* most lines: nothing to look for */
		return text_line(&lx->text, p);
	lx->text.spliced = false;
	p = text_blanks(&lx->text, p);
	if (*p != '#' && !(p[0] == '%' && p[1] == ':'))
		return text_line(&lx->text, p);
	p += *p == '#' ? 1 : 2;
	name = text_blanks(&lx->text, p);
	literal = lx->text.literal;
	if (strncmp(name, "pragma", 6) == 0)
		lx->text.literal = NULL;	/* it is obeyed, not watched */
	lx->in_directive = true;
	end = text_line(&lx->text, name);
	lx->in_directive = false;
	lx->text.literal = NULL;	/* each literal was seen once */
	if ((size_t)(end - p) > DIRECTIVE_MAX)
		add_unsure(lx, "a directive of more than 1 MB");
	else if (lx->text.spliced)
		spliced_directive(lx, p, end);
	else
		lex_directive(lx, name, end);
	lx->text.literal = literal;
	return end;
}

/* ---- strings that matter --------------------------------------------- */

static bool
ends_with(const char *start, const char *p, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(p - start) >= n && memcmp(p - n, word, n) == 0;
}

/* The operand of .incbin or .include at p, within a string's contents. */
static void
asm_operand(struct lexer *lx, enum directive_kind kind, const char *p,
    const char *q)
{
	const char *close;
	size_t quote;

	while (p < q && text_is(*p, TEXT_BLANK))
		p++;
	if (p < q && *p != '"' && *p != '\\')
		return;		/* no assembler would take it */
	quote = p < q && *p == '"' ? 1 : q - p > 1 && p[0] == '\\' &&
	    p[1] == '"' ? 2 : 0;
	close = quote == 0 ? NULL :
	    memmem(p + quote, (size_t)(q - p) - quote, p, quote);
	if (close == NULL ||
	    memchr(p + quote, '\\', (size_t)(close - p) - quote) != NULL) {
		add_unsure(lx, "computed operand of .incbin or .include");
		return;
	}
	add_dir(lx, kind)->name = get_name(lx, p + quote, close);
}

static void
watch_asm(struct lexer *lx, enum directive_kind kind, const char *word,
    const char *p, const char *q)
{
	size_t n = strlen(word);

	while ((p = memmem(p, (size_t)(q - p), word, n)) != NULL) {
		p += n;
		if (p == q || !text_is(*p, TEXT_WORD))
			asm_operand(lx, kind, p, q);
	}
}

/* push_macro("X") where it is no #pragma: X cannot be trusted any more. */
static void
watch_macros(struct lexer *lx, const char *p, const char *q)
{
	const char *name;

	if (ends_with(lx->text.start, p, "_macro(\"")) {
		add_dir(lx, DIR_TAINT)->sym = get_name(lx, p, q);
		return;
	}
	while ((p = memmem(p, (size_t)(q - p), "_macro(\\\"", 9)) != NULL) {
		name = p + 9;
		p = word_end(name);
		if (p > q)
			return;
		add_dir(lx, DIR_TAINT)->sym = get_name(lx, name, p);
	}
}

/* _Pragma("once"), or a macro that holds it. */
static void
watch_once(struct lexer *lx, const char *p, const char *q)
{
	const char *start = lx->text.start;

	if (q - p != 4 || memcmp(p, "once", 4) != 0)
		return;
	p--;
	while (p > start && text_is(p[-1], TEXT_BLANK))
		p--;
	if (p == start || *--p != '(')
		return;
	while (p > start && text_is(p[-1], TEXT_BLANK))
		p--;
	if (!ends_with(start, p, "_Pragma"))
		return;
	if (lx->in_directive)
		add_unsure(lx, "a macro with _Pragma(\"once\")");
	else
		add_dir(lx, DIR_MAYBE_ONCE);
}

static void
see_literal(void *arg, const char *p, const char *q)
{
	struct lexer *lx = arg;

	if (memchr(p, '.', (size_t)(q - p)) != NULL) {
		watch_asm(lx, DIR_INCBIN, ".incbin", p, q);
		watch_asm(lx, DIR_ASM_INCLUDE, ".include", p, q);
	}
	watch_macros(lx, p, q);
	watch_once(lx, p, q);
}

/* Whether there is a trigraph that could make a directive or a splice. */
static bool
has_trigraph(const struct lexer *lx)
{
	const char *p = lx->text.start, *end = lx->text.end;

	while ((p = memchr(p, '?', (size_t)(end - p))) != NULL) {
		p++;
		if (*p == '?' && (p[1] == '=' || p[1] == '/'))
			return true;
	}
	return false;
}

static void
prepare(struct lexer *lx)
{
	lx->text.literal = see_literal;
	lx->text.arg = lx;
	if (!has_trigraph(lx))
		return;
	lx->text.depends_on_mode = true;
	if (lx->text.mode->trigraphs)
		add_unsure(lx, "trigraphs");
}

/* Moves the directives into the arena, at their final size. */
static void
finish(struct lexer *lx)
{
	struct unit *u = lx->unit;
	struct directive *d;

	link_rest(lx);
	d = arena_alloc(lx->arena, u->n * sizeof(*d));
	if (u->n != 0)
		memcpy(d, u->dirs, u->n * sizeof(*d));
	free(u->dirs);
	u->dirs = d;
	u->depends_on_mode |= lx->text.depends_on_mode;
	free(lx->toks);
	free(lx->line);
	free(lx->open);
}

/* Whether the file is one that nobody compiles; then it says so. */
static bool
is_too_much(struct lexer *lx)
{
	if (lx->work <= WORK_MAX && lx->arena->total <= UNIT_MAX_BYTES &&
	    lx->unit->n <= UNIT_MAX_BYTES / sizeof(struct directive))
		return false;
	lx->unit->n = 0;
	lx->nopen = 0;
	add_unsure(lx, "too many or too large macros");
	return true;
}

void
lex_unit(struct atoms *atoms, const char *text, size_t size,
    const struct lex_mode *mode, struct unit *unit)
{
	struct lexer lx = { .atoms = atoms, .arena = &unit->arena,
	    .unit = unit };
	const char *p = text, *end = text + size;

	lx.text = (struct text){ .start = text, .end = end, .mode = mode };
	prepare(&lx);
	if (size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (!is_too_much(&lx) && p < end) {
		p = one_line(&lx, p);
		if (p < end)
			p++;
	}
	finish(&lx);
}

void
unit_free(struct unit *unit)
{
	arena_free(&unit->arena);
	memset(unit, 0, sizeof(*unit));
}
