/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/scan/expand.h"
#include "lib/mem.h"

#define WORK_MAX	((size_t)4 * 1000 * 1000)	/* of a directive: tokens, */
#define WORK_BYTES	16		/* … or so many bytes of their text */
#define DEPTH_MAX	20000		/* contexts at once */
#define ARGS_MAX	((size_t)1024 * 1024)	/* tokens of arguments at once */
#define NESTED_MAX	1000		/* arguments within arguments: our stack */
#define SPELLING_MAX	((size_t)256 * 1024)	/* of one token made here */
#define READ_WORK	64		/* for reading a macro */
#define KEPT_BYTES	((size_t)1024 * 1024)	/* of the arena, for the next */
#define LIST_FIRST	16

/* An argument: tokens in the arena. */
struct arg {
	struct toks raw;
	struct toks full;	/* expanded, once somebody needs it */
	bool has_full;
};

/* Tokens that are being built; in the arena, which may waste some. */
struct list {
	struct arena *arena;
	struct tok *ptr;
	size_t n, size;
};

static const struct tok eof = { .kind = TOK_EOF };

void
expand_init(struct expand *e, struct atoms *atoms, struct macros *macros)
{
	memset(e, 0, sizeof(*e));
	e->atoms = atoms;
	e->macros = macros;
}

void
expand_free(struct expand *e)
{
	free(e->stack);
	free(e->args);
	arena_free(&e->arena);
}

static void
list_add(struct list *l, struct tok t)
{
	struct tok *grown;

	if (l->n == l->size) {
		l->size = l->size != 0 ? l->size * 2 : LIST_FIRST;
		grown = arena_alloc(l->arena, l->size * sizeof(*grown));
		if (l->n != 0)
			memcpy(grown, l->ptr, l->n * sizeof(*grown));
		l->ptr = grown;
	}
	l->ptr[l->n++] = t;
}

static struct toks
keep(struct expand *e, const struct tok *p, size_t n)
{
	struct tok *t = arena_alloc(&e->arena, n * sizeof(*t));

	if (n != 0)
		memcpy(t, p, n * sizeof(*t));
	e->work += n;
	return (struct toks){ t, n };
}

/* ---- contexts -------------------------------------------------------- */

static struct context *
push(struct expand *e, struct toks toks)
{
	struct context *c;

	if (e->depth >= DEPTH_MAX || e->work > WORK_MAX) {
		e->broken = true;
		toks.n = 0;
	}
	if (e->depth == e->size) {
		e->size = e->size != 0 ? e->size * 2 : 32;
		e->stack = mem_realloc(e->stack, e->size, sizeof(*e->stack));
	}
	c = &e->stack[e->depth++];
	memset(c, 0, sizeof(*c));
	c->p = toks.ptr;
	c->end = toks.ptr + toks.n;
	return c;
}

static void
pop(struct expand *e)
{
	struct context *c = &e->stack[--e->depth];

	if (c->macro != NULL)
		c->macro->busy = false;
}

void
expand_begin(struct expand *e, struct toks toks)
{
	while (e->depth != 0)
		pop(e);
	if (e->args_size * sizeof(*e->args) > KEPT_BYTES) {
		free(e->args);
		e->args = NULL;
		e->args_size = 0;
	}
	if (e->arena.total > KEPT_BYTES)
		arena_free(&e->arena);
	else if (e->work != 0)
		arena_reset(&e->arena);
	e->nested = 0;
	e->nargs = 0;
	e->literal = 0;
	e->unknown = e->broken = false;
	e->work = 0;
	push(e, toks)->barrier = true;
}

static struct tok
take(struct context *c)
{
	struct tok t = *c->p++;

	if (c->first) {
		t.flags = (uint8_t)((t.flags & ~TOK_WHITE) | c->first_flags);
		c->first = false;
	}
	return t;
}

