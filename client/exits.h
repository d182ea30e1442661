/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exits - distcc's exit statuses; the man page lists the same numbers. */
#ifndef CLIENT_EXITS_H
#define CLIENT_EXITS_H

enum exit_code {
	EXIT_DISTCC_FAILED	= 100,	/* some other failure of ours */
	EXIT_BAD_ARGUMENTS	= 101,
	EXIT_BIND_FAILED	= 102,	/* distccd only */
	EXIT_CONNECT_FAILED	= 103,
	EXIT_COMPILER_CRASHED	= 104,
	EXIT_OUT_OF_MEMORY	= 105,
	EXIT_BAD_HOSTSPEC	= 106,
	EXIT_IO_ERROR		= 107,
	EXIT_TRUNCATED		= 108,
	EXIT_PROTOCOL_ERROR	= 109,
	EXIT_COMPILER_MISSING	= 110,
	EXIT_RECURSION		= 111,
	EXIT_SETUID_FAILED	= 112,	/* distccd only */
	EXIT_ACCESS_DENIED	= 113,
	EXIT_BUSY		= 114,
	EXIT_NO_SUCH_FILE	= 115,
	EXIT_NO_HOSTS		= 116,	/* nowhere to go and no fallback */
	EXIT_TIMEOUT		= 118,
	EXIT_GSSAPI_FAILED	= 119,
	EXIT_LOCAL_CPP		= 120,	/* must be preprocessed locally */
	EXIT_SIGNAL_BASE	= 128,	/* + signal */
};

#endif
