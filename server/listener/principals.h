/* SPDX-License-Identifier: GPL-2.0-or-later */
/* principals - the rules for authenticated names, from options and files. */
#ifndef SERVER_LISTENER_PRINCIPALS_H
#define SERVER_LISTENER_PRINCIPALS_H

#include "lib/err.h"
#include "policy/principal.h"
#include "server/listener/ids.h"
#include "server/listener/options.h"

struct principals {
	struct principal_list allow;
	struct principal_list deny;
};

/*
 * principals_load - read every rule anew; *p is replaced only by a whole and
 * valid set, so that a mistake in a file leaves the old rules in force.
 * A file is refused unless it is root's or ours, and nobody else can write it
 * or replace it.
 * returns 0; what is wrong has been reported
 */
int principals_load(struct principals *p, const struct options *o,
    const struct ids *ids) MUST_CHECK;

void principals_free(struct principals *p);

#endif
