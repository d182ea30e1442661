/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "client/scan/lexer.h"
#include "client/scan/skip.h"
#include "lib/mem.h"

#define COND_DEPTH_MAX	4096
#define DIRECTIVE_MAX	((size_t)1024 * 1024)	/* bytes of one */
#define UNIT_MAX_BYTES	((size_t)256 * 1024 * 1024)	/* what is kept */

/* ---- directives ------------------------------------------------------ */

struct directive *
unit_add(struct lexer *lx, enum directive_kind kind)
{
	struct unit *u = lx->unit;
	struct directive *d;

	if (u->n == lx->dirs_size) {
		lx->dirs_size = lx->dirs_size != 0 ? lx->dirs_size * 2 : 256;
		u->dirs = mem_realloc(u->dirs, lx->dirs_size,
		    sizeof(*u->dirs));
	}
	d = &u->dirs[u->n++];
	memset(d, 0, sizeof(*d));
	d->kind = (uint8_t)kind;
	return d;
}

void
unit_add_unsure(struct lexer *lx, const char *why)
{
	unit_add(lx, DIR_UNSURE)->text = why;
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
		unit_add_unsure(lx, "conditions nested too deeply");
	while (lx->nopen != 0 && lx->nopen <= COND_DEPTH_MAX) {
		lx->unit->dirs[lx->open[lx->nopen - 1]].next =
		    (uint32_t)lx->unit->n;
		lx->nopen--;
	}
}

static bool
is_op(const struct tok *t, size_t n, unsigned int code)
{
	return n != 0 && lex_is_punct(t, code);
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
	const struct tok *t = lx->toks;
	size_t n = lx->ntoks;
	bool negated = is_op(t, n, '!');
	struct sym *s = only_defined(t + negated, n - negated);
	struct directive *d;

	if (s != NULL) {
		d = unit_add(lx, is_elif ?
		    (negated ? DIR_ELIFNDEF : DIR_ELIFDEF) :
		    (negated ? DIR_IFNDEF : DIR_IFDEF));
		d->sym = s;
	} else {
		d = unit_add(lx, is_elif ? DIR_ELIF : DIR_IF);
		d->recalls = arena_alloc(lx->arena, sizeof(*d->recalls));
		d->recalls->first = NULL;
		d->toks = lex_keep(lx, 0);
	}
	link_branch(lx, d->kind, (uint32_t)lx->unit->n - 1);
}

/* #ifdef and its relatives, #else and #endif. */
static void
dir_branch(struct lexer *lx, enum directive_kind kind)
{
	struct directive *d = unit_add(lx, kind);

	if (lx->ntoks != 0 && lx->toks[0].kind == TOK_IDENT)
		d->sym = lx->toks[0].sym;
	link_branch(lx, kind, (uint32_t)lx->unit->n - 1);
}

static void
dir_elifdef(struct lexer *lx, enum directive_kind kind)
{
	lx->unit->depends_on_mode = true;
	if (!lx->text.mode->elifdef)
		unit_add_unsure(lx, "#elifdef that this compiler ignores");
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
	d->name = lex_name(lx, p + 1, q);
	return true;
}

/* #include and its relatives: what stands behind the directive's name. */
static void
dir_include(struct lexer *lx, enum directive_kind kind, const char *p,
    const char *end)
{
	struct directive *d = unit_add(lx, kind);

	p = text_blanks(&lx->text, p);
	if (header_at(lx, d, p, end))
		return;
	lex_line(lx, p, end);
	d->toks = lex_keep(lx, 0);
}

/* NULL for what the compiler refuses, too. */
static struct macro *
define_now(struct lexer *lx, const char *p, const char *end, struct sym **name)
{
	struct macro *m;

	lex_line(lx, p, end);
	if (lx->ntoks == 0 || lx->toks[0].kind != TOK_IDENT)
		return NULL;
	*name = lx->toks[0].sym;
	return lex_define(lx, &m) == 0 ? m : NULL;
}

