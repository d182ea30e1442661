/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err - one set of error codes for every process.
 *
 * Functions return 0 (or a count) or a negative enum err.  A system call's
 * errno is folded into one of these at the call that made it, by
 * err_from_errno(); errno itself stays readable until the next system call.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
	ERR_OK		= 0,
	ERR_SYS		= -1,	/* a system call failed in some other way */
	ERR_NOMEM	= -2,
	ERR_SYNTAX	= -3,	/* the bytes are not what the format says */
	ERR_LIMIT	= -4,	/* a named cap would be passed */
	ERR_CLOSED	= -5,	/* the peer went away (EOF, reset) */
	ERR_TRUNCATED	= -6,	/* the peer stopped in the middle */
	ERR_TIMEOUT	= -7,
	ERR_ACCESS	= -8,	/* a rule or a permission says no */
	ERR_NOENT	= -9,
	ERR_EXIST	= -10,
	ERR_BUSY	= -11,	/* in use, or would block */
	ERR_UNSUPPORTED	= -12,	/* this kernel or this build cannot */
	ERR_COMPRESSED	= -13,	/* compressed data is corrupt */
	ERR_PROTOCOL	= -14,	/* well-formed, but not allowed here */
};

/* err_text - a short English noun phrase; a static string, never NULL. */
const char *err_text(int err);

/* err_from_errno - fold an errno value (> 0) into an enum err (< 0). */
int err_from_errno(int errnum);

#endif
