/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop - wait for descriptors.  One event is handled at a time, so a handler
 * may remove and free any item, its own too.
 */
#ifndef SERVER_LISTENER_LOOP_H
#define SERVER_LISTENER_LOOP_H

#include <stdint.h>

#include "lib/err.h"

struct loop_item {
	int fd;			/* borrowed; -1: not added */
	void (*ready)(void *arg);
	void *arg;
};

int loop_open(void) MUST_CHECK;

/* loop_add - call item->ready(item->arg) whenever fd is readable or hung up;
 * item is borrowed until loop_remove(). */
int loop_add(struct loop_item *item) MUST_CHECK;
void loop_remove(struct loop_item *item);

/* loop_once - handle at most one event; timeout_ms < 0: wait for ever. */
int loop_once(int timeout_ms) MUST_CHECK;

#endif
