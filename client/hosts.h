/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hosts - the host list's syntax.  Pure: text in, entries out.
 *
 *	LIST	= { ENTRY | KEYWORD | "#" comment to the line's end }
 *	ENTRY	= localhost[/N]
 *		| HOST[/N][:PORT][/N][,OPTION]...	TCP
 *		| [USER]@HOST[/N][:COMMAND][,OPTION]...	SSH
 *	HOST	= name | IPv4 | "[" IPv6 "]"
 *	OPTION	= lzo | cpp | auth[=NAME] | seal[=NAME] | down
 *	KEYWORD	= --randomize | --localslots=N | --localslots_cpp=N | +zeroconf
 */
#ifndef CLIENT_HOSTS_H
#define CLIENT_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define HOSTS_DEFAULT_PORT		3632
#define HOSTS_DEFAULT_SLOTS		4
#define HOSTS_DEFAULT_SLOTS_LOCAL	2	/* of the entry "localhost" */
#define HOSTS_DEFAULT_LOCALSLOTS	4
#define HOSTS_DEFAULT_LOCALSLOTS_CPP	8
#define HOSTS_SLOTS_MAX			100000
#define HOSTS_WHY_BYTES			256

enum host_kind { HOST_LOCAL, HOST_TCP, HOST_SSH };

struct host {
	enum host_kind kind;
	char *spec;		/* owns: the entry as it was written */
	char *name;		/* owns: without brackets; "localhost" */
	char *user;		/* owns: SSH, or NULL */
	char *command;		/* owns: SSH, or NULL */
	char *auth_name;	/* owns: ",auth=NAME" or ",seal=NAME", or NULL */
	unsigned int slots;
	unsigned int port;	/* TCP */
	bool is_compressed;	/* ,lzo */
	bool has_cpp;		/* ,cpp: pump mode */
	bool has_auth;
	bool has_seal;
	bool is_down;
};

struct host_list {
	struct host *host;	/* owns: n entries in the list's order */
	size_t n;
	bool randomize;
	bool zeroconf;
	unsigned int localslots;	/* local jobs at one time */
	unsigned int localslots_cpp;	/* preprocessors at one time */
	char warning[HOSTS_WHY_BYTES];	/* accepted, but doubtful; or "" */
};

/*
 * hosts_parse - parse a whole list.
 * in      text: borrowed
 * out     list: to be freed with hosts_free(), also after an error
 *         why: on error what is wrong and in which entry, one line
 * returns 0; ERR_SYNTAX; ERR_NOENT when the list is empty
 */
int hosts_parse(const char *text, struct host_list *list,
    char why[HOSTS_WHY_BYTES]) MUST_CHECK;
void hosts_free(struct host_list *list);

/* hosts_append - move what is reached through TCP from one list to another. */
void hosts_append(struct host_list *list, struct host_list *from);

/* hosts_shuffle - another order, chosen by seed. */
void hosts_shuffle(struct host_list *list, unsigned long seed);

#endif