/* The next token as it is written, leaving contexts that have ended. */
static struct tok
raw_next(struct expand *e)
{
	struct context *c;

	while (e->depth != 0) {
		c = &e->stack[e->depth - 1];
		if (c->p < c->end)
			return take(c);
		if (c->barrier)
			break;
		pop(e);
	}
	return eof;
}

/* Whether '(' comes next, not looking beyond a barrier. */
static bool
opens(const struct expand *e)
{
	const struct context *c;
	size_t i;

	for (i = e->depth; i-- > 0; ) {
		c = &e->stack[i];
		if (c->p < c->end)
			return c->p->kind == TOK_PUNCT && c->p->code == '(';
		if (c->barrier)
			return false;
	}
	return false;
}

/* ---- arguments ------------------------------------------------------- */

static void
args_add(struct expand *e, struct tok t)
{
	if (e->nargs >= ARGS_MAX) {
		e->broken = true;
		return;
	}
	if (e->nargs == e->args_size) {
		e->args_size = e->args_size != 0 ? e->args_size * 2 : 256;
		e->args = mem_realloc(e->args, e->args_size,
		    sizeof(*e->args));
	}
	e->args[e->nargs++] = t;
}

static bool
is_code(const struct tok *t, unsigned int code)
{
	return t->kind == TOK_PUNCT && t->code == code;
}

/*
 * One argument: up to a comma or the closing parenthesis at its own level.
 * Returns that token; TOK_EOF if neither came.
 */
static struct tok
collect_one(struct expand *e, bool rest, struct arg *arg)
{
	size_t start = e->nargs, level = 0;
	struct tok t;

	for (;;) {
		t = e->broken ? eof : raw_next(e);
		if (t.kind == TOK_EOF)
			break;
		if (level == 0 && (is_code(&t, ')') ||
		    (is_code(&t, ',') && !rest)))
			break;
		if (is_code(&t, '('))
			level++;
		else if (is_code(&t, ')'))
			level--;
		else if (t.kind == TOK_IDENT && t.sym->busy)
			t.flags |= TOK_PAINTED;
		args_add(e, t);
	}
	arg->raw = keep(e, e->args + start, e->nargs - start);
	arg->has_full = false;
	e->nargs = start;
	return t;
}

/*
 * The arguments of m, the '(' being next.  *n is how many were given.
 * NULL: the compiler would complain.
 */
static struct arg *
collect(struct expand *e, const struct macro *m, size_t *n)
{
	size_t room = m->nparams != 0 ? m->nparams : 1;
	struct arg *args = arena_alloc(&e->arena, (room + 1) * sizeof(*args));
	struct tok t;

	memset(args, 0, (room + 1) * sizeof(*args));
	(void)raw_next(e);
	*n = 0;
	do {
		if (*n == room)
			return NULL;
		t = collect_one(e, m->is_variadic && *n + 1 == m->nparams,
		    &args[*n]);
		(*n)++;
	} while (is_code(&t, ','));
	if (t.kind == TOK_EOF)
		return NULL;
	if (m->nparams == 0)
		return args[0].raw.n == 0 ? args : NULL;
	if (*n + 1 < m->nparams || (*n < m->nparams && !m->is_variadic))
		return NULL;
	return args;
}

/* Whether expansion would leave these tokens as they are. */
static bool
is_plain(struct expand *e, struct toks toks)
{
	size_t i;

	for (i = 0; i < toks.n; i++)
		if (toks.ptr[i].kind == TOK_IDENT &&
		    expand_bound(e, toks.ptr[i].sym) != BOUND_NOT)
			return false;
	return true;
}

