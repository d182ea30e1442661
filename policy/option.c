/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "policy/option.h"

#define G	OPTION_GCC
#define C	OPTION_CLANG
#define GC	(OPTION_GCC | OPTION_CLANG)
#define OPT(name, families, arity, class, value, strip)			\
	{ name, sizeof(name) - 1, (families), ARITY_##arity,		\
	    CLASS_##class, VALUE_##value, STRIP_##strip },

static const struct option table[] = {
#include "policy/options.def"
};

#undef OPT
#undef GC
#undef C
#undef G

#define TABLE_LEN	(sizeof(table) / sizeof(table[0]))
#define CHAINS		128

/*
 * The rows in chains, by the two characters behind the dash; a name of one has
 * NUL as its second.  Numbers of rows from 1, in the table's order; 0 ends.
 */
static struct {
	bool is_made;
	unsigned short first[CHAINS];
	unsigned short next[TABLE_LEN + 1];
} rows;

const struct option *
option_table(size_t *n)
{
	*n = TABLE_LEN;
	return table;
}

bool
option_is_of(const struct option *opt, enum compiler_family family)
{
	if (family == FAMILY_GCC)
		return (opt->families & OPTION_GCC) != 0;
	if (family == FAMILY_CLANG)
		return (opt->families & OPTION_CLANG) != 0;
	return opt->families == (OPTION_GCC | OPTION_CLANG);
}

/* fits - whether the row's name and arity allow this word. */
static bool
fits(const struct option *opt, const char *word)
{
	if (word[1] != opt->name[1] ||
	    strncmp(word, opt->name, opt->len) != 0)
		return false;
	if (opt->arity == ARITY_JOIN || opt->arity == ARITY_JOINSEP)
		return true;
	return word[opt->len] == '\0';
}

/* is_better - longer names first, then the row of the right family. */
static bool
is_better(const struct option *opt, const struct option *best,
    enum compiler_family family)
{
	if (best == NULL || opt->len != best->len)
		return best == NULL || opt->len > best->len;
	return option_is_of(opt, family) && !option_is_of(best, family);
}

static unsigned short *
chain(char one, char two)
{
	return &rows.first[((unsigned char)one * 5u + (unsigned char)two) %
	    CHAINS];
}

static void
make_chains(void)
{
	for (size_t i = TABLE_LEN; i != 0; i--) {
		const char *name = table[i - 1].name;
		unsigned short *first = chain(name[1], name[2]);

		rows.next[i] = *first;
		*first = (unsigned short)i;
	}
	rows.is_made = true;
}

static const struct option *
find_in(size_t i, const char *word, enum compiler_family family,
    const struct option *best)
{
	for (; i != 0; i = rows.next[i]) {
		const struct option *opt = &table[i - 1];

		if (fits(opt, word) && is_better(opt, best, family))
			best = opt;
	}
	return best;
}

static const struct option *
find(const char *word, enum compiler_family family)
{
	const struct option *best;

	if (!rows.is_made)
		make_chains();
	best = find_in(*chain(word[1], word[2]), word, family, NULL);
	return find_in(*chain(word[1], '\0'), word, family, best);
}

/* take_value - find where the value of w->opt stands. */
static void
take_value(struct option_word *w)
{
	const char *rest = w->text + w->opt->len;

	if (w->opt->arity == ARITY_FLAG)
		return;
	if (w->opt->arity == ARITY_JOIN || *rest != '\0') {
		w->value = rest;
		w->is_joined = true;
	} else if (w->argv[1] != NULL) {
		w->value = w->argv[1];
		w->words = 2;
	} else {
		w->kind = OPTION_UNFINISHED;
	}
}

void
option_next(char *const *argv, size_t at, enum compiler_family family,
    struct option_word *w)
{
	memset(w, 0, sizeof(*w));
	w->at = at;
	w->words = 1;
	w->argv = argv + at;
	w->text = w->argv[0];
	w->kind = OPTION_PLAIN;
	if (w->text[0] != '-' || w->text[1] == '\0')
		return;
	w->opt = find(w->text, family);
	w->kind = w->opt != NULL ? OPTION_KNOWN : OPTION_UNKNOWN;
	if (w->opt != NULL)
		take_value(w);
}
