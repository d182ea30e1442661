/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "auth/config.h"
#include "lib/mem.h"

#define PATHS_MAX	16

/* Directories that krb5.conf includes lie here. */
static const char *const usual[] = {
	"/etc/krb5.conf", "/etc/krb5.conf.d", "/usr/etc/krb5.conf",
	"/var/lib/sss/pubconf", "/etc/gss", "/dev/urandom",
};

const char *const *
config_paths(void)
{
	static const char *paths[PATHS_MAX];
	const char *config = getenv("KRB5_CONFIG");
	char *save, *list, *part;
	size_t n = 0;

	if (paths[0] != NULL)
		return paths;
	for (; n < sizeof(usual) / sizeof(usual[0]); n++)
		paths[n] = usual[n];
	list = mem_strdup(config != NULL ? config : "");	/* kept */
	for (part = strtok_r(list, ":", &save); part != NULL &&
	    n < PATHS_MAX - 1; part = strtok_r(NULL, ":", &save))
		paths[n++] = part;
	return paths;
}
