/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/scan/facts.h"
#include "client/scan/scan.h"
#include "lib/mem.h"

#define PROBE_PREFIX	"__distcc_scan_"
#define NOWHERE		SIZE_MAX
#define VALUE_BITS	24	/* dates like 202311 need 18 */

/*
 * How the compiler reads files, told by which of these it defines.  A raw
 * string or a trigraph makes a line vanish or appear.
 */
static const char probes[] =
    "R\"x(\n"
    "#define " PROBE_PREFIX "no_raw 1\n"
    ")x\"\n"
    "?\?=define " PROBE_PREFIX "trigraphs 1\n"
    "#if 0\n"
    "#elifdef __STDC__\n"
    "#define " PROBE_PREFIX "elifdef 1\n"
    "#endif\n"
    "#if true\n"
    "#define " PROBE_PREFIX "true 1\n"
    "#endif\n"
    "#if 1 and 1\n"
    "#define " PROBE_PREFIX "named_ops 1\n"
    "#endif\n"
    "#if 1 //**/ 2\n"
    "#define " PROBE_PREFIX "line_comments 1\n"
    "#endif\n";

/* Names that are there without being listed by -dM. */
static const char *const operators[] = {
	"__has_include", "__has_include__", "__has_include_next",
	"__has_include_next__", "__has_embed", "__has_attribute",
	"__has_builtin", "__has_cpp_attribute", "__has_c_attribute",
	"__has_declspec_attribute", "__has_feature", "__has_extension",
	"__has_warning", "__has_constexpr_builtin", "__is_identifier",
	"__is_target_arch", "__is_target_vendor", "__is_target_os",
	"__is_target_environment", "__is_target_variant_os",
	"__is_target_variant_environment", "__building_module", "__FILE__",
	"__BASE_FILE__", "__INCLUDE_LEVEL__", "__FILE_NAME__", "__LINE__",
	"__COUNTER__", "__DATE__", "__TIME__", "__TIMESTAMP__",
};

#define NOPERATORS	(sizeof(operators) / sizeof(operators[0]))

/* ---- the question ---------------------------------------------------- */

/* The next line of v; false when there is none. */
static bool
next_line(struct view *v, struct view *line)
{
	const unsigned char *nl;
	size_t n;

	if (v->len == 0)
		return false;
	nl = memchr(v->ptr, '\n', v->len);
	n = nl != NULL ? (size_t)(nl - v->ptr) : v->len;
	if (view_take(v, n, line) < 0)
		return false;
	if (nl != NULL && view_take(v, 1, &(struct view){ NULL, 0 }) < 0)
		return false;
	return true;
}

/* NAME(words): no more than what a preprocessor's operator may take. */
static bool
is_query(struct view q)
{
	size_t i = 0, end = q.len;

	if (q.len < 4 || q.len >= SCAN_QUERY_BYTES || q.ptr[0] != '_' ||
	    q.ptr[end - 1] != ')')
		return false;
	while (i < end && (isalnum(q.ptr[i]) || q.ptr[i] == '_'))
		i++;
	if (i == end || q.ptr[i] != '(')
		return false;
	for (i++; i < end - 1; i++)
		if (!isalnum(q.ptr[i]) && strchr("_:.-+\", ", q.ptr[i]) == NULL)
			return false;
	return true;
}

/* What the headers of C and C++ libraries ask for, as a rule: asked right at the
 * beginning, it need not be asked a second time. */
