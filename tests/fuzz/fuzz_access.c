/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_access - a rule covers its own address, and only what its width says. */
#include <netinet/in.h>

#include "policy/access.h"
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_storage
peer_of(const struct access_rule *rule, unsigned int flip)
{
	struct sockaddr_storage ss;
	struct access_rule r = *rule;

	memset(&ss, 0, sizeof(ss));
	if (flip < 128)
		r.addr[flip / 8] ^= (unsigned char)(0x80 >> flip % 8);
	ss.ss_family = (sa_family_t)r.family;
	if (r.family == AF_INET)
		memcpy(&((struct sockaddr_in *)&ss)->sin_addr, r.addr, 4);
	else
		memcpy(&((struct sockaddr_in6 *)&ss)->sin6_addr, r.addr, 16);
	return ss;
}

static bool
allows(const struct access_rule *rule, const struct sockaddr_storage *ss)
{
	return access_allows(rule, 1, (const struct sockaddr *)ss);
}

/* IPv4 in IPv6 is judged as IPv4, so an IPv6 rule says nothing about it. */
static bool
is_mapped(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(
	    &((const struct sockaddr_in6 *)ss)->sin6_addr);
}

static void
check_rule(const struct access_rule *rule)
{
	unsigned int width = rule->family == AF_INET ? 32 : 128;
	struct sockaddr_storage ss = peer_of(rule, 128);

	MUST(rule->family == AF_INET || rule->family == AF_INET6);
	MUST(rule->bits <= width);
	MUST(is_mapped(&ss) || allows(rule, &ss));
	MUST(!access_allows(rule, 0, (const struct sockaddr *)&ss));
	for (unsigned int i = 0; i < width; i++) {
		ss = peer_of(rule, i);
		MUST(is_mapped(&ss) || allows(rule, &ss) == (i >= rule->bits));
	}
	ss.ss_family = AF_UNIX;
	MUST(!allows(rule, &ss));
}

/* Behind a slash only digits, or nothing for a single host. */
static void
check_text(const char *text, const struct access_rule *rule)
{
	const char *slash = strchr(text, '/');
	unsigned long bits = rule->family == AF_INET ? 32 : 128;

	if (slash != NULL && slash[1] != '\0') {
		MUST(slash[1 + strspn(slash + 1, "0123456789")] == '\0');
		bits = strtoul(slash + 1, NULL, 10);
	}
	MUST(rule->bits == bits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct access_rule rule;
	int r;

	MUST(text != NULL);
	if (size != 0)
		memcpy(text, data, size);
	text[size] = '\0';
	r = access_parse(text, &rule);
	MUST(r == 0 || r == ERR_SYNTAX);
	if (r == 0) {
		check_text(text, &rule);
		check_rule(&rule);
	}
	free(text);
	return 0;
}