static void
dir_define(struct lexer *lx, const char *p, const char *end)
{
	struct directive *d;
	struct sym *s;
	struct macro *m = lex_put_off(lx, p, end, &s);

	if (m == NULL && (m = define_now(lx, p, end, &s)) == NULL)
		return;
	d = unit_add(lx, DIR_DEFINE);
	d->sym = s;
	d->macro = m;
	d->number = m->number;
}

static void
dir_undef(struct lexer *lx)
{
	if (lx->ntoks != 0 && lx->toks[0].kind == TOK_IDENT)
		unit_add(lx, DIR_UNDEF)->sym = lx->toks[0].sym;
}

/* in      i: the token after the number */
static void
dir_line(struct lexer *lx, size_t i)
{
	const struct tok *t = &lx->toks[i];
	struct sym *name;

	lx->unit->renames_file = true;
	if (lx->ntoks <= i || t->kind != TOK_STRING || t->len < 3 ||
	    t->text[0] != '"' || memchr(t->text, '\\', t->len) != NULL)
		return;
	name = atoms_get(lx->atoms, t->text + 1, t->len - 2);
	if (name == lx->line_names[0] || name == lx->line_names[1])
		return;
	lx->line_names[1] = lx->line_names[0];
	lx->line_names[0] = name;
	unit_add(lx, DIR_LINE)->name = name;
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
	const struct tok *t = &lx->toks[2];

	if (lx->ntoks < 3 || t->kind != TOK_STRING || t->len < 3)
		return;
	/* the token's text is a copy: nothing can be read behind it */
	unit_add(lx, kind)->sym = atoms_get(lx->atoms, t->text + 1,
	    t->len - 2);
}

static void
pragma_dependency(struct lexer *lx, const char *p, const char *end)
{
	struct directive *d;
	const char *q;

	for (q = p; q < end && *q != '"' && *q != '<'; )
		q++;
	d = unit_add(lx, DIR_DEPENDENCY);
	if (!header_at(lx, d, q, end))
		lx->unit->n--;
}

static void
dir_pragma(struct lexer *lx, const char *p, const char *end)
{
	if (is_word(lx, 0, "once"))
		unit_add(lx, DIR_ONCE);
	else if (is_word(lx, 0, "push_macro"))
		pragma_macro(lx, DIR_PUSH);
	else if (is_word(lx, 0, "pop_macro"))
		pragma_macro(lx, DIR_POP);
	else if (is_word(lx, 0, "GCC") && is_word(lx, 1, "dependency"))
		pragma_dependency(lx, p, end);
	else if (is_word(lx, 0, "GCC") && is_word(lx, 1, "pch_preprocess"))
		unit_add_unsure(lx, "#pragma GCC pch_preprocess");
	else if (is_word(lx, 0, "clang") && is_word(lx, 1, "module"))
		unit_add_unsure(lx, "#pragma clang module");
	else if (is_word(lx, 0, "include_alias"))
		unit_add_unsure(lx, "#pragma include_alias");
}

/* The directive whose name is at p; [p, end) has no splices. */
static void
lex_directive(struct lexer *lx, const char *p, const char *end)
{
	const char *q = skip_word(p, lx->text.end);
	unsigned int word;

	if (q == p)
		return;
	if (text_is(*p, TEXT_DIGIT)) {	/* # 1 "name" */
		lex_line(lx, q, end);
		dir_line(lx, 0);
		return;
	}
	word = lex_name(lx, p, q)->word;
	if (word == WORD_NONE || word > WORD_LINE)
		return;
	if (word < WORD_INCLUDE || word > WORD_DEFINE)
		lex_line(lx, q, end);
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
	case WORD_DEFINE:	dir_define(lx, q, end); break;
	case WORD_UNDEF:	dir_undef(lx); break;
	case WORD_PRAGMA:	dir_pragma(lx, p, end); break;
	case WORD_LINE:		dir_line(lx, 1); break;
	default:		break;
	}
}

/* ---- the whole file -------------------------------------------------- */

