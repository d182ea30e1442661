/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/clock.h"
#include "lib/log.h"
#include "server/listener/ration.h"
#include "server/listener/server.h"

#define LINES_A_MINUTE	60

bool
ration_take(struct ration *r, const char *what)
{
	int64_t minute = clock_ms() / 60000;

	if (minute != r->minute) {
		if (r->held_back != 0)
			log_warnx("event=held_back lines=%u kind=%s",
			    r->held_back, what);
		r->minute = minute;
		r->used = 0;
		r->held_back = 0;
	}
	if (r->used < LINES_A_MINUTE) {
		r->used++;
		return true;
	}
	r->held_back++;
	return false;
}
