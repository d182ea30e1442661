/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/fd.h"
#include "server/worker/sealed.h"

/* There is never a struct sealed here, so nothing else is ever called. */

int
sealed_start(struct session *s)
{
	(void)s;
	return 1;
}

int
sealed_open(int fd, struct sealed **out)
{
	fd_close(&fd);
	*out = NULL;
	return ERR_UNSUPPORTED;
}

const char *
sealed_why(const struct sealed *s)
{
	(void)s;
	return "";
}

size_t
sealed_take(struct sealed *s, void *ptr, size_t size)
{
	(void)s;
	(void)ptr;
	(void)size;
	return 0;
}

unsigned char *
sealed_room(struct sealed *s, size_t *size)
{
	(void)s;
	*size = 0;
	return NULL;
}

int
sealed_feed(struct sealed *s, size_t n)
{
	(void)s;
	(void)n;
	return ERR_UNSUPPORTED;
}

bool
sealed_is_over(const struct sealed *s)
{
	(void)s;
	return false;
}

int
sealed_put(struct sealed *s, struct view *bytes, struct view *out)
{
	(void)s;
	(void)bytes;
	(void)out;
	return ERR_UNSUPPORTED;
}

int
sealed_flush(struct sealed *s, bool last, struct view *out)
{
	(void)s;
	(void)last;
	(void)out;
	return ERR_UNSUPPORTED;
}
