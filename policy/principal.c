/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "policy/principal.h"

/* The "@" in front of the realm: one that no backslash quotes, or NULL. */
static const char *
find_realm(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' && s[1] != '\0')
			s++;
		else if (*s == '@')
			return s;
	}
	return NULL;
}

static bool
is_wild(char c)
{
	return c != '/' && c != '@' && c != '\\';
}

/*
 * Linear in both: only the last star is ever gone back to.  That star cannot
 * pass a "/" or "@", and an earlier one need not be tried again.
 */
static bool
glob(const char *rule, size_t rule_len, const char *s, size_t len)
{
	size_t r = 0, i = 0, star = rule_len, mark = 0;

	while (i < len) {
		if (r < rule_len && rule[r] == '*') {
			star = r++;
			mark = i;
		} else if (r < rule_len && ((rule[r] == '?' && is_wild(s[i])) ||
		    rule[r] == s[i])) {
			r++;
			i++;
		} else if (star != rule_len && is_wild(s[mark])) {
			r = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (r < rule_len && rule[r] == '*')
		r++;
	return r == rule_len;
}

bool
principal_matches(const char *rule, const char *name, const char *realm)
{
	const char *rule_at = find_realm(rule), *name_at = find_realm(name);
	size_t user_len, rule_len;

	if (name_at == NULL || name_at == name || name_at[1] == '\0')
		return false;
	user_len = (size_t)(name_at - name);
	rule_len = rule_at != NULL ? (size_t)(rule_at - rule) : strlen(rule);
	if (!glob(rule, rule_len, name, user_len))
		return false;
	if (rule_at == NULL)
		return realm[0] != '\0' && strcmp(name_at + 1, realm) == 0;
	return glob(rule_at + 1, strlen(rule_at + 1), name_at + 1,
	    strlen(name_at + 1));
}

static bool
is_rule(const char *rule)
{
	const char *at = find_realm(rule);

	for (const char *c = rule; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 127)
			return false;
	return rule[0] != '\0' && at != rule && (at == NULL || at[1] != '\0');
}

int
principal_add(struct principal_list *l, struct view rule)
{
	char **grown;
	char *copy;

	if (rule.len >= PRINCIPAL_BYTES || l->n == PRINCIPAL_RULES_MAX)
		return ERR_LIMIT;
	if (rule.len == 0 || view_has_nul(rule))
		return ERR_SYNTAX;
	copy = strndup((const char *)rule.ptr, rule.len);
	if (copy == NULL)
		return ERR_NOMEM;
	if (!is_rule(copy)) {
		free(copy);
		return ERR_SYNTAX;
	}
	grown = reallocarray(l->rule, l->n + 1, sizeof(*grown));
	if (grown == NULL) {
		free(copy);
		return ERR_NOMEM;
	}
	l->rule = grown;
	l->rule[l->n++] = copy;
	return 0;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct view
trim(const unsigned char *p, size_t len)
{
	while (len != 0 && is_blank(*p)) {
		p++;
		len--;
	}
	while (len != 0 && is_blank(p[len - 1]))
		len--;
	return view_of(p, len);
}

int
principal_add_lines(struct principal_list *l, struct view text, size_t *line)
{
	for (*line = 1; text.len != 0; (*line)++) {
		const unsigned char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
		struct view part, rule;
		int r;

		if (view_take(&text, len, &part) < 0 ||
		    (end != NULL && view_take(&text, 1, &rule) < 0))
			return ERR_TRUNCATED;
		rule = trim(part.ptr, part.len);
		if (rule.len == 0 || rule.ptr[0] == '#')
			continue;
		if ((r = principal_add(l, rule)) < 0)
			return r;
	}
	return 0;
}

void
principal_free(struct principal_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->rule[i]);
	free(l->rule);
	l->rule = NULL;
	l->n = 0;
}

static bool
is_listed(const struct principal_list *l, const char *name, const char *realm)
{
	for (size_t i = 0; i < l->n; i++)
		if (principal_matches(l->rule[i], name, realm))
			return true;
	return false;
}

/* Names that stand for nobody in particular (RFC 6111, RFC 8062): whoever may
 * reach the KDC can have a ticket for WELLKNOWN/ANONYMOUS of the realm. */
static bool
is_nobody(const char *name, const char *realm)
{
	return strncmp(name, "WELLKNOWN/", 10) == 0 ||
	    strncmp(realm, "WELLKNOWN:", 10) == 0;
}

const char *
principal_judge(const struct principal_list *allow,
    const struct principal_list *deny, const char *name, const char *realm)
{
	const char *at = find_realm(name);

	if (at == NULL || at == name || at[1] == '\0')
		return "the name has no realm";
	if (is_nobody(name, at + 1))
		return "the principal is anonymous";
	if (is_listed(deny, name, realm))
		return "the principal is denied";
	if (allow->n != 0)
		return is_listed(allow, name, realm) ? NULL :
		    "the principal is not among those allowed";
	/* no pattern of a deny rule covers these, so they need a rule */
	if (memchr(name, '\\', (size_t)(at - name)) != NULL)
		return "the principal has a quoted character";
	return strcmp(at + 1, realm) == 0 ? NULL :
	    "the principal is not of the default realm";
}

/* SERVICE and HOST of "SERVICE/HOST" or "SERVICE@HOST" against a target. */
static bool
is_host_based(const char *wanted, const char *target, const char *realm)
{
	size_t service = strcspn(wanted, "@/");
	const char *host = wanted + service + 1;
	size_t host_len = strlen(host);

	return strncmp(target, wanted, service) == 0 &&
	    target[service] == '/' &&
	    (size_t)(realm - target) == service + 1 + host_len &&
	    strncmp(target + service + 1, host, host_len) == 0;
}

bool
principal_is_service(const char *wanted, const char *target)
{
	const char *realm = find_realm(target);
	size_t service = strcspn(wanted, "@/");

	if (service == 0 || realm == NULL)
		return false;
	if (wanted[service] == '\0')
		return strncmp(wanted, target, service) == 0 &&
		    target[service] == '/';
	/* the realm was said too: nothing to guess */
	if (wanted[service] == '/' && find_realm(wanted) != NULL)
		return strcmp(wanted, target) == 0;
	return is_host_based(wanted, target, realm);
}
