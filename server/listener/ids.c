/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "sandbox/sandbox.h"
#include "server/listener/ids.h"

int
ids_find(const char *user, struct ids *out)
{
	const struct passwd *pw;

	memset(out, 0, sizeof(*out));
	out->is_root = geteuid() == 0;
	out->uid = geteuid();
	out->gid = getegid();
	if (!out->is_root)
		return 0;
	if (user != NULL) {
		pw = getpwnam(user);
	} else {
		user = "distcc";
		if ((pw = getpwnam(user)) == NULL)
			pw = getpwnam(user = "nobody");
	}
	if (pw == NULL) {
		log_errx("there is no user \"%s\"; make it, or name another "
		    "one with --user", user);
		return ERR_NOENT;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		log_errx("--user %s: workers must not run as root or in "
		    "root's group", user);
		return ERR_ACCESS;
	}
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	(void)snprintf(out->name, sizeof(out->name), "%s", user);
	return 0;
}

int
ids_as_user(const struct ids *ids, int (*fn)(void *arg), void *arg)
{
	int r = ERR_ACCESS;

	if (!ids->is_root)
		return fn(arg);
	if (setegid(ids->gid) == 0 && seteuid(ids->uid) == 0)
		r = fn(arg);
	if (seteuid(0) < 0 || setegid(0) < 0)
		return ERR_SYS;
	return r < 0 ? fn(arg) : r;
}

int
ids_keep_caps(const struct ids *ids)
{
	static const int caps[] = { CAP_SETUID, CAP_SETGID, CAP_KILL };

	if (!ids->is_root)
		return 0;
	return sandbox_keep_caps(caps, sizeof(caps) / sizeof(caps[0]));
}
