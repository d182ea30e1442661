/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock - monotonic milliseconds and deadlines. */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

/* clock_ms - milliseconds since some fixed point; never goes back. */
int64_t clock_ms(void);
int64_t clock_us(void);

/*
 * clock_poll_timeout - a deadline as poll(2)'s timeout: milliseconds left,
 * 0 when it has passed, -1 (for ever) when deadline_ms < 0.
 */
int clock_poll_timeout(int64_t deadline_ms);

#endif
