/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "client/body.h"
#include "client/incbin.h"
#include "lib/mem.h"

#define SOURCE_MAX_BYTES	((size_t)64 * 1024 * 1024)
/* Left again by .text: Windows targets have no .pushsection. */
#define SECTION			".section .distcc\\n"
#define SOURCE_PATH		INCBIN_DIR "/" INCBIN_SOURCE
#define DIR_DEPTH_MAX		128U	/* of a host's directory of headers */

const char *
incbin_text(enum incbin_state state)
{
	static const char *const texts[INCBIN_STATES] = {
		[INCBIN_UNKNOWN] = "did not show",
		[INCBIN_SAME] = "has the same",
		[INCBIN_DIFFERS] = "has another",
		[INCBIN_LACKS] = "has no",
		[INCBIN_HAS] = "has, and this machine has not,",
		[INCBIN_OWN] = "would look at its own",
		[INCBIN_DATE] = "would put its own time where it is used in",
		[INCBIN_NAME] = "cannot be asked for",
		[INCBIN_ELSEWHERE] = "would not find by its full name",
	};

	return state < INCBIN_STATES ? texts[state] : "?";
}

/* ---- the source ---- */

/* As a header's name between quotes in C. */
static bool
is_header_name(const char *path)
{
	for (; *path != '\0'; path++)
		if ((unsigned char)*path < ' ' || *path == '\177' ||
		    *path == '"' || *path == '\\')
			return false;
	return true;
}

/* Also between quotes in an assembler's text that stands in a string in C. */
static bool
is_plain(const char *path)
{
	static const char also[] = "/._-+=@,~:#^ ()[]{}";

	for (; *path != '\0'; path++)
		if (!((*path >= 'a' && *path <= 'z') ||
		    (*path >= 'A' && *path <= 'Z') ||
		    (*path >= '0' && *path <= '9') ||
		    strchr(also, *path) != NULL))
			return false;
	return true;
}

/* So that no header can hold what the answer is found by. */
static int
make_nonce(struct incbin *ib)
{
	unsigned char byte[INCBIN_NONCE_BYTES];

	if (getrandom(byte, sizeof(byte), 0) != (ssize_t)sizeof(byte))
		return ERR_SYS;
	for (size_t i = 0; i < sizeof(byte); i++)
		(void)snprintf(ib->nonce + 2 * i, 3, "%02x", byte[i]);
	return 0;
}

/* The number 1 shows in which order the host's target has its bytes. */
static int
write_begin(struct incbin *ib)
{
	return buf_printf(&ib->source, "__asm__(\"" SECTION
	    ".ascii \\\"%s\\\"\\n.long 1\\n.text\");\n", ib->nonce);
}

static int
write_file(struct incbin *ib, const char *path)
{
	return buf_printf(&ib->source, "__asm__(\"" SECTION ".byte 1\\n"
	    ".long 2f-1f\\n1: .incbin \\\"%s\\\"\\n2:\\n"
	    ".text\");\n", path);
}

static int
write_guarded(struct incbin *ib, const char *path)
{
	int r = buf_printf(&ib->source, "#if __has_include(\"%s\")\n",
	    path);

	if (r == 0)
		r = write_file(ib, path);
	return r < 0 ? r : buf_append_str(&ib->source, "#else\n__asm__(\""
	    SECTION ".byte 0\\n.text\");\n#endif\n");
}

static bool
is_dir(const struct scan_entry *e)
{
	return e->kind == SCAN_DIRECTORY || ((e->kind == SCAN_ABSENT ||
	    e->kind == SCAN_PRIVATE) && e->path[strlen(e->path) - 1] == '/');
}

/* What a directory is left for. */
static const char *
known(const struct scan_entry *e, const char *header)
{
	return e->kind == SCAN_PRIVATE ? SOURCE_PATH : header;
}

/*
 * A directory is there if another file can be reached through it.  It is left
 * again by more ".." than it has components, be it a link: the root's own does no
 * harm.
 */
static int
write_path(struct incbin *ib, const struct scan_entry *e)
{
	int r = buf_append_str(&ib->source, e->kind == SCAN_ROOTED ?
	    SOURCE_PATH : e->path);

	if (!is_dir(e))
		return r;
	for (unsigned int i = 0; r == 0 && i < DIR_DEPTH_MAX; i++)
		r = buf_append_str(&ib->source, "/..");
	return r < 0 ? r : buf_append_str(&ib->source, known(e, ib->known));
}

/*
 * Only whether it is there.  What is a job's alone is looked for only where the
 * host has the job's files beside its own: where the source is found by its full
 * name.  On others it would matter to nobody, and may not be looked at.
 */
static int
write_question(struct incbin *ib, const struct scan_entry *e)
{
	static const char no[] = "#else\n__asm__(\"" SECTION
	    ".byte 0\\n.text\");\n#endif\n";
	bool is_private = e->kind == SCAN_PRIVATE;
	int r = !is_private ? 0 : buf_append_str(&ib->source,
	    "#if __has_include(\"" SOURCE_PATH "\")\n");

	if (r == 0)
		r = buf_append_str(&ib->source, "#if ");
	/* without that header nothing tells that the directory is not there */
	if (r == 0 && e->kind == SCAN_ABSENT && is_dir(e))
		r = buf_printf(&ib->source, "!__has_include(\"%s\") || ",
		    ib->known);
	if (r == 0)
		r = buf_append_str(&ib->source, "__has_include(\"");
	if (r == 0)
		r = write_path(ib, e);
	if (r == 0)
		r = buf_append_str(&ib->source, "\")\n__asm__(\"" SECTION
		    ".byte 2\\n.text\");\n");
	if (r == 0)
		r = buf_append_str(&ib->source, no);
	return r == 0 && is_private ? buf_append_str(&ib->source, no) : r;
}