/* A copy of [p, end) without splices, in lx->line, ended like a text. */
static size_t
splice_line(struct lexer *lx, const char *p, const char *end)
{
	size_t need = (size_t)(end - p) + 2, n = 0, skip, run;
	const char *q;

	if (lx->line_size < need) {
		lx->line_size = need * 2;
		lx->line = mem_realloc(lx->line, lx->line_size, 1);
	}
	while (p < end) {
		q = memchr(p, '\\', (size_t)(end - p));
		run = (size_t)((q != NULL ? q : end) - p);
		skip = text_splice(p + run, end);
		if (skip == 0 && q != NULL)
			run++;
		memcpy(lx->line + n, p, run);
		n += run;
		p += run + skip;
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

/* Whether strings of the directive are obeyed or name a file: no program has
 * them. */
static bool
is_unwatched(const char *name)
{
	static const char *const words[] = {
		"pragma", "include", "import", "embed",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(name, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* The directive whose mark is at p; returns the newline that ends it. */
static const char *
one_directive(struct lexer *lx, const char *p)
{
	const char *name, *end;
	void (*literal)(void *, const char *, const char *);

	p += *p == '#' ? 1 : 2;
	name = text_blanks(&lx->text, p);
	literal = lx->text.literal;
	if ((*name == 'p' || *name == 'i' || *name == 'e') &&
	    is_unwatched(name))
		lx->text.literal = NULL;
	lx->in_directive = true;
	end = text_line(&lx->text, name);
	lx->in_directive = false;
	lx->text.literal = NULL;	/* each literal was seen once */
	if ((size_t)(end - p) > DIRECTIVE_MAX)
		unit_add_unsure(lx, "a directive of more than 1 MB");
	else if (lx->text.spliced)
		spliced_directive(lx, p, end);
	else
		lex_directive(lx, name, end);
	lx->text.literal = literal;
	return end;
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
	lx->text.literal = watch_literal;
	lx->text.arg = lx;
	if (!has_trigraph(lx))
		return;
	lx->text.depends_on_mode = true;
	if (lx->text.mode->trigraphs)
		unit_add_unsure(lx, "trigraphs");
}

/* The name of an #ifndef around everything, without an #else. */
static struct sym *
guard_of(const struct unit *u)
{
	return u->n != 0 && u->dirs[0].kind == DIR_IFNDEF &&
	    u->dirs[0].next + 1 == u->n &&
	    u->dirs[u->n - 1].kind == DIR_ENDIF ? u->dirs[0].sym : NULL;
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
	u->guard = guard_of(u);
	u->depends_on_mode |= lx->text.depends_on_mode;
	free(lx->toks);
	free(lx->line);
	free(lx->open);
}

/* Whether nothing is to be said of the file; then it says so. */
static bool
is_refused(struct lexer *lx)
{
	const char *why = lx->has_ucn ? "a name with \\u in a directive" :
	    "too many or too large macros";

	if (!lx->has_ucn && lx->work <= LEXER_WORK_MAX &&
	    lx->arena->total <= UNIT_MAX_BYTES &&
	    lx->unit->n <= UNIT_MAX_BYTES / sizeof(struct directive))
		return false;
	lx->unit->n = 0;
	lx->nopen = 0;
	unit_add_unsure(lx, why);
	return true;
}

void
lex_unit(struct atoms *atoms, const char *text, size_t size,
    const struct lex_mode *mode, struct unit *unit, size_t *held)
{
	struct lexer lx = { .atoms = atoms, .arena = &unit->arena,
	    .unit = unit, .held = held };
	const char *p = text, *end = text + size;

	lx.text = (struct text){ .start = text, .end = end, .mode = mode };
	prepare(&lx);
	if (size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	do {
		p = text_directive(&lx.text, p);
		if (p < end)
			p = one_directive(&lx, p);
	} while (!is_refused(&lx) && p < end);
	finish(&lx);
}

void
unit_free(struct unit *unit)
{
	arena_free(&unit->arena);
	memset(unit, 0, sizeof(*unit));
}
