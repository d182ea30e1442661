/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "client/scan/cond.h"
#include "client/scan/scan.h"

#define NAME_MAX_BYTES	4096
#define NEST_MAX	500	/* parentheses */

struct value {
	bool known;
	bool is_unsigned;
	uint64_t v;
};

struct parser {
	struct expand *e;
	const struct cond_language *lang;
	const struct cond_asks *asks;
	struct tok t;		/* the token in hand */
	bool wrong;		/* the compiler would refuse it */
	unsigned int nest;
	int err;		/* of an ask */
};

static const struct value unknown = { false, false, 0 };

static struct value conditional(struct parser *p);

static struct value
number(uint64_t v)
{
	return (struct value){ true, false, v };
}

static void
advance(struct parser *p)
{
	p->t = expand_next(p->e);
}

static bool
at(const struct parser *p, unsigned int code)
{
	return p->t.kind == TOK_PUNCT && p->t.code == code;
}

static struct value
wrong(struct parser *p)
{
	p->wrong = true;
	return unknown;
}

/* ---- names of headers ------------------------------------------------ */

static int
bracketed(struct expand *e, struct sym **name)
{
	char buf[NAME_MAX_BYTES];
	size_t n = 0, len;
	const char *s;
	struct tok t;

	for (;;) {
		t = expand_next(e);
		if (t.kind == TOK_EOF)
			return ERR_SYNTAX;
		if (t.kind == TOK_PUNCT && t.code == '>')
			break;
		s = lex_spelling(&t, &len);
		if (n + len + 1 > sizeof(buf))
			return ERR_SYNTAX;
		if ((t.flags & TOK_WHITE) != 0)
			buf[n++] = ' ';
		memcpy(buf + n, s, len);
		n += len;
	}
	*name = atoms_get(e->atoms, buf, n);
	return 0;
}

int
cond_header(struct expand *e, struct tok *t, struct sym **name,
    bool *is_angle)
{
	int r = 0;

	*is_angle = t->kind != TOK_STRING;
	if ((t->kind == TOK_STRING && t->text[0] == '"') ||
	    t->kind == TOK_HEADER) {
		if (t->len < 2)
			return ERR_SYNTAX;
		*name = atoms_get(e->atoms, t->text + 1, t->len - 2);
	} else if (t->kind == TOK_PUNCT && t->code == '<') {
		r = bracketed(e, name);
	} else {
		return ERR_SYNTAX;
	}
	if (r == 0)
		*t = expand_next(e);
	return r;
}

/* ---- operands -------------------------------------------------------- */

static struct value
defined(struct parser *p)
{
	enum binding b;
	bool paren;

	p->e->literal++;
	advance(p);
	paren = at(p, '(');
	if (paren)
		advance(p);
	if (p->t.kind != TOK_IDENT) {
		p->e->literal--;
		return wrong(p);
	}
	b = expand_bound(p->e, p->t.sym);
	if (paren) {
		advance(p);
		if (!at(p, ')'))
			p->wrong = true;
	}
	p->e->literal--;
	advance(p);
	return b == BOUND_MAYBE ? unknown : number(b != BOUND_NOT);
}

static struct value
has_include(struct parser *p)
{
	enum word word = (enum word)p->t.sym->word;
	bool paren, is_angle, found;
	struct sym *name;
	int r;

	advance(p);
	paren = at(p, '(');
	if (paren)
		advance(p);
	if (cond_header(p->e, &p->t, &name, &is_angle) < 0)
		return wrong(p);
	/* __has_embed takes parameters: they cannot change what is read */
	while (paren && p->t.kind != TOK_EOF && !at(p, ')'))
		advance(p);
	if (paren)
		advance(p);
	p->e->note.unfit = true;
	r = p->asks->has_include(p->asks->arg, word, name, is_angle, &found);
	if (r < 0)
		p->err = r;
	if (word == WORD_HAS_EMBED && found)
		return unknown;		/* 1, or 2 for an empty file */
	return number(r == 0 && found);
}

