/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * principal - which authenticated names may use the server.
 * Pure: files are read, and their owners and modes checked, by the caller.
 *
 * A rule is a whole name with its realm, "alice@EXAMPLE.ORG", or a pattern:
 * "*" is any run of characters and "?" any one, but neither is "/" or "@", so
 * that "*@EXAMPLE.ORG" means people and no "host/…" of that realm.  A rule
 * without a realm means the default realm.  (Stock compares names without the
 * realm, which lets a namesake from any trusted realm in.)
 */
#ifndef POLICY_PRINCIPAL_H
#define POLICY_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

#define PRINCIPAL_BYTES		512	/* a name or a rule, with its NUL */
#define PRINCIPAL_RULES_MAX	65536

struct principal_list {
	char **rule;		/* owns: n of them */
	size_t n;
};

/*
 * principal_matches - whether a rule covers a name.
 * in      name: whole, with its realm, as the mechanism displays it; it has
 *         been proved, but its bytes are still the peer's choice
 *         realm: the default realm; "" if there is none: rules without a realm
 *         then cover nothing
 */
bool principal_matches(const char *rule, const char *name, const char *realm);

/*
 * principal_add - append one rule.
 * returns 0; ERR_SYNTAX (empty, a blank or a control character, nothing in
 *         front of or behind its "@"), ERR_LIMIT, ERR_NOMEM
 */
int principal_add(struct principal_list *l, struct view rule) MUST_CHECK;

/*
 * principal_add_lines - append a file's rules: one a line, blanks around it
 * dropped, "#" comments and empty lines skipped.
 * out     *line: on error, the number of the offending line
 */
int principal_add_lines(struct principal_list *l, struct view text,
    size_t *line) MUST_CHECK;
void principal_free(struct principal_list *l);

/*
 * principal_judge - the verdict; a deny rule always wins.  Without any allow
 * rule, everybody of the default realm may come in, and nobody else.  Anonymous
 * principals never may, and names with a quoted character ("a\@b@REALM") only
 * by a rule of their own.
 * returns NULL when the name may, else the reason: static
 */
const char *principal_judge(const struct principal_list *allow,
    const struct principal_list *deny, const char *name, const char *realm);

/*
 * principal_is_service - whether a target name is what the server was told to
 * be.
 * in      wanted: "SERVICE" (on any host), "SERVICE@HOST", "SERVICE/HOST" or
 *         "SERVICE/HOST@REALM"
 *         target: as the mechanism displays it, "SERVICE/HOST@REALM"
 */
bool principal_is_service(const char *wanted, const char *target);

#endif
