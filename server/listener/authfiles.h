/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * authfiles - the two files that distccd-auth works with.  It gets them as
 * descriptors, so it needs no right on a path, and they may be root's.
 */
#ifndef SERVER_LISTENER_AUTHFILES_H
#define SERVER_LISTENER_AUTHFILES_H

#include "lib/err.h"
#include "server/listener/ids.h"

/*
 * authfiles_keytab - a sealed copy of the keytab: $KRB5_KTNAME, else
 * /etc/krb5.keytab.  Not looked into.
 * out     *fd: owned by the caller
 * returns 0; what is wrong has been reported
 */
int authfiles_keytab(int *fd) MUST_CHECK;

/*
 * authfiles_replay - the replay cache, in $KRB5RCACHEDIR, else /var/tmp.  A
 * file, not memory, so that a restart does not forget.
 */
int authfiles_replay(const struct ids *ids, int *fd) MUST_CHECK;

/* authfiles_replay_dir - where it is; borrowed from the environment. */
const char *authfiles_replay_dir(void);

#endif
