/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init - what a jail's PID 1 does: wait for one job, judge it again, lay out
 * its files, run the compiler, hand out the results.
 *
 * It has the job's rights and no more, so whatever a hostile job makes of it
 * (an odd file name, a link, a device, a FIFO in place of the object) can only
 * meet what the job could reach anyway.
 */
#ifndef SERVER_JAIL_INIT_H
#define SERVER_JAIL_INIT_H

#include "sandbox/jail.h"
#include "server/jail/toolchain.h"
#include "server/msg.h"

struct init_context {
	const struct msg_config *config;
	const struct toolchain *toolchain;
};

/* init_main - a jail_main; arg is a struct init_context. */
void init_main(const struct jail_plan *plan, uint32_t id, void *arg);


#endif