static struct toks
expanded(struct expand *e, struct arg *a)
{
	size_t start = e->nargs;
	struct tok t;

	if (a->has_full)
		return a->full;
	a->has_full = true;
	a->full = a->raw;
	if (is_plain(e, a->raw))
		return a->full;
	if (++e->nested > NESTED_MAX)
		e->broken = true;
	push(e, a->raw)->barrier = true;
	while (!e->broken && (t = expand_next(e)).kind != TOK_EOF)
		args_add(e, t);
	while (!e->stack[e->depth - 1].barrier)
		pop(e);		/* it broke off there */
	pop(e);
	e->nested--;
	a->full = keep(e, e->args + start, e->nargs - start);
	e->nargs = start;
	return a->full;
}

/* ---- substitution ---------------------------------------------------- */

static char *
grow_text(char *buf, size_t *size, size_t need)
{
	if (need <= *size)
		return buf;
	*size = need * 2;
	return mem_realloc(buf, *size, 1);
}

/* Appends a token's spelling, in a form that may stand in a string. */
static size_t
spell(char *buf, size_t n, const struct tok *t, bool escape)
{
	size_t len, i;
	const char *s = lex_spelling(t, &len);

	escape = escape && (t->kind == TOK_STRING || t->kind == TOK_CHAR);
	for (i = 0; i < len; i++) {
		if (escape && (s[i] == '"' || s[i] == '\\'))
			buf[n++] = '\\';
		buf[n++] = s[i];
	}
	return n;
}

static struct tok
stringify(struct expand *e, struct toks arg, uint8_t flags)
{
	struct tok t = { .kind = TOK_STRING, .flags = flags & TOK_WHITE };
	size_t size = 0, n = 1, i, len;
	char *buf = grow_text(NULL, &size, 64);

	buf[0] = '"';
	for (i = 0; i < arg.n; i++) {
		(void)lex_spelling(&arg.ptr[i], &len);
		if (n + len > SPELLING_MAX) {
			e->broken = true;
			break;
		}
		buf = grow_text(buf, &size, n + 2 * len + 3);
		if (i != 0 && (arg.ptr[i].flags & TOK_WHITE) != 0)
			buf[n++] = ' ';
		n = spell(buf, n, &arg.ptr[i], true);
	}
	buf[n++] = '"';
	t.text = arena_copy(&e->arena, buf, n);
	t.len = (uint32_t)n;
	e->work += n / WORK_BYTES;
	free(buf);
	return t;
}

/* What a macro call is made from. */
struct call {
	const struct macro *m;
	struct arg *args;
	size_t n;		/* arguments given */
};

/* Appends tokens, the first with the white space of the place they take. */
static void
add_all(struct expand *e, struct list *out, struct toks toks,
    const struct tok *place)
{
	size_t i, at = out->n;
	uint8_t keep_flags = place->flags & (TOK_WHITE | TOK_PASTE);

	if (e->broken || out->n + toks.n > WORK_MAX) {
		e->broken = true;
		return;
	}
	if (toks.n == 0) {
		struct tok t = { .kind = TOK_PLACE, .flags = keep_flags };

		list_add(out, t);
		return;
	}
	for (i = 0; i < toks.n; i++)
		list_add(out, toks.ptr[i]);
	out->ptr[at].flags = (uint8_t)((out->ptr[at].flags & ~TOK_WHITE) |
	    (keep_flags & TOK_WHITE));
	out->ptr[out->n - 1].flags |= keep_flags & TOK_PASTE;
}

/* GNU's ", ## __VA_ARGS__": the comma goes if there is no argument. */
static bool
follows_comma(const struct list *out, const struct call *c, size_t param)
{
	return c->m->is_variadic && param + 1 == c->m->nparams &&
	    out->n != 0 && is_code(&out->ptr[out->n - 1], ',') &&
	    (out->ptr[out->n - 1].flags & TOK_PASTE) != 0;
}

/* What comes behind such a comma: nothing, or the arguments, not joined. */
static void
substitute_rest(struct expand *e, struct arg *a, struct tok place,
    struct list *out)
{
	if (a->raw.n == 0) {
		out->n--;
		return;
	}
	out->ptr[out->n - 1].flags &= (uint8_t)~TOK_PASTE;
	place.flags = (uint8_t)((place.flags & ~TOK_WHITE) |
	    (a->raw.ptr[0].flags & TOK_WHITE));
	add_all(e, out, expanded(e, a), &place);
}

