/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe - start-up's check that each layer of the jail holds here. */
#ifndef SERVER_JAIL_PROBE_H
#define SERVER_JAIL_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/jail.h"
#include "server/jail/toolchain.h"

struct probe_context {
	const struct limits *limits;
	const struct toolchain *toolchain;
	pid_t jailer_pid;
	uid_t worker_uid;
	bool is_root;
	bool is_reduced;
	bool filter_is_lax;	/* --sandbox-filter: tests of the tables */
	bool any_command;	/* --enable-tcp-insecure */
	const char *root;	/* set inside: jail_root() */
	int shm_key;		/* System V shared memory that the host has */
};

/*
 * probe_main - a jail_main: runs the rows for a plan without init_filter, or
 * those for a complete plan, and writes a MSG_LAYER for each to its channel.
 */
void probe_main(const struct jail_plan *plan, uint32_t id, void *arg);

/* probe_count - how many MSG_LAYER both runs give together. */
size_t probe_count(bool is_root);

#endif
