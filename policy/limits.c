/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/limits.h"

#define MIB	(1024ULL * 1024)

const struct limits limits_default = {
	.max_memory	= 960 * MIB,	/* with its scratch, below 1 GiB */
	.max_scratch	= 512 * MIB,
	.max_inodes	= 40000,
	.max_output	= 100 * MIB,
	.max_messages	= 4 * MIB,
	.max_request	= 192 * MIB,
	.max_processes	= 32,
	.job_lifetime_s	= 600,
	.header_ms	= 10 * 1000,
	.idle_ms	= 30 * 1000,
	.min_rate	= 4096,
};