/* __has_builtin(x): the words between the parentheses, without blanks. */
static struct value
ask(struct parser *p)
{
	char query[SCAN_QUERY_BYTES];
	bool known = true;
	uint64_t v = 0;
	size_t n = 0, len;
	const char *s;
	int r;

	p->e->literal++;
	for (;;) {
		s = lex_spelling(&p->t, &len);
		if (n + len + 1 > sizeof(query))
			break;
		memcpy(query + n, s, len);
		n += len;
		if (n != len && p->t.kind == TOK_IDENT &&
		    expand_bound(p->e, p->t.sym) != BOUND_NOT)
			known = false;	/* compilers differ in expanding it */
		if (p->t.kind == TOK_EOF || at(p, ')'))
			break;
		advance(p);
	}
	query[n] = '\0';
	p->e->literal--;
	if (!at(p, ')'))
		return wrong(p);
	advance(p);
	p->e->note.asked = true;
	r = known ? p->asks->compiler(p->asks->arg, query, &v) : ERR_NOENT;
	if (known && r < 0)
		p->e->note.unfit = true;	/* it will be known */
	return r == 0 ? number(v) : unknown;
}

static struct value
word_operand(struct parser *p)
{
	struct sym *s = p->t.sym;
	bool is_builtin = expand_bound(p->e, s) == BOUND_MACRO &&
	    s->macro->is_builtin;

	if (s->word == WORD_DEFINED)
		return defined(p);
	if (is_builtin && s->word >= WORD_HAS_INCLUDE &&
	    s->word <= WORD_HAS_EMBED)
		return has_include(p);
	if (is_builtin && s->word == WORD_ASK)
		return ask(p);
	advance(p);
	if (p->lang->has_true && s->word == WORD_TRUE)
		return number(1);
	return number(0);
}

static unsigned int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 99;
}

static bool
suffix(const char *s, const char *end, bool *is_unsigned)
{
	for (; s < end; s++) {
		if (*s == 'u' || *s == 'U')
			*is_unsigned = true;
		else if (strchr("lLzZ", *s) == NULL)
			return false;
	}
	return true;
}

static struct value
literal_number(struct parser *p)
{
	const char *s = p->t.text, *end = s + p->t.len;
	struct value v = number(0);
	unsigned int base = 10;

	if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (end - s > 2 && s[0] == '0' &&
	    (s[1] == 'b' || s[1] == 'B')) {
		base = 2;
		s += 2;
	} else if (*s == '0') {
		base = 8;
	}
	for (; s < end && (digit_of(*s) < base || *s == '\''); s++)
		if (*s != '\'')
			v.v = v.v * base + digit_of(*s);
	v.is_unsigned = v.v > INT64_MAX;
	if (!suffix(s, end, &v.is_unsigned))
		return wrong(p);
	advance(p);
	return v;
}

/* Plain one-byte constants; anything else is left undecided. */
static struct value
literal_char(struct parser *p)
{
	static const char from[] = "ntrabfv0\\'\"?";
	static const char to[] = "\n\t\r\a\b\f\v\0\\'\"?";
	const char *s = p->t.text;
	const char *esc;
	struct value v = unknown;

	if (p->t.len == 3 && s[0] == '\'' && (unsigned char)s[1] < 0x80)
		v = number((unsigned char)s[1]);
	if (p->t.len == 4 && s[0] == '\'' && s[1] == '\\' &&
	    (esc = strchr(from, s[2])) != NULL && s[2] != '\0')
		v = number((unsigned char)to[esc - from]);
	advance(p);
	return v;
}

static struct value
parenthesis(struct parser *p)
{
	struct value v;

	if (++p->nest > NEST_MAX)
		return wrong(p);
	advance(p);
	v = conditional(p);
	p->nest--;
	if (!at(p, ')'))
		return wrong(p);
	advance(p);
	return v;
}

