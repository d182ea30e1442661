/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/hosts.h"
#include "client/lsdistcc/names.h"

#define WIDTH_MAX	20

bool
names_is_pattern(const char *word)
{
	return strchr(word, '%') != NULL;
}

/* "%05d" at *p; *p moves behind it. returns the length or an error */
static int
put_number(const char **p, unsigned int i, char *out, size_t size)
{
	bool zeros = (*p)[1] == '0';
	char *end;
	long width = strtol(*p + 1, &end, 10);
	int n;

	if (((*p)[1] < '0' || (*p)[1] > '9') && end != *p + 1)
		return ERR_SYNTAX;	/* a sign or blanks */
	if (width > WIDTH_MAX || *end == '\0' || strchr("diu", *end) == NULL)
		return ERR_SYNTAX;
	n = snprintf(out, size, zeros ? "%0*u" : "%*u", (int)width, i);
	*p = end + 1;
	return (size_t)n < size ? n : ERR_LIMIT;
}

int
names_format(const char *pattern, unsigned int i, char name[NAMES_MAX_BYTES])
{
	size_t len = 0;
	unsigned int numbers = 0;

	for (const char *p = pattern; *p != '\0'; ) {
		if (len + 1 >= NAMES_MAX_BYTES)
			return ERR_LIMIT;
		if (p[0] == '%' && p[1] != '%') {
			int n = put_number(&p, i, name + len,
			    NAMES_MAX_BYTES - len);

			if (n < 0)
				return n;
			len += (size_t)n;
			numbers++;
			continue;
		}
		p += p[0] == '%' ? 1 : 0;
		name[len++] = *p++;
	}
	name[len] = '\0';
	return numbers == 1 ? 0 : ERR_SYNTAX;
}

int
names_print(const char *name, unsigned int port, char *out, size_t size)
{
	bool is_v6 = strchr(name, ':') != NULL;
	int n;

	if (port == HOSTS_DEFAULT_PORT)
		n = snprintf(out, size, is_v6 ? "[%s]" : "%s", name);
	else
		n = snprintf(out, size, is_v6 ? "[%s]:%u" : "%s:%u", name,
		    port);
	return n >= 0 && (size_t)n < size ? 0 : ERR_LIMIT;
}

/* The address's bytes; NULL: a family that we do not know. */
static const unsigned char *
bytes_of(const struct sockaddr_storage *a, size_t *len)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

	*len = a->ss_family == AF_INET ? 4 : 16;
	if (a->ss_family == AF_INET)
		return (const unsigned char *)&in4->sin_addr;
	return a->ss_family == AF_INET6 ? in6->sin6_addr.s6_addr : NULL;
}

bool
names_same_net(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b, unsigned int bits)
{
	size_t len;
	const unsigned char *pa = bytes_of(a, &len), *pb = bytes_of(b, &len);
	unsigned int whole = bits / 8, rest = bits % 8;

	if (bits == 0)
		return true;
	if (a->ss_family != b->ss_family || pa == NULL || bits > 8 * len)
		return false;
	if (memcmp(pa, pb, whole) != 0)
		return false;
	return rest == 0 || (pa[whole] ^ pb[whole]) >> (8 - rest) == 0;
}