static const char usual[] =
    "__has_attribute(__alloc_align__)\n"
    "__has_attribute(__always_inline__)\n"
    "__has_attribute(__artificial__)\n"
    "__has_attribute(__const__)\n"
    "__has_attribute(__deprecated__)\n"
    "__has_attribute(__format__)\n"
    "__has_attribute(__format_arg__)\n"
    "__has_attribute(__malloc__)\n"
    "__has_attribute(__nonnull__)\n"
    "__has_attribute(__noreturn__)\n"
    "__has_attribute(__nothrow__)\n"
    "__has_attribute(__pure__)\n"
    "__has_attribute(__returns_nonnull__)\n"
    "__has_attribute(__unused__)\n"
    "__has_attribute(__used__)\n"
    "__has_attribute(__warn_unused_result__)\n"
    "__has_attribute(aligned)\n"
    "__has_attribute(always_inline)\n"
    "__has_attribute(cold)\n"
    "__has_attribute(deprecated)\n"
    "__has_attribute(fallthrough)\n"
    "__has_attribute(format)\n"
    "__has_attribute(hot)\n"
    "__has_attribute(no_sanitize)\n"
    "__has_attribute(no_sanitize_address)\n"
    "__has_attribute(noinline)\n"
    "__has_attribute(noreturn)\n"
    "__has_attribute(nonnull)\n"
    "__has_attribute(packed)\n"
    "__has_attribute(returns_nonnull)\n"
    "__has_attribute(section)\n"
    "__has_attribute(unused)\n"
    "__has_attribute(used)\n"
    "__has_attribute(visibility)\n"
    "__has_attribute(warn_unused_result)\n"
    "__has_attribute(weak)\n"
    "__has_cpp_attribute(__no_unique_address__)\n"
    "__has_cpp_attribute(deprecated)\n"
    "__has_cpp_attribute(fallthrough)\n"
    "__has_cpp_attribute(likely)\n"
    "__has_cpp_attribute(maybe_unused)\n"
    "__has_cpp_attribute(no_unique_address)\n"
    "__has_cpp_attribute(nodiscard)\n"
    "__has_cpp_attribute(noreturn)\n"
    "__has_cpp_attribute(unlikely)\n"
    "__has_builtin(__builtin_assume)\n"
    "__has_builtin(__builtin_bit_cast)\n"
    "__has_builtin(__builtin_bswap16)\n"
    "__has_builtin(__builtin_bswap32)\n"
    "__has_builtin(__builtin_bswap64)\n"
    "__has_builtin(__builtin_clz)\n"
    "__has_builtin(__builtin_clzll)\n"
    "__has_builtin(__builtin_constant_p)\n"
    "__has_builtin(__builtin_ctz)\n"
    "__has_builtin(__builtin_ctzll)\n"
    "__has_builtin(__builtin_expect)\n"
    "__has_builtin(__builtin_fclose)\n"
    "__has_builtin(__builtin_is_constant_evaluated)\n"
    "__has_builtin(__builtin_launder)\n"
    "__has_builtin(__builtin_operator_new)\n"
    "__has_builtin(__builtin_source_location)\n"
    "__has_builtin(__builtin_unreachable)\n"
    "__has_builtin(__has_unique_object_representations)\n"
    "__has_builtin(__is_aggregate)\n"
    "__has_builtin(__is_same)\n"
    "__has_builtin(__make_integer_seq)\n";

int
facts_usual(struct buf *queries)
{
	return buf_append_str(queries, usual);
}

/* Of one bit: "& VALUE" behind the query, and the end of its macro's name. */
struct bit_text {
	char value[sizeof(") & 4294967295\n#define " PROBE_PREFIX "q")];
	char end[sizeof("_4294967295 1\n#endif\n")];
};

static void
name_bits(struct bit_text bits[VALUE_BITS])
{
	unsigned int i;

	for (i = 0; i < VALUE_BITS; i++) {
		(void)snprintf(bits[i].value, sizeof(bits[i].value),
		    ") & %u\n#define " PROBE_PREFIX "q", 1U << i);
		(void)snprintf(bits[i].end, sizeof(bits[i].end),
		    "_%u 1\n#endif\n", i);
	}
}

/* There are thousands of them: with printf that would be most of the work. */
static int
ask_bit(struct buf *b, const char *number, struct view q,
    const struct bit_text *bit)
{
	int r;

	if ((r = buf_append_str(b, "#if (")) < 0 ||
	    (r = buf_append(b, q.ptr, q.len)) < 0 ||
	    (r = buf_append_str(b, bit->value)) < 0 ||
	    (r = buf_append_str(b, number)) < 0)
		return r;
	return buf_append_str(b, bit->end);
}

