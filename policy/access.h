/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access - which peer addresses may connect: --allow's masks.
 * Pure: names are resolved by the caller.
 */
#ifndef POLICY_ACCESS_H
#define POLICY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/err.h"

struct access_rule {
	int family;			/* AF_INET or AF_INET6 */
	unsigned char addr[16];		/* network order, 4 or 16 bytes used */
	unsigned int bits;		/* prefix length */
};

/*
 * access_parse - "ADDR" or "ADDR/BITS", IPv4 or IPv6.
 * An IPv4 address may be short the way inet_aton(3) reads it ("127.1").
 * "/" with nothing behind means a single host.  Anything that is not all
 * digits behind the slash is refused (stock reads "/x" as 0 and lets everyone in).
 * returns 0, ERR_SYNTAX (also for names: the caller resolves those)
 */
int access_parse(const char *text, struct access_rule *rule) MUST_CHECK;

/* access_parse_bits - BITS alone, for a name resolved to family. */
int access_parse_bits(const char *text, int family, unsigned int *bits)
    MUST_CHECK;

/* access_rule_from_addr - a rule for one resolved address and a width. */
int access_rule_from_addr(const struct sockaddr *sa, unsigned int bits,
    struct access_rule *rule) MUST_CHECK;

/*
 * access_allows - whether any of n rules covers the peer.
 * An IPv4-mapped IPv6 peer is judged as IPv4.  Any other family: no.
 */
bool access_allows(const struct access_rule *rules, size_t n,
    const struct sockaddr *peer);

/* access_private - the rules of --allow-private, for IPv4 and IPv6. */
const struct access_rule *access_private(size_t *n);

#endif
