/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "policy/access.h"

#define TEXT_MAX_BYTES	64	/* longer than any address in text */

/* family_bits - how wide an address of family is; 0: not one of ours. */
static unsigned int
family_bits(int family)
{
	if (family == AF_INET)
		return 32;
	return family == AF_INET6 ? 128 : 0;
}

int
access_parse_bits(const char *text, int family, unsigned int *bits)
{
	unsigned int max = family_bits(family);
	unsigned int n = 0;

	if (max == 0)
		return ERR_UNSUPPORTED;
	if (*text == '\0')
		return ERR_SYNTAX;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return ERR_SYNTAX;
		n = n * 10 + (unsigned int)(*text - '0');
		if (n > max)
			return ERR_SYNTAX;
	}
	*bits = n;
	return 0;
}

/* parse_addr - text is an address alone.  inet_aton(3) also takes blanks and
 * what follows them, so only an address's own letters get that far. */
static int
parse_addr(const char *text, struct access_rule *rule)
{
	struct in_addr in;

	memset(rule, 0, sizeof(*rule));
	if (strchr(text, ':') != NULL) {
		if (inet_pton(AF_INET6, text, rule->addr) != 1)
			return ERR_SYNTAX;
		rule->family = AF_INET6;
		return 0;
	}
	if (text[strspn(text, "0123456789abcdefABCDEFx.")] != '\0' ||
	    inet_aton(text, &in) == 0)
		return ERR_SYNTAX;
	rule->family = AF_INET;
	memcpy(rule->addr, &in, sizeof(in));
	return 0;
}

int
access_parse(const char *text, struct access_rule *rule)
{
	char addr[TEXT_MAX_BYTES];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	int r;

	if (n == 0 || n >= sizeof(addr))
		return ERR_SYNTAX;
	memcpy(addr, text, n);
	addr[n] = '\0';
	r = parse_addr(addr, rule);
	if (r < 0)
		return r;
	rule->bits = family_bits(rule->family);
	if (slash == NULL || slash[1] == '\0')
		return 0;
	return access_parse_bits(slash + 1, rule->family, &rule->bits);
}

int
access_rule_from_addr(const struct sockaddr *sa, unsigned int bits,
    struct access_rule *rule)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (family_bits(sa->sa_family) == 0)
		return ERR_UNSUPPORTED;
	if (bits > family_bits(sa->sa_family))
		return ERR_SYNTAX;
	memset(rule, 0, sizeof(*rule));
	rule->family = sa->sa_family;
	rule->bits = bits;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		memcpy(rule->addr, &in.sin_addr, sizeof(in.sin_addr));
	} else {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(rule->addr, &in6.sin6_addr, sizeof(in6.sin6_addr));
	}
	return 0;
}

/* rule_covers - the first bits of both addresses are the same. */
static bool
rule_covers(const struct access_rule *rule, const struct access_rule *peer)
{
	size_t whole = rule->bits / 8;
	unsigned int rest = rule->bits % 8;
	unsigned int mask;

	if (rule->family != peer->family)
		return false;
	if (memcmp(rule->addr, peer->addr, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	mask = (0xff00U >> rest) & 0xffU;
	return ((rule->addr[whole] ^ peer->addr[whole]) & mask) == 0;
}

/* unmap - ::ffff:a.b.c.d is the IPv4 peer a.b.c.d behind a dual socket. */
static void
unmap(struct access_rule *peer)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (peer->family != AF_INET6 ||
	    memcmp(peer->addr, prefix, sizeof(prefix)) != 0)
		return;
	peer->family = AF_INET;
	memmove(peer->addr, peer->addr + sizeof(prefix), 4);
	memset(peer->addr + 4, 0, sizeof(peer->addr) - 4);
}

bool
access_allows(const struct access_rule *rules, size_t n,
    const struct sockaddr *peer)
{
	struct access_rule addr;

	if (access_rule_from_addr(peer, 0, &addr) < 0)
		return false;
	unmap(&addr);
	for (size_t i = 0; i < n; i++) {
		if (rule_covers(&rules[i], &addr))
			return true;
	}
	return false;
}

const struct access_rule *
access_private(size_t *n)
{
	static const struct access_rule rules[] = {
		{ AF_INET, { 127 }, 8 },
		{ AF_INET, { 10 }, 8 },
		{ AF_INET, { 172, 16 }, 12 },
		{ AF_INET, { 192, 168 }, 16 },
		{ AF_INET, { 169, 254 }, 16 },		/* link-local */
		{ AF_INET6, { [15] = 1 }, 128 },	/* ::1 */
		{ AF_INET6, { 0xfc }, 7 },		/* unique local */
		{ AF_INET6, { 0xfe, 0x80 }, 10 },	/* link-local */
	};

	*n = sizeof(rules) / sizeof(rules[0]);
	return rules;
}