/*
 * A query's value is told bit by bit, each by a macro of its own; most values
 * are 0 or 1.  A compiler that does not know the operator is not asked.
 */
static int
ask_query(struct buf *b, size_t number, struct view q,
    const struct bit_text bits[VALUE_BITS])
{
	const char *text = (const char *)q.ptr;
	const char *open = memchr(text, '(', q.len);
	unsigned int bit;
	char digits[24];
	int r;

	(void)snprintf(digits, sizeof(digits), "%zu", number);
	if ((r = buf_printf(b, "#ifdef %.*s\n", (int)(open - text),
	    text)) < 0 || (r = ask_bit(b, digits, q, &bits[0])) < 0 ||
	    (r = buf_printf(b, "#if (%.*s) > 1\n", (int)q.len, text)) < 0)
		return r;
	for (bit = 1; r == 0 && bit < VALUE_BITS; bit++)
		r = ask_bit(b, digits, q, &bits[bit]);
	return r < 0 ? r : buf_append_str(b, "#endif\n#endif\n");
}

int
facts_program(struct view queries, struct buf *program)
{
	struct bit_text bits[VALUE_BITS];
	struct view line;
	size_t n, i;
	int r;

	name_bits(bits);
	r = buf_append_str(program, probes);
	for (i = 0; r == 0 && i < NOPERATORS; i++)
		r = buf_printf(program, "#ifdef %s\n#define " PROBE_PREFIX
		    "has%s 1\n#endif\n", operators[i], operators[i]);
	for (n = 0; r == 0 && next_line(&queries, &line); n++) {
		if (n == SCAN_QUERIES_MAX || !is_query(line))
			return ERR_SYNTAX;
		r = ask_query(program, n, line, bits);
	}
	return r;
}

/* ---- the answer ------------------------------------------------------ */

static void
add_string(struct arena *a, const char ***ptr, size_t *n, size_t *size,
    struct view v)
{
	if (*n == *size) {
		*size = *size != 0 ? *size * 2 : 16;
		*ptr = mem_realloc(*ptr, *size, sizeof(**ptr));
	}
	(*ptr)[(*n)++] = arena_copy(a, v.ptr, v.len);
}

static bool
begins(struct view *v, const char *word)
{
	size_t n = strlen(word);

	if (v->len < n || memcmp(v->ptr, word, n) != 0)
		return false;
	return view_take(v, n, &(struct view){ NULL, 0 }) == 0;
}

static bool
ends(struct view v, const char *word)
{
	size_t n = strlen(word);

	return v.len >= n && memcmp(v.ptr + v.len - n, word, n) == 0;
}

/* ignoring nonexistent directory "X" */
static void
learn_missing(struct facts *f, struct view line)
{
	if (line.len != 0 && ends(line, "\"")) {
		line.len--;
		add_string(&f->arena, &f->missing, &f->nmissing,
		    &f->missing_size, line);
	}
}

static void
learn_missings(struct facts *f, struct view text)
{
	struct view line;

	while (next_line(&text, &line))
		if (begins(&line, "ignoring nonexistent directory \""))
			learn_missing(f, line);
}

bool
facts_next_dir(struct facts_path *p, struct view *dir)
{
	while (!p->ended && next_line(&p->text, dir)) {
		if (begins(dir, "#include <...> search starts here:"))
			p->inside = true;
		else if (begins(dir, "End of search list."))
			p->ended = true;
		else if (p->inside && begins(dir, " "))
			return true;
	}
	return false;
}

/* Takes what is behind FACTS_ALL off text. */
static void
learn_all(struct facts *f, struct view *text)
{
	const unsigned char *at = text->len == 0 ? NULL :
	    memmem(text->ptr, text->len, FACTS_ALL, strlen(FACTS_ALL));
	struct facts_path path = { .inside = false };
	struct view dir;

	if (at == NULL)
		return;
	path.text = view_of(at, text->len - (size_t)(at - text->ptr));
	text->len -= path.text.len;
	learn_missings(f, path.text);
	while (facts_next_dir(&path, &dir))
		add_string(&f->arena, &f->all, &f->nall, &f->all_size, dir);
}