static struct value unary(struct parser *p);

static struct value
negate(struct parser *p, unsigned int op)
{
	struct value v;

	if (++p->nest > NEST_MAX)
		return wrong(p);
	advance(p);
	v = unary(p);
	p->nest--;
	if (!v.known)
		return v;
	if (op == '!')
		return number(v.v == 0);
	if (op == '-')
		v.v = 0 - v.v;
	else if (op == '~')
		v.v = ~v.v;
	return v;
}

/* #machine(x) of old: nothing is known of it. */
static struct value
assertion(struct parser *p)
{
	advance(p);
	advance(p);
	if (at(p, '(')) {
		while (p->t.kind != TOK_EOF && !at(p, ')'))
			advance(p);
		advance(p);
	}
	return unknown;
}

static struct value
unary(struct parser *p)
{
	switch (p->t.kind) {
	case TOK_IDENT:
		if (p->lang->has_named_ops && p->t.sym->word == WORD_NOT)
			return negate(p, '!');
		if (p->lang->has_named_ops && p->t.sym->word == WORD_COMPL)
			return negate(p, '~');
		return word_operand(p);
	case TOK_NUMBER:
		return literal_number(p);
	case TOK_CHAR:
		return literal_char(p);
	case TOK_PUNCT:
		if (at(p, '('))
			return parenthesis(p);
		if (at(p, '!') || at(p, '-') || at(p, '+') || at(p, '~'))
			return negate(p, p->t.code);
		if (at(p, '#'))
			return assertion(p);
		return wrong(p);
	default:
		return wrong(p);
	}
}

/* ---- operators ------------------------------------------------------- */

/* How tightly each binary operator binds, by its code; 0: it is none. */
static const uint8_t levels[PUNCT_SPACESHIP + 1] = {
	[PUNCT_OR] = 1, [PUNCT_AND] = 2, ['|'] = 3, ['^'] = 4, ['&'] = 5,
	[PUNCT_EQ] = 6, [PUNCT_NE] = 6,
	['<'] = 7, ['>'] = 7, [PUNCT_LE] = 7, [PUNCT_GE] = 7,
	[PUNCT_SHL] = 8, [PUNCT_SHR] = 8, ['+'] = 9, ['-'] = 9,
	['*'] = 10, ['/'] = 10, ['%'] = 10,
};

static const struct {
	uint8_t word;
	uint16_t code;
} named_ops[] = {
	{ WORD_AND, PUNCT_AND }, { WORD_OR, PUNCT_OR },
	{ WORD_BITAND, '&' }, { WORD_BITOR, '|' }, { WORD_XOR, '^' },
	{ WORD_NOT_EQ, PUNCT_NE },
};

/* The binary operator in hand and its level; 0 if it is none. */
static unsigned int
operator_level(const struct parser *p, uint16_t *code)
{
	size_t i;

	*code = p->t.kind == TOK_PUNCT ? p->t.code : 0;
	if (p->t.kind == TOK_IDENT && p->lang->has_named_ops)
		for (i = 0; i < sizeof(named_ops) / sizeof(named_ops[0]); i++)
			if (named_ops[i].word == p->t.sym->word)
				*code = named_ops[i].code;
	return *code <= PUNCT_SPACESHIP ? levels[*code] : 0;
}

/* && and ||: one side may decide without the other. */
static struct value
logical(uint16_t code, struct value a, struct value b)
{
	bool deciding = code == PUNCT_OR;

	if ((a.known && (a.v != 0) == deciding) ||
	    (b.known && (b.v != 0) == deciding))
		return number(deciding);
	return a.known && b.known ? number(!deciding) : unknown;
}

