/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon - the background, the pid file, the log. */
#ifndef SERVER_LISTENER_DAEMON_H
#define SERVER_LISTENER_DAEMON_H

#include "lib/err.h"
#include "server/listener/ids.h"
#include "server/listener/options.h"

/*
 * daemon_detach - go to the background.  The starting command stays until
 * daemon_ready(), or ends with our exit status if we end before.
 */
int daemon_detach(void) MUST_CHECK;
void daemon_ready(void);

/* daemon_check_log - whether the log file can be written; reported if not. */
int daemon_check_log(const struct options *o, const struct ids *ids)
    MUST_CHECK;
/* daemon_open_log - from here on messages go where the options say. */
int daemon_open_log(const struct options *o, const struct ids *ids) MUST_CHECK;
void daemon_reopen_log(const struct ids *ids);

int daemon_write_pid(const char *file, const struct ids *ids) MUST_CHECK;
void daemon_remove_pid(const char *file, const struct ids *ids);

#endif
