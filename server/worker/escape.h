/* SPDX-License-Identifier: GPL-2.0-or-later */
/* escape - make a compiler's diagnostics fit for a terminal.  Pure. */
#ifndef SERVER_WORKER_ESCAPE_H
#define SERVER_WORKER_ESCAPE_H

#include "lib/buf.h"
#include "lib/err.h"

/*
 * escape_diagnostics - append text to out, control characters written as \xNN.
 * Kept: newline, tab, colour sequences (ESC [ digits and ; then m or K), and
 * valid UTF-8 but for the C1 controls U+0080 to U+009F.  A carriage return
 * directly before a newline is kept too.
 * in      text: untrusted, borrowed
 *         max: bytes that may be added; what does not fit is replaced by a
 *         note
 * returns 0, ERR_NOMEM, ERR_LIMIT (out's own cap)
 */
int escape_diagnostics(struct view text, size_t max, struct buf *out)
    MUST_CHECK;

#endif