static void
substitute_param(struct expand *e, const struct call *c, const struct tok *t,
    bool after_paste, struct list *out)
{
	struct arg *a = &c->args[t->code];

	if ((t->flags & TOK_STRINGIFY) != 0) {
		struct tok s = stringify(e, a->raw, t->flags);

		s.flags |= t->flags & TOK_PASTE;
		list_add(out, s);
		return;
	}
	if (after_paste && follows_comma(out, c, t->code)) {
		substitute_rest(e, a, *t, out);
		return;
	}
	if (after_paste || (t->flags & TOK_PASTE) != 0)
		add_all(e, out, a->raw, t);
	else
		add_all(e, out, expanded(e, a), t);
}

static bool
has_variadic(struct expand *e, const struct call *c)
{
	struct arg *a;

	if (!c->m->is_variadic || c->n < c->m->nparams)
		return false;
	a = &c->args[c->m->nparams - 1];
	return expanded(e, a).n != 0;
}

/* Leaves nothing in its place, and says how many tokens that was. */
static size_t
skip_va_opt(struct list *out, const struct tok *t)
{
	struct tok place = { .kind = TOK_PLACE };

	list_add(out, place);
	return t->code;
}

/* The body with its parameters replaced; ## is still a flag. */
static void
substitute(struct expand *e, const struct call *c, struct list *out)
{
	const struct toks body = c->m->body;
	bool after_paste = false;
	const struct tok *t;
	size_t i;

	for (i = 0; i < body.n; i++) {
		t = &body.ptr[i];
		if (t->kind == TOK_PARAM)
			substitute_param(e, c, t, after_paste, out);
		else if (t->kind == TOK_VA_OPT && !has_variadic(e, c))
			i += skip_va_opt(out, t);
		else if (t->kind != TOK_VA_OPT)
			list_add(out, *t);
		after_paste = i < body.n &&
		    (body.ptr[i].flags & TOK_PASTE) != 0;
	}
}

static struct tok
paste(struct expand *e, const struct tok *a, const struct tok *b, bool *ok)
{
	size_t la, lb, n;
	char *buf;
	struct tok t;

	*ok = true;
	if (a->kind == TOK_PLACE || b->kind == TOK_PLACE) {
		t = a->kind == TOK_PLACE ? *b : *a;
		t.flags = (uint8_t)((a->flags & TOK_WHITE) |
		    (b->flags & TOK_PASTE) |
		    (t.flags & TOK_PAINTED));
		return t;
	}
	(void)lex_spelling(a, &la);
	(void)lex_spelling(b, &lb);
	*ok = la + lb <= SPELLING_MAX;
	if (!*ok) {
		e->broken = true;
		return *a;
	}
	e->work += (la + lb) / WORK_BYTES;
	buf = arena_alloc(&e->arena, la + lb + 1);
	n = spell(buf, 0, a, false);
	n = spell(buf, n, b, false);
	if (lex_paste(e->atoms, &e->arena, buf, n, &t) < 0) {
		*ok = false;
		return *a;
	}
	t.flags = (uint8_t)((a->flags & TOK_WHITE) | (b->flags & TOK_PASTE));
	return t;
}

/* Joins what ## joins and drops what stands for nothing. */
static size_t
paste_all(struct expand *e, struct tok *t, size_t n)
{
	size_t i, out = 0;
	bool ok;

	for (i = 0; i < n; i++) {
		if (out != 0 && (t[out - 1].flags & TOK_PASTE) != 0) {
			t[out - 1] = paste(e, &t[out - 1], &t[i], &ok);
			if (ok)
				continue;
			t[out - 1].flags &= (uint8_t)~TOK_PASTE;
		}
		t[out++] = t[i];
	}
	n = out;
	for (i = out = 0; i < n; i++)
		if (t[i].kind != TOK_PLACE) {
			t[out] = t[i];
			t[out++].flags &= (uint8_t)~TOK_PASTE;
		}
	return out;
}

