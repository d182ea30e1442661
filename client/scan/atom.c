/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/scan/atom.h"
#include "lib/mem.h"

/* Most arenas hold one header's directives: small first, then larger. */
#define CHUNK_FIRST_BYTES	((size_t)1024)
#define CHUNK_LAST_BYTES	((size_t)64 * 1024)
#define BUCKETS_FIRST	32768
#define SYMS_AT_ONCE	256

static_assert(sizeof(struct sym) % 64 == 0, "a sym fills cache lines");

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	unsigned char bytes[];
};

void
arena_grow(struct arena *a, size_t size)
{
	struct arena_chunk *c;
	size_t usual = a->total;

	if (usual < CHUNK_FIRST_BYTES)
		usual = CHUNK_FIRST_BYTES;
	if (usual > CHUNK_LAST_BYTES)
		usual = CHUNK_LAST_BYTES;
	if (size < usual)
		size = usual;
	c = mem_realloc(NULL, 1, sizeof(*c) + size);
	c->next = a->chunks;
	c->size = size;
	a->chunks = c;
	a->next = c->bytes;
	a->left = size;
	a->total += size;
}

char *
arena_copy(struct arena *a, const void *ptr, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (n != 0)
		memcpy(p, ptr, n);
	p[n] = '\0';
	return p;
}

void
arena_free(struct arena *a)
{
	struct arena_chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
	memset(a, 0, sizeof(*a));
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->chunks;

	if (keep == NULL)
		return;
	a->chunks = keep->next;
	keep->next = NULL;
	arena_free(a);
	a->chunks = keep;
	a->next = keep->bytes;
	a->left = a->total = keep->size;
}

static const struct {
	const char *name;
	enum word word;
} words[] = {
	{ "if", WORD_IF }, { "ifdef", WORD_IFDEF }, { "ifndef", WORD_IFNDEF },
	{ "elif", WORD_ELIF }, { "elifdef", WORD_ELIFDEF },
	{ "elifndef", WORD_ELIFNDEF }, { "else", WORD_ELSE },
	{ "endif", WORD_ENDIF }, { "include", WORD_INCLUDE },
	{ "include_next", WORD_INCLUDE_NEXT }, { "import", WORD_IMPORT },
	{ "embed", WORD_EMBED }, { "define", WORD_DEFINE },
	{ "undef", WORD_UNDEF }, { "pragma", WORD_PRAGMA },
	{ "line", WORD_LINE }, { "defined", WORD_DEFINED },
	{ "__VA_ARGS__", WORD_VA_ARGS }, { "__VA_OPT__", WORD_VA_OPT },
	{ "true", WORD_TRUE }, { "false", WORD_FALSE },
	{ "and", WORD_AND }, { "or", WORD_OR }, { "not", WORD_NOT },
	{ "xor", WORD_XOR }, { "bitand", WORD_BITAND },
	{ "bitor", WORD_BITOR }, { "compl", WORD_COMPL },
	{ "not_eq", WORD_NOT_EQ },
	{ "__has_include", WORD_HAS_INCLUDE },
	{ "__has_include__", WORD_HAS_INCLUDE },
	{ "__has_include_next", WORD_HAS_INCLUDE_NEXT },
	{ "__has_include_next__", WORD_HAS_INCLUDE_NEXT },
	{ "__has_embed", WORD_HAS_EMBED },
	{ "__has_attribute", WORD_ASK }, { "__has_builtin", WORD_ASK },
	{ "__has_cpp_attribute", WORD_ASK }, { "__has_c_attribute", WORD_ASK },
	{ "__has_declspec_attribute", WORD_ASK },
	{ "__has_feature", WORD_ASK }, { "__has_extension", WORD_ASK },
	{ "__has_warning", WORD_ASK }, { "__has_constexpr_builtin", WORD_ASK },
	{ "__is_identifier", WORD_ASK }, { "__is_target_arch", WORD_ASK },
	{ "__is_target_vendor", WORD_ASK }, { "__is_target_os", WORD_ASK },
	{ "__is_target_environment", WORD_ASK },
	{ "__is_target_variant_os", WORD_ASK },
	{ "__is_target_variant_environment", WORD_ASK },
	{ "__building_module", WORD_ASK },
	{ "__FILE__", WORD_FILE }, { "__BASE_FILE__", WORD_BASE_FILE },
	{ "__INCLUDE_LEVEL__", WORD_LEVEL },
	{ "__FILE_NAME__", WORD_VARIES }, { "__LINE__", WORD_VARIES },
	{ "__COUNTER__", WORD_VARIES }, { "__DATE__", WORD_VARIES },
	{ "__TIME__", WORD_VARIES }, { "__TIMESTAMP__", WORD_VARIES },
};

