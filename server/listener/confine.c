/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/elf.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/sandbox.h"
#include "server/listener/authfiles.h"
#include "server/listener/confine.h"
#include "server/listener/spawn.h"

/* What the loader and libc read for a program that is no static one. */
static const char *const readable[] = { "/usr", "/lib", "/lib32", "/lib64",
    "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", NULL };

/* A program, and the loader that it names. */
static int
allow_program(int rules, const char *name)
{
	const char *path = spawn_path(name);
	char loader[PATH_MAX];
	int r = elf_interpreter(path, loader, sizeof(loader));

	if (r == 0)
		r = sandbox_rules_allow(rules, path,
		    SANDBOX_RUN | SANDBOX_READ);
	if (r == 0 && loader[0] != '\0')
		r = sandbox_rules_allow(rules, loader,
		    SANDBOX_RUN | SANDBOX_READ);
	/* not for a static one: libraries may be anywhere */
	if (r == 0 && loader[0] != '\0')
		r = sandbox_rules_allow(rules, "/", SANDBOX_READ);
	return r;
}

/* The directory of a file that is made, opened again or removed later. */
static int
allow_directory_of(int rules, const char *file)
{
	char dir[PATH_MAX];
	const char *slash = file == NULL ? NULL : strrchr(file, '/');

	if (slash == NULL)
		return 0;
	if (snprintf(dir, sizeof(dir), "%.*s/", (int)(slash - file), file) >=
	    (int)sizeof(dir))
		return ERR_LIMIT;
	return sandbox_rules_allow(rules, dir, SANDBOX_READ | SANDBOX_WRITE);
}

/* The key table, principals' files, and what Kerberos' libraries read. */
static int
allow_auth(int rules)
{
	int r;

	if ((r = allow_program(rules, "distccd-auth")) < 0 ||
	    (r = allow_program(rules, "distccd-worker-gss")) < 0)
		return r;
	return sandbox_rules_allow(rules, authfiles_replay_dir(),
	    SANDBOX_READ | SANDBOX_WRITE);
}

static int
make_rules(const struct server *s, int rules)
{
	int r = allow_program(rules, "distccd-worker");

	for (const char *const *p = readable; r == 0 && *p != NULL; p++) {
		r = sandbox_rules_allow(rules, *p, SANDBOX_READ);
		if (r == ERR_NOENT)
			r = 0;
	}
	if (r < 0 || (r = sandbox_rules_allow(rules, "/dev/null",
	    SANDBOX_READ | SANDBOX_WRITE)) < 0 ||
	    (r = allow_directory_of(rules, s->opt.log_file)) < 0 ||
	    (r = allow_directory_of(rules, s->opt.pid_file)) < 0)
		return r;
	return s->opt.auth == AUTH_OFF ? 0 : allow_auth(rules);
}

static int
fail(const char *what, int r)
{
	log_errx("can't confine the listener: %s: %s", what, err_text(r));
	return r;
}

int
confine_listener(const struct server *s)
{
	AUTOFD rules = sandbox_rules();
	struct sandbox_filter filter;
	int r;

	if (rules < 0 || (r = make_rules(s, rules)) < 0)
		return fail("Landlock", rules < 0 ? rules : r);
	if ((r = sandbox_filter_build(SANDBOX_LISTENER, s->opt.filter_mode,
	    &filter)) < 0)
		return fail("system call filter", r);
	if ((r = ids_keep_caps(&s->ids)) < 0)
		return fail("capabilities", r);
	r = sandbox_confine_listener(rules, &filter);
	return r < 0 ? fail("layers", r) : 0;
}
