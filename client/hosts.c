/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/hosts.h"
#include "lib/mem.h"

#define BLANKS	" \t\n\v\f\r"

/* One entry on its way through the parser. */
struct entry {
	const char *at;		/* what is still to be read; NUL-terminated */
	const char *spec;	/* the whole entry */
	size_t number;		/* its place in the list, from 1 */
	struct host_list *list;
	char *why;		/* HOSTS_WHY_BYTES */
};

static int refuse(struct entry *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
refuse(struct entry *e, const char *fmt, ...)
{
	char what[HOSTS_WHY_BYTES / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	(void)snprintf(e->why, HOSTS_WHY_BYTES,
	    "host list, entry %zu \"%.64s\": %s", e->number, e->spec, what);
	return ERR_SYNTAX;
}

/* Other versions ignore what follows here; so do we, but not silently. */
static void
doubt(struct entry *e, const char *what)
{
	(void)snprintf(e->list->warning, sizeof(e->list->warning),
	    "host list, entry %zu \"%.64s\": %s", e->number, e->spec, what);
}

/* Digits at e->at, of a value from 1 to max; anything else is refused. */
static int
read_number(struct entry *e, const char *what, unsigned long max,
    unsigned int *out)
{
	size_t digits = strspn(e->at, "0123456789");
	unsigned long n = 0;

	if (digits == 0)
		return refuse(e, "%s must be a number, not \"%.32s\"", what,
		    e->at);
	for (size_t i = 0; i < digits; i++) {
		n = n * 10 + (unsigned long)(e->at[i] - '0');
		if (n > max)
			break;
	}
	if (n < 1 || n > max)
		return refuse(e, "%s must be from 1 to %lu", what, max);
	e->at += digits;
	*out = (unsigned int)n;
	return 0;
}

/* The host's name, plain or "[IPv6]". */
static int
read_name(struct entry *e, struct host *h)
{
	bool is_bracketed = *e->at == '[';
	size_t len;

	if (is_bracketed) {
		e->at++;
		len = strcspn(e->at, "]");
		if (e->at[len] != ']')
			return refuse(e, "\"[\" without \"]\"");
	} else {
		len = strcspn(e->at, "/:,");
	}
	if (len == 0)
		return refuse(e, "a host name is needed before \"%.32s\"",
		    e->at);
	if (memchr(e->at, '/', len) != NULL)
		return refuse(e, "\"/\" inside an address");
	h->name = mem_strndup(e->at, len);
	e->at += len + (is_bracketed ? 1 : 0);
	return 0;
}

/* Any number of "/N"; the last one counts. */
static int
read_slots(struct entry *e, struct host *h)
{
	while (*e->at == '/') {
		int r;

		e->at++;
		r = read_number(e, "the limit behind \"/\"", HOSTS_SLOTS_MAX,
		    &h->slots);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
read_port(struct entry *e, struct host *h)
{
	if (*e->at != ':')
		return 0;
	e->at++;
	return read_number(e, "the port behind \":\"", 65535, &h->port);
}

static const struct option {
	const char *name;
	size_t flag;		/* offset of its bool in struct host */
	bool takes_name;
} options[] = {
	{ "lzo",  offsetof(struct host, is_compressed), false },
	{ "cpp",  offsetof(struct host, has_cpp), false },
	{ "down", offsetof(struct host, is_down), false },
	{ "auth", offsetof(struct host, has_auth), true },
	{ "seal", offsetof(struct host, has_seal), true },
};

static const struct option *
find_option(const char *at)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strncmp(at, options[i].name, strlen(options[i].name)) == 0)
			return &options[i];
	}
	return NULL;
}

static void
read_option_name(struct entry *e, struct host *h)
{
	size_t len = strcspn(e->at + 1, ",");

	free(h->auth_name);
	h->auth_name = len != 0 ? mem_strndup(e->at + 1, len) : NULL;
	e->at += 1 + len;
}

/* All ",OPTION"s.  What follows an option without a comma is passed over. */
static int
read_options(struct entry *e, struct host *h)
{
	while (*e->at == ',') {
		const struct option *o = find_option(e->at + 1);

		if (o == NULL)
			return refuse(e, "unknown option \"%.32s\"", e->at);
		*(bool *)(void *)((char *)h + o->flag) = true;
		e->at += 1 + strlen(o->name);
		if (o->takes_name && *e->at == '=')
			read_option_name(e, h);
		if (*e->at != ',' && *e->at != '\0') {
			doubt(e, "text behind an option is ignored");
			e->at += strcspn(e->at, ",");
		}
	}
	if (*e->at != '\0')
		return refuse(e, "\"%.32s\" is not understood", e->at);
	if (h->has_cpp && !h->is_compressed)
		return refuse(e, "\",cpp\" needs \",lzo\" too");
	return 0;
}

static int
read_tcp(struct entry *e, struct host *h)
{
	int r;

	h->kind = HOST_TCP;
	r = read_name(e, h);
	if (r == 0)
		r = read_slots(e, h);
	if (r == 0)
		r = read_port(e, h);
	if (r == 0)
		r = read_slots(e, h);
	return r == 0 ? read_options(e, h) : r;
}

/*
 * These become words of a command; ssh hands some of them to shells.  One that
 * begins with "-" would be an option, and options of ssh run programs.
 */
static int
check_word(struct entry *e, const char *what, const char *word)
{
	if (word == NULL)
		return 0;
	if (word[0] == '-')
		return refuse(e, "%s must not begin with \"-\"", what);
	if (strpbrk(word, "'\"`$\\;&|<>(){}*?!") != NULL)
		return refuse(e, "%s has a character that shells read", what);
	return 0;
}

static int
check_ssh(struct entry *e, const struct host *h)
{
	int r = check_word(e, "the user", h->user);

	if (r == 0)
		r = check_word(e, "the host", h->name);
	/* what the far shell makes of the rest is the list's owner's choice */
	if (r == 0 && h->command != NULL && h->command[0] == '-')
		r = refuse(e, "the command must not begin with \"-\"");
	return r;
}

static int
read_ssh(struct entry *e, struct host *h)
{
	size_t user = strcspn(e->at, "@");
	int r;

	h->kind = HOST_SSH;
	if (user != 0)
		h->user = mem_strndup(e->at, user);
	e->at += user + 1;
	r = read_name(e, h);
	if (r == 0)
		r = read_slots(e, h);
	if (r == 0 && *e->at == ':') {
		size_t len = strcspn(e->at + 1, ",");

		if (len != 0)
			h->command = mem_strndup(e->at + 1, len);
		e->at += 1 + len;
	}
	if (r == 0)
		r = check_ssh(e, h);
	if (r == 0)
		r = read_options(e, h);
	if (r == 0 && (h->has_auth || h->has_seal))
		doubt(e, "SSH has its own authentication and encryption");
	return r;
}

/* Exactly "localhost" or "localhost/N"; with a port or an option behind the
 * bare word it is a TCP host like any other. */
static bool
is_local(const char *spec)
{
	static const char word[] = "localhost";
	size_t len = sizeof(word) - 1;

	return strncmp(spec, word, len) == 0 &&
	    (spec[len] == '\0' || spec[len] == '/');
}

static int
read_local(struct entry *e, struct host *h)
{
	int r;

	h->kind = HOST_LOCAL;
	h->slots = HOSTS_DEFAULT_SLOTS_LOCAL;
	r = read_name(e, h);
	if (r == 0)
		r = read_slots(e, h);
	return r == 0 ? read_options(e, h) : r;
}

/* Room for one more; it grows by doubling, at every power of two. */
static struct host *
new_host(struct host_list *l)
{
	struct host *h;

	if ((l->n & (l->n - 1)) == 0)
		l->host = mem_realloc(l->host, l->n != 0 ? l->n * 2 : 1,
		    sizeof(*h));
	h = &l->host[l->n++];
	memset(h, 0, sizeof(*h));
	return h;
}

static struct host *
add_host(struct entry *e)
{
	struct host *h = new_host(e->list);

	h->spec = mem_strdup(e->spec);
	h->slots = HOSTS_DEFAULT_SLOTS;
	h->port = HOSTS_DEFAULT_PORT;
	return h;
}

/* "--localslots" alone says nothing; "=N" and "/N" set it. */
static int
read_keyword_slots(struct entry *e, unsigned int *slots)
{
	unsigned int n;
	int r;

	if (*e->at == '\0')
		return 0;
	e->at++;
	r = read_number(e, "the number of slots", HOSTS_SLOTS_MAX, &n);
	if (r == 0 && *e->at != '\0')
		r = refuse(e, "\"%.32s\" is not understood", e->at);
	if (r == 0)
		*slots = n;
	return r;
}

static bool
is_keyword(struct entry *e, const char *word)
{
	size_t len = strlen(word);
	char next;

	if (strncmp(e->at, word, len) != 0)
		return false;
	next = e->at[len];
	if (next != '\0' && next != '=' && next != '/')
		return false;
	e->at += len;
	return true;
}

static int
read_entry(struct entry *e)
{
	if (strcmp(e->spec, "--randomize") == 0) {
		e->list->randomize = true;
		return 0;
	}
	if (strcmp(e->spec, "+zeroconf") == 0) {
		e->list->zeroconf = true;
		return 0;
	}
	if (is_keyword(e, "--localslots_cpp"))
		return read_keyword_slots(e, &e->list->localslots_cpp);
	if (is_keyword(e, "--localslots"))
		return read_keyword_slots(e, &e->list->localslots);
	if (*e->spec == '-')
		doubt(e, "no such keyword; taken as a host's name");
	if (is_local(e->spec))
		return read_local(e, add_host(e));
	if (strchr(e->spec, '@') != NULL)
		return read_ssh(e, add_host(e));
	return read_tcp(e, add_host(e));
}

/*
 * The next entry: comments, from "#" to the end of its line, are skipped.
 * returns NULL at the end, else a copy that the caller frees
 */
static char *
next_entry(const char **text)
{
	const char *p = *text;
	size_t len;

	for (;;) {
		p += strspn(p, BLANKS);
		if (*p != '#')
			break;
		p += strcspn(p, "\n");
	}
	len = strcspn(p, BLANKS "#");
	*text = p + len;
	return len != 0 ? mem_strndup(p, len) : NULL;
}

int
hosts_parse(const char *text, struct host_list *list,
    char why[HOSTS_WHY_BYTES])
{
	struct entry e = { NULL, NULL, 0, list, why };
	int r = 0;

	memset(list, 0, sizeof(*list));
	list->localslots = HOSTS_DEFAULT_LOCALSLOTS;
	list->localslots_cpp = HOSTS_DEFAULT_LOCALSLOTS_CPP;
	why[0] = '\0';
	while (r == 0) {
		AUTOFREE char *spec = next_entry(&text);

		if (spec == NULL)
			break;
		e.spec = e.at = spec;
		e.number++;
		r = read_entry(&e);
	}
	if (r == 0 && list->n == 0 && !list->zeroconf) {
		(void)snprintf(why, HOSTS_WHY_BYTES,
		    "the host list names no host");
		r = ERR_NOENT;
	}
	return r;
}

static void
free_host(struct host *h)
{
	free(h->spec);
	free(h->name);
	free(h->user);
	free(h->command);
	free(h->auth_name);
}

void
hosts_append(struct host_list *list, struct host_list *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (from->host[i].kind == HOST_TCP)
			*new_host(list) = from->host[i];
		else
			free_host(&from->host[i]);
	}
	from->n = 0;
}

void
hosts_free(struct host_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free_host(&list->host[i]);
	free(list->host);
	list->host = NULL;
	list->n = 0;
}

void
hosts_shuffle(struct host_list *list, unsigned long seed)
{
	unsigned int state = (unsigned int)(seed ^ (seed >> 32));

	for (size_t i = list->n; i > 1; i--) {
		size_t j = (size_t)rand_r(&state) % i;
		struct host swap = list->host[i - 1];

		list->host[i - 1] = list->host[j];
		list->host[j] = swap;
	}
}