void
atoms_init(struct atoms *t)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	t->nbuckets = BUCKETS_FIRST;
	t->buckets = mem_calloc(t->nbuckets, sizeof(struct sym *));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		atoms_get(t, words[i].name, strlen(words[i].name))->word =
		    (uint8_t)words[i].word;
}

void
atoms_free(struct atoms *t)
{
	free(t->buckets);
	arena_free(&t->arena);
	memset(t, 0, sizeof(*t));
}

static void
grow(struct atoms *t)
{
	size_t n = t->nbuckets * 4, i;
	struct sym **fresh = mem_calloc(n, sizeof(*fresh));
	struct sym *s, *next;

	for (i = 0; i < t->nbuckets; i++)
		for (s = t->buckets[i]; s != NULL; s = next) {
			next = s->next;
			s->next = fresh[s->hash & (n - 1)];
			fresh[s->hash & (n - 1)] = s;
		}
	free(t->buckets);
	t->buckets = fresh;
	t->nbuckets = n;
}

static struct sym *
new_sym(struct atoms *t)
{
	size_t line = sizeof(struct sym);
	uintptr_t p;

	if (t->nfree == 0) {
		p = (uintptr_t)arena_alloc(&t->arena, (SYMS_AT_ONCE + 1) *
		    line);
		t->free = (struct sym *)(p + (line - p % line) % line);
		t->nfree = SYMS_AT_ONCE;
		memset(t->free, 0, t->nfree * line);
	}
	t->nfree--;
	return t->free++;
}

/* A name's first bytes; what is missing is zero. */
struct head {
	uint64_t a, b;
};

static_assert(sizeof(struct head) == ATOM_READ, "a name's head");

static struct head
read_head(const char *p)
{
	struct head h;

	memcpy(&h, p, sizeof(h));
	return h;
}

static struct head
head_of(const char *name, size_t len)
{
	static const unsigned char mask[2 * ATOM_READ] = { 255, 255, 255, 255,
	    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	struct head h = read_head(name), m;

	m = read_head((const char *)mask + ATOM_READ -
	    (len < ATOM_READ ? len : ATOM_READ));
	return (struct head){ h.a & m.a, h.b & m.b };
}

static uint64_t
mix(uint64_t h, struct head x)
{
	h = (h ^ x.a) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 32 ^ x.b) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

/* The last bytes of a long name count twice, rather than being cut to size. */
static uint32_t
hash_of(struct head head, const char *name, size_t len)
{
	uint64_t h = mix(len, head);
	size_t i;

	for (i = ATOM_READ; i < len; i += ATOM_READ)
		h = mix(h, read_head(name + (len - i < ATOM_READ ?
		    len - ATOM_READ : i)));
	return (uint32_t)h;
}

static bool
is_named(const struct sym *s, struct head head, const char *name, size_t len)
{
	struct head h = read_head(s->name);

	return h.a == head.a && h.b == head.b && s->len == len &&
	    (len <= ATOM_READ || memcmp(s->name + ATOM_READ,
	    name + ATOM_READ, len - ATOM_READ) == 0);
}

static const char *
keep_name(struct atoms *t, const char *name, size_t len)
{
	size_t size = len < ATOM_READ ? ATOM_READ : len + 1;
	char *p = arena_alloc(&t->arena, size);

	memset(p + size - ATOM_READ, 0, ATOM_READ);
	memcpy(p, name, len);
	return p;
}

struct sym *
atoms_get_readable(struct atoms *t, const char *name, size_t len)
{
	struct head head = head_of(name, len);
	uint32_t hash = hash_of(head, name, len);
	struct sym **at = &t->buckets[hash & (t->nbuckets - 1)], *s;

	for (s = *at; s != NULL; s = s->next)
		if (s->hash == hash && is_named(s, head, name, len))
			return s;
	if (t->count++ > t->nbuckets) {
		grow(t);
		at = &t->buckets[hash & (t->nbuckets - 1)];
	}
	s = new_sym(t);
	s->name = keep_name(t, name, len);
	s->len = (uint32_t)len;
	s->hash = hash;
	s->next = *at;
	*at = s;
	return s;
}

struct sym *
atoms_get(struct atoms *t, const char *name, size_t len)
{
	char copy[ATOM_READ] = "";

	if (len >= ATOM_READ)
		return atoms_get_readable(t, name, len);
	if (len != 0)
		memcpy(copy, name, len);
	return atoms_get_readable(t, copy, len);
}
