/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "lib/err.h"

const char *
err_text(int err)
{
	switch ((enum err)err) {
	case ERR_OK:		return "no error";
	case ERR_SYS:		return "system call failed";
	case ERR_NOMEM:		return "out of memory";
	case ERR_SYNTAX:	return "malformed data";
	case ERR_LIMIT:		return "limit exceeded";
	case ERR_CLOSED:	return "connection closed by peer";
	case ERR_TRUNCATED:	return "data ended too early";
	case ERR_TIMEOUT:	return "timed out";
	case ERR_ACCESS:	return "access denied";
	case ERR_NOENT:		return "no such file";
	case ERR_EXIST:		return "already exists";
	case ERR_BUSY:		return "busy";
	case ERR_UNSUPPORTED:	return "not supported here";
	case ERR_COMPRESSED:	return "corrupt compressed data";
	case ERR_PROTOCOL:	return "protocol violation";
	}
	return "unknown error";
}

int
err_from_errno(int errnum)
{
	switch (errnum) {
	case ENOMEM:		return ERR_NOMEM;
	case ENOENT:
	case ENOTDIR:		return ERR_NOENT;
	case EACCES:
	case EPERM:
	case EROFS:		return ERR_ACCESS;
	case EEXIST:		return ERR_EXIST;
	case EAGAIN:
	case EBUSY:
	case EADDRINUSE:	return ERR_BUSY;
	case ETIMEDOUT:		return ERR_TIMEOUT;
	case EPIPE:
	case ECONNRESET:	return ERR_CLOSED;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EMFILE:
	case ENFILE:
	case EMSGSIZE:		return ERR_LIMIT;
	case ENOSYS:
	case EOPNOTSUPP:
	case EAFNOSUPPORT:	return ERR_UNSUPPORTED;
	default:		return ERR_SYS;
	}
}