bool
incbin_can_ask(const struct scan_entry *e, const char *header)
{
	const char *to = known(e, header);

	if (e->kind == SCAN_ROOTED)
		return true;
	if (e->kind == SCAN_FILE)
		return is_plain(e->path);
	return is_header_name(e->path) &&
	    (!is_dir(e) || (to != NULL && is_header_name(to)));
}

static int
write_entry(struct incbin *ib, bool is_guarded, struct incbin_entry *e)
{
	const char *path = e->entry->path;

	if (!incbin_can_ask(e->entry, ib->known)) {
		e->state = INCBIN_NAME;
		return 0;
	}
	if (e->entry->kind != SCAN_FILE)
		return write_question(ib, e->entry);
	return is_guarded ? write_guarded(ib, path) : write_file(ib, path);
}

int
incbin_write(struct incbin *ib, bool is_guarded, struct incbin_entry *e,
    size_t count, size_t *n)
{
	size_t max = is_guarded ? INCBIN_GUARDED_MAX : INCBIN_ENTRIES_MAX;
	uint64_t bytes = 0;
	int r;

	buf_init(&ib->source, SOURCE_MAX_BYTES);
	if ((r = make_nonce(ib)) < 0 || (r = write_begin(ib)) < 0)
		return r;
	for (*n = 0; *n < count && *n < max &&
	    bytes < INCBIN_BYTES_MAX; ++*n) {
		bytes += e[*n].entry->stamp.size;
		if ((r = write_entry(ib, is_guarded, &e[*n])) < 0)
			return r;
	}
	return 0;
}

/* ---- the answer ---- */

static uint32_t
number(struct view v, bool is_big)
{
	const unsigned char *p = v.ptr;

	return is_big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3] : (uint32_t)p[3] << 24 |
	    (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* What is behind the nonce, and the byte order. */
static int
find_answer(const struct incbin *ib, struct view object, struct view *rest,
    bool *is_big)
{
	const unsigned char *p = object.len == 0 ? NULL :
	    memmem(object.ptr, object.len, ib->nonce, strlen(ib->nonce));
	struct view one;

	if (p == NULL)
		return ERR_SYNTAX;
	p += strlen(ib->nonce);
	*rest = view_of(p, object.len - (size_t)(p - object.ptr));
	if (view_take(rest, 4, &one) < 0)
		return ERR_SYNTAX;
	*is_big = number(one, true) == 1;
	return *is_big || number(one, false) == 1 ? 0 : ERR_SYNTAX;
}

static int
compare_text(struct view theirs, struct incbin_entry *e)
{
	const struct scan_stamp *stamp = &e->entry->stamp;
	AUTOFREE char *ours = NULL;
	int r;

	e->state = INCBIN_DIFFERS;
	if (theirs.len != stamp->size)
		return 0;
	r = body_read(e->entry->path, stamp, &ours);
	if (r < 0)
		return ERR_BUSY;
	if (theirs.len != 0 && memcmp(ours, theirs.ptr, theirs.len) != 0)
		return 0;
	e->state = body_has_date(theirs) ? INCBIN_DATE : INCBIN_SAME;
	return 0;
}

static int
compare_entry(struct view *rest, bool is_big, struct incbin_entry *e)
{
	static const enum incbin_state no[] = {
		[SCAN_FILE] = INCBIN_LACKS, [SCAN_DIRECTORY] = INCBIN_LACKS,
		[SCAN_ABSENT] = INCBIN_SAME, [SCAN_PRIVATE] = INCBIN_SAME,
		[SCAN_ROOTED] = INCBIN_ELSEWHERE,
	}, yes[] = {
		[SCAN_DIRECTORY] = INCBIN_SAME, [SCAN_ABSENT] = INCBIN_HAS,
		[SCAN_PRIVATE] = INCBIN_OWN, [SCAN_ROOTED] = INCBIN_SAME,
	};
	enum scan_kind kind = e->entry->kind;
	struct view v;

	if (view_take(rest, 1, &v) < 0)
		return ERR_SYNTAX;
	if (v.ptr[0] == 0) {
		e->state = no[kind];
		return 0;
	}
	if (kind != SCAN_FILE) {
		e->state = yes[kind];
		return v.ptr[0] == 2 ? 0 : ERR_SYNTAX;
	}
	if (v.ptr[0] != 1 || view_take(rest, 4, &v) < 0 ||
	    view_take(rest, number(v, is_big), &v) < 0)
		return ERR_SYNTAX;
	return compare_text(v, e);
}

int
incbin_compare(const struct incbin *ib, struct view object,
    struct incbin_entry *e, size_t n)
{
	struct view rest;
	bool is_big;
	int r = find_answer(ib, object, &rest, &is_big);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (e[i].state != INCBIN_NAME)
			r = compare_entry(&rest, is_big, &e[i]);
	return r;
}