static bool
needs_work(const struct macro *m)
{
	size_t i;

	if (m->is_function)
		return true;
	for (i = 0; i < m->body.n; i++)
		if ((m->body.ptr[i].flags & TOK_PASTE) != 0)
			return true;
	return false;
}

/* Replaces a macro's name, which is t, by its body as a new context. */
static void
enter(struct expand *e, const struct tok *t, const struct macro *m)
{
	struct call call = { m, NULL, 0 };
	struct list l = { &e->arena, NULL, 0, 0 };
	struct toks toks;
	struct context *c;

	if (m->source != NULL)
		e->work += READ_WORK;
	toks = lex_want_macro(m)->body;
	if (m->is_function && (call.args = collect(e, m, &call.n)) == NULL) {
		e->broken = true;
		return;
	}
	if (needs_work(m)) {
		substitute(e, &call, &l);
		toks = (struct toks){ l.ptr, paste_all(e, l.ptr, l.n) };
		e->work += toks.n;
	}
	e->work++;
	c = push(e, toks);
	c->macro = t->sym;
	c->first = true;
	c->first_flags = t->flags & TOK_WHITE;
	t->sym->busy = true;
}

/* ---- built-in names -------------------------------------------------- */

static struct tok
make_string(struct expand *e, const struct tok *t, const char *s)
{
	struct tok out = { .kind = TOK_STRING, .flags = t->flags };
	char *text = arena_alloc(&e->arena, 2 * strlen(s) + 3);
	size_t n = 0;

	text[n++] = '"';
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			text[n++] = '\\';
		text[n++] = *s;
	}
	text[n++] = '"';
	out.text = text;
	out.len = (uint32_t)n;
	e->work++;
	return out;
}

static struct tok
make_number(struct expand *e, const struct tok *t, unsigned int value)
{
	struct tok out = { .kind = TOK_NUMBER, .flags = t->flags };
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", value);

	out.text = arena_copy(&e->arena, text, (size_t)n);
	out.len = (uint32_t)n;
	e->work++;
	return out;
}

static struct tok
builtin(struct expand *e, const struct tok *t)
{
	switch (t->sym->word) {
	case WORD_FILE:
	case WORD_BASE_FILE:
		e->note.unfit = e->note.of_place = true;
		if (e->file == NULL || e->base_file == NULL)
			break;
		return make_string(e, t, t->sym->word == WORD_FILE ?
		    e->file : e->base_file);
	case WORD_LEVEL:
		e->note.unfit = e->note.of_place = true;
		if (e->level == EXPAND_NO_LEVEL)
			break;
		return make_number(e, t, e->level);
	case WORD_VARIES:
		e->note.unfit = true;
		break;
	default:
		return *t;	/* an operator: whoever parses sees to it */
	}
	e->unknown = true;
	return make_number(e, t, 0);
}

struct tok
expand_next(struct expand *e)
{
	const struct macro *m;
	struct tok t;

	for (;;) {
		t = raw_next(e);
		if (t.kind != TOK_IDENT || (t.flags & TOK_PAINTED) != 0 ||
		    expand_bound(e, t.sym) == BOUND_NOT)
			return t;
		if (t.sym->busy) {
			t.flags |= TOK_PAINTED;
			return t;
		}
		if (e->literal != 0)
			return t;
		if (macro_bound(e->macros, t.sym) != BOUND_MACRO) {
			e->unknown = true;
			return t;
		}
		m = t.sym->macro;
		if (m->is_builtin)
			return builtin(e, &t);
		if (m->is_function && !opens(e))
			return t;
		enter(e, &t, m);
		if (e->broken)
			return eof;
	}
}
