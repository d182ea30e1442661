/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ration - keep peers from filling the log. */
#ifndef SERVER_LISTENER_RATION_H
#define SERVER_LISTENER_RATION_H

#include <stdbool.h>

struct ration;

/*
 * ration_take - whether one more line of this kind may be written now.  When a
 * new minute begins it says how many were held back.
 * in      what: the kind, for that line
 */
bool ration_take(struct ration *r, const char *what);

#endif
