/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "lib/buf.h"
#include "wire/limits.h"
#include "wire/path.h"

/*
 * next_part - the component that *p stands on, without its slash.
 * *p is moved to the slash behind it, or to the end.
 */
static struct view
next_part(const char **p)
{
	const char *start = *p;
	const char *end = strchrnul(start, '/');

	*p = end;
	return view_of(start, (size_t)(end - start));
}

/* P-035: nothing but plain components, each behind one slash. */
static int
check_clean(const char *path)
{
	const char *p = path;
	size_t depth = 0;

	while (*p != '\0') {
		struct view part;

		if (*p++ != '/')
			return ERR_SYNTAX;
		part = next_part(&p);
		if (part.len == 0 || view_equal(part, ".") ||
		    view_equal(part, ".."))
			return ERR_SYNTAX;
		if (part.len > PATH_PART_MAX || ++depth > PATH_DEPTH_MAX)
			return ERR_LIMIT;
	}
	return depth != 0 ? 0 : ERR_SYNTAX;
}

int
path_check_name(const char *name)
{
	if (strnlen(name, WIRE_NAME_MAX_BYTES + 1) > WIRE_NAME_MAX_BYTES)
		return ERR_LIMIT;
	return check_clean(name);
}

int
path_check_cdir(const char *cdir)
{
	return strcmp(cdir, "/") == 0 ? 0 : path_check_name(cdir);
}

/* A clean absolute path under construction; length 0 stands for "/". */
struct walk {
	char *path;
	size_t len;
	size_t size;
	size_t depth;
	bool has_left_root;	/* a ".." was met at the root */
};

static void
go_up(struct walk *w)
{
	if (w->len == 0) {
		w->has_left_root = true;
		return;
	}
	while (w->path[--w->len] != '/')
		;
	w->depth--;
}

static int
go_down(struct walk *w, struct view part)
{
	if (part.len > PATH_PART_MAX || w->depth >= PATH_DEPTH_MAX)
		return ERR_LIMIT;
	if (part.len + 2 > w->size - w->len)	/* a slash and the NUL */
		return ERR_LIMIT;
	w->path[w->len++] = '/';
	memcpy(w->path + w->len, part.ptr, part.len);
	w->len += part.len;
	w->depth++;
	return 0;
}

/* Follow path, as text only: no link on the way is known to us. */
static int
follow(struct walk *w, const char *path)
{
	const char *p = path;

	while (*p != '\0') {
		struct view part = next_part(&p);
		int r = 0;

		if (view_equal(part, ".."))
			go_up(w);
		else if (part.len != 0 && !view_equal(part, "."))
			r = go_down(w, part);
		if (r < 0)
			return r;
		if (*p == '/')
			p++;
	}
	return 0;
}

static int
resolve(struct walk *w, const char *name, const char *target)
{
	if (target[0] != '/') {
		int r = follow(w, name);

		if (r < 0)
			return r;
		go_up(w);		/* to the link's directory */
	}
	return follow(w, target);
}

int
path_check_link(const char *name, const char *target, bool *system,
    char *resolved, size_t size)
{
	struct walk w = { .path = resolved, .size = size };
	size_t len = strnlen(target, WIRE_NAME_MAX_BYTES + 1);
	int r = path_check_name(name);

	if (r < 0)
		return r;
	if (len == 0)
		return ERR_SYNTAX;
	if (len > WIRE_NAME_MAX_BYTES || size < 2)
		return ERR_LIMIT;
	r = resolve(&w, name, target);
	if (r < 0)
		return r;
	if (w.len == 0)
		w.path[w.len++] = '/';
	w.path[w.len] = '\0';
	*system = w.has_left_root;	/* P-036, P-037 */
	return 0;
}