static struct value
divide(uint16_t code, struct value a, struct value b, bool uns)
{
	int64_t x = (int64_t)a.v, y = (int64_t)b.v;

	if (b.v == 0)
		return unknown;
	if (uns)
		a.v = code == '/' ? a.v / b.v : a.v % b.v;
	else if (y == -1)
		a.v = code == '/' ? 0 - a.v : 0;
	else
		a.v = (uint64_t)(code == '/' ? x / y : x % y);
	a.is_unsigned = uns;
	return a;
}

static struct value
shift(uint16_t code, struct value a, struct value b)
{
	int64_t n = (int64_t)b.v;
	bool left = code == PUNCT_SHL;
	uint64_t fill = !a.is_unsigned && (int64_t)a.v < 0 ? ~UINT64_C(0) : 0;

	if (!b.is_unsigned && n < 0) {
		left = !left;
		b.v = 0 - b.v;
	}
	if (b.v >= 64)
		a.v = left ? 0 : fill;
	else if (left)
		a.v <<= b.v;
	else if (b.v != 0)
		a.v = (a.v >> b.v) | (fill << (64 - b.v));
	return a;
}

static bool
compare(uint16_t code, uint64_t a, uint64_t b, bool uns)
{
	bool less = uns ? a < b : (int64_t)a < (int64_t)b;

	switch (code) {
	case '<':	return less;
	case PUNCT_GE:	return !less;
	case '>':	return !less && a != b;
	case PUNCT_LE:	return less || a == b;
	case PUNCT_EQ:	return a == b;
	default:	return a != b;
	}
}

static struct value
binary(uint16_t code, struct value a, struct value b)
{
	bool uns = a.is_unsigned || b.is_unsigned;

	if (code == PUNCT_OR || code == PUNCT_AND)
		return logical(code, a, b);
	if (!a.known || !b.known)
		return unknown;
	switch (code) {
	case '|':	a.v |= b.v; break;
	case '^':	a.v ^= b.v; break;
	case '&':	a.v &= b.v; break;
	case '+':	a.v += b.v; break;
	case '-':	a.v -= b.v; break;
	case '*':	a.v *= b.v; break;
	case '/':
	case '%':	return divide(code, a, b, uns);
	case PUNCT_SHL:
	case PUNCT_SHR:	return shift(code, a, b);
	default:	return number(compare(code, a.v, b.v, uns));
	}
	a.is_unsigned = uns;
	return a;
}

static struct value
operators(struct parser *p, unsigned int least)
{
	struct value a = unary(p), b;
	unsigned int level;
	uint16_t code;

	while (!p->wrong && (level = operator_level(p, &code)) >= least) {
		advance(p);
		b = operators(p, level + 1);
		a = binary(code, a, b);
	}
	return a;
}

static struct value
conditional(struct parser *p)
{
	struct value c = operators(p, 1), a, b;

	while (!p->wrong && at(p, ',')) {
		advance(p);
		c = operators(p, 1);
	}
	if (p->wrong || !at(p, '?'))
		return c;
	if (++p->nest > NEST_MAX)
		return wrong(p);
	advance(p);
	a = conditional(p);
	if (!at(p, ':'))
		return wrong(p);
	advance(p);
	b = conditional(p);
	p->nest--;
	a.is_unsigned = b.is_unsigned = a.is_unsigned || b.is_unsigned;
	if (!c.known)
		return a.known && b.known && a.v == b.v ? a : unknown;
	return c.v != 0 ? a : b;
}

int
cond_eval(struct expand *e, struct toks toks,
    const struct cond_language *lang, const struct cond_asks *asks,
    enum truth *truth)
{
	struct parser p = { .e = e, .lang = lang, .asks = asks };
	struct value v;

	expand_begin(e, toks);
	advance(&p);
	v = conditional(&p);
	if (p.t.kind != TOK_EOF)
		p.wrong = true;
	/* a macro with unknown contents could hold any operator */
	if (p.wrong || e->unknown || e->broken || !v.known)
		*truth = COND_UNKNOWN;
	else
		*truth = v.v != 0 ? COND_TRUE : COND_FALSE;
	return p.err;
}