/* What the compiler wrote to standard error: its search path. */
static int
learn_path(struct facts *f, struct view text)
{
	struct buf joined = BUF_INIT(FACTS_ANSWER_BYTES);
	struct facts_path path = { .inside = false };
	struct view line;
	int r = 0;

	learn_all(f, &text);
	path.text = text;
	learn_missings(f, text);
	while (r == 0 && facts_next_dir(&path, &line)) {
		if (ends(line, " (framework directory)")) {
			f->has_frameworks = true;
			continue;
		}
		add_string(&f->arena, &f->dirs, &f->ndirs, &f->dirs_size,
		    line);
		if ((r = buf_append(&joined, line.ptr, line.len)) == 0)
			r = buf_append_str(&joined, "\n");
	}
	f->path = arena_copy(&f->arena, joined.ptr, joined.len);
	buf_free(&joined);
	return r < 0 || path.ended ? r : ERR_SYNTAX;
}

static void
add_macro(struct facts *f, struct sym *s, const struct macro *m)
{
	if (f->nmacros == f->macros_size) {
		f->macros_size = f->macros_size != 0 ? f->macros_size * 2 :
		    512;
		f->macros = mem_realloc(f->macros, f->macros_size,
		    sizeof(*f->macros));
	}
	f->macros[f->nmacros].sym = s;
	f->macros[f->nmacros++].macro = m;
}

static const struct {
	const char *name;
	size_t offset;
	bool value;
} switches[] = {
	{ "no_raw", offsetof(struct facts, mode.raw_strings), false },
	{ "trigraphs", offsetof(struct facts, mode.trigraphs), true },
	{ "elifdef", offsetof(struct facts, mode.elifdef), true },
	{ "true", offsetof(struct facts, lang.has_true), true },
	{ "named_ops", offsetof(struct facts, lang.has_named_ops), true },
	{ "line_comments", offsetof(struct facts, mode.line_comments), true },
};

static void
add_operator(struct facts *f, struct atoms *atoms, struct view name)
{
	struct macro *m = arena_alloc(&f->arena, sizeof(*m));
	struct sym *s;
	size_t i;

	for (i = 0; i < NOPERATORS; i++)
		if (view_equal(name, operators[i])) {
			memset(m, 0, sizeof(*m));
			m->is_builtin = true;
			s = atoms_get(atoms, operators[i], name.len);
			m->number = MACRO_OF_COMPILER | (uintptr_t)s;
			add_macro(f, s, m);
			return;
		}
}

/* One of our own macros: PROBE_PREFIX has been cut off. */
static void
learn_probe(struct facts *f, struct atoms *atoms, struct view name)
{
	size_t i;

	if (ends(name, " 1"))
		name.len -= 2;
	if (begins(&name, "has")) {
		add_operator(f, atoms, name);
		return;
	}
	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (view_equal(name, switches[i].name))
			*(bool *)((char *)f + switches[i].offset) =
			    switches[i].value;
}

static int
learn_macro(struct facts *f, struct atoms *atoms, struct view line)
{
	const struct macro *m;
	struct sym *s;
	char *text = arena_alloc(&f->arena, line.len + 2);
	int r;

	memcpy(text, line.ptr, line.len);
	text[line.len] = '\n';
	text[line.len + 1] = '\0';
	if ((r = lex_macro(atoms, &f->arena, text, &s, &m)) < 0)
		return r;
	if (strcmp(s->name, "_STDC_PREDEF_H") == 0)
		f->has_predef = true;
	else
		add_macro(f, s, m);
	return 0;
}

