/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits - the administrator's quotas: one row a quota, its default, its range.
 * The struct is shared with the worker and the jail in read-only memory.
 */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include <stdint.h>

struct limits {
	uint64_t max_memory;	/* bytes, one job's processes together */
	uint64_t max_scratch;	/* bytes, one job's file system */
	uint64_t max_inodes;	/* files in it */
	uint64_t max_output;	/* bytes, one output file */
	uint64_t max_messages;	/* bytes, stdout and stderr each */
	uint64_t max_request;	/* bytes, as sent and again as expanded */
	uint32_t max_processes;	/* of one job */
	uint32_t job_lifetime_s;	/* seconds a compile may take */
	uint32_t header_ms;	/* to the first byte, and from there to the
				   end of the command line */
	uint32_t idle_ms;	/* without a byte in or out */
	uint32_t min_rate;	/* bytes a second of a body, in and out */
};

extern const struct limits limits_default;

#endif