/* What the compiler wrote to standard output: its macros. */
static int
learn_macros(struct facts *f, struct atoms *atoms, struct view text)
{
	struct view line;
	int r = 0;

	f->mode.raw_strings = true;
	while (r == 0 && next_line(&text, &line)) {
		if (!begins(&line, "#define "))
			continue;
		if (begins(&line, PROBE_PREFIX))
			learn_probe(f, atoms, line);
		else
			r = learn_macro(f, atoms, line);
	}
	if (r == 0 && f->nmacros == 0)
		r = ERR_SYNTAX;
	return r;
}

/* Reads a decimal number off the front of v. */
static bool
take_number(struct view *v, size_t *out)
{
	size_t n = 0, i;

	for (i = 0; i < v->len && i < 6 && isdigit(v->ptr[i]); i++)
		n = n * 10 + (size_t)(v->ptr[i] - '0');
	*out = n;
	return i != 0 && view_take(v, i, &(struct view){ NULL, 0 }) == 0;
}

/*
 * in      where: room for SCAN_QUERIES_MAX
 * out     where: each query's index among the answers; NOWHERE: it is known
 *         n: how many queries
 * returns how many are new
 */
static size_t
add_answers(struct facts *f, struct atoms *atoms, struct view queries,
    size_t *where, size_t *n)
{
	size_t base = f->nanswers;
	struct sym *query;
	uint64_t value;
	struct view q;

	for (*n = 0; *n < SCAN_QUERIES_MAX && next_line(&queries, &q); ) {
		query = atoms_get(atoms, (const char *)q.ptr, q.len);
		if (facts_answer(f, query, &value) == 0) {
			where[(*n)++] = NOWHERE;
			continue;
		}
		if (f->nanswers == f->answers_size) {
			f->answers_size = f->answers_size != 0 ?
			    f->answers_size * 2 : 64;
			f->answers = mem_realloc(f->answers, f->answers_size,
			    sizeof(*f->answers));
		}
		f->answers[f->nanswers].query = query;
		f->answers[f->nanswers].value = 0;
		where[(*n)++] = f->nanswers++;
	}
	return f->nanswers - base;
}

/* Returns how many of the queries have been answered for the first time. */
static size_t
learn_answers(struct facts *f, struct atoms *atoms, struct view queries,
    struct view text)
{
	size_t where[SCAN_QUERIES_MAX], n, number, bit;
	size_t fresh = add_answers(f, atoms, queries, where, &n);
	struct view line;

	while (next_line(&text, &line))
		if (begins(&line, "#define " PROBE_PREFIX "q") &&
		    take_number(&line, &number) && begins(&line, "_") &&
		    take_number(&line, &bit) && bit < VALUE_BITS &&
		    number < n && where[number] != NOWHERE)
			f->answers[where[number]].value |= UINT64_C(1) << bit;
	return fresh;
}

int
facts_learn(struct facts *f, struct atoms *atoms, struct view queries,
    struct view answer)
{
	const unsigned char *nul = answer.len == 0 ? NULL :
	    memchr(answer.ptr, '\0', answer.len);
	struct view errors;
	bool is_first = f->probes == 0;
	int r = 0;

	if (nul == NULL ||
	    view_take(&answer, (size_t)(nul - answer.ptr), &errors) < 0 ||
	    view_take(&answer, 1, &(struct view){ NULL, 0 }) < 0)
		return ERR_SYNTAX;
	if (is_first) {
		r = learn_path(f, errors);
		if (r == 0)
			r = learn_macros(f, atoms, answer);
	}
	/* clients that start together all ask the same */
	if (r == 0 && (learn_answers(f, atoms, queries, answer) != 0 ||
	    is_first))
		f->probes++;
	return r;
}

int
facts_answer(const struct facts *f, const struct sym *query, uint64_t *value)
{
	size_t i;

	for (i = 0; i < f->nanswers; i++)
		if (f->answers[i].query == query) {
			*value = f->answers[i].value;
			return 0;
		}
	return ERR_NOENT;
}

void
facts_free(struct facts *f)
{
	free(f->macros);
	free(f->dirs);
	free(f->all);
	free(f->missing);
	free(f->answers);
	arena_free(&f->arena);
	free((void *)(uintptr_t)f->key);
	free(f);
}
