/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/config.h"
#include "auth/context.h"
#include "auth/stream.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "sandbox/sandbox.h"
#include "server/forker.h"
#include "server/msg.h"
#include "server/worker/ask.h"
#include "server/worker/sealed.h"

#define RAW_BYTES	(SEAL_RECORD_MAX_BYTES + TOKEN_LEN)

/* A worker has one. */
struct sealed {
	struct msg_context head;
	unsigned char exported[CONTEXT_EXPORT_MAX_BYTES];
	struct stream *stream;
	unsigned char raw[RAW_BYTES];	/* as read from the socket */
	struct view unread;		/* of raw */
	struct view clear;		/* lent by stream */
	unsigned char held[SEAL_PAYLOAD_MAX_BYTES];	/* to be sent */
	size_t nheld;
	struct buf out;
	const char *why;
};

static struct sealed the_one;

/*
 * The first process: what costs time, and is the same for each connection, is
 * done before there is any.  Kerberos wants its configuration once more when a
 * context is imported, so that much can still be read.
 */
int
sealed_start(struct session *s)
{
	int r = ask_hello(s);

	if (r < 0)
		return r;
	log_set_level((enum log_level)s->config->log_level);
	log_to_sink(ask_log, s);
	if ((r = context_warm_up()) < 0 || (r = sandbox_drop_caps()) < 0 ||
	    (r = sandbox_few_files(config_paths(), NULL)) < 0) {
		log_errx("can't prepare for sealed connections: %s",
		    err_text(r));
		return r;
	}
	return forker_serve();
}

static int
read_context(struct sealed *s, int fd)
{
	int r;

	if (!fd_is_sealed(fd))
		return ERR_PROTOCOL;
	r = fd_read_exact(fd, &s->head, sizeof(s->head), -1);
	if (r < 0)
		return r;
	if (s->head.magic != MSG_CONFIG_MAGIC ||
	    s->head.len > sizeof(s->exported))
		return ERR_PROTOCOL;
	return fd_read_exact(fd, s->exported, s->head.len, -1);
}

static int
import(struct sealed *s)
{
	struct context *c = context_new();
	int r = c != NULL ? context_import(c, view_of(s->exported,
	    s->head.len)) : ERR_NOMEM;

	explicit_bzero(s->exported, sizeof(s->exported));
	if (r < 0) {
		if (c != NULL)
			log_errx("%s", context_why(c));
		context_free(c);
		return r;
	}
	buf_init(&s->out, 4 * RAW_BYTES);
	s->why = "";
	s->stream = stream_new(c, false, s->head.client_nonce,
	    s->head.server_nonce);
	return s->stream != NULL ? 0 : ERR_NOMEM;
}

int
sealed_open(int fd, struct sealed **out)
{
	struct sealed *s = &the_one;
	AUTOFD own = fd;
	int r;

	_Static_assert(sizeof(s->head.client_nonce) == AUTH_NONCE_BYTES,
	    "as on the wire");
	/* the writer left the offset at the end; it is not ours to share */
	if (lseek(own, 0, SEEK_SET) < 0)
		return ERR_SYS;
	if ((r = read_context(s, own)) < 0)
		return r;
	*out = s;
	return import(s);
}

const char *
sealed_why(const struct sealed *s)
{
	return s->why;
}

size_t
sealed_take(struct sealed *s, void *ptr, size_t size)
{
	struct view part;
	size_t n = s->clear.len < size ? s->clear.len : size;

	if (n == 0 || view_take(&s->clear, n, &part) < 0)
		return 0;
	memcpy(ptr, part.ptr, part.len);
	return part.len;
}

unsigned char *
sealed_room(struct sealed *s, size_t *size)
{
	*size = sizeof(s->raw);
	return s->raw;
}

/* Only once everything of the record before has been taken. */
static int
next_record(struct sealed *s)
{
	int r = 0;

	while (r == 0 && s->unread.len != 0) {
		r = stream_feed(s->stream, &s->unread, &s->clear);
		/* an empty record is no news */
		if (r == 1 && s->clear.len == 0)
			r = 0;
	}
	if (r < 0)
		s->why = stream_why(s->stream);
	return r < 0 ? r : 0;
}

int
sealed_feed(struct sealed *s, size_t n)
{
	if (n != 0)
		s->unread = view_of(s->raw, n);
	return next_record(s);
}

bool
sealed_is_over(const struct sealed *s)
{
	return stream_is_over(s->stream) && s->clear.len == 0 &&
	    s->unread.len == 0;
}

static int
pack(struct sealed *s, bool last)
{
	struct view bytes = view_of(s->held, s->nheld);
	int r = stream_pack(s->stream, &bytes, last ? SEAL_LAST : SEAL_MORE,
	    &s->out);

	if (r < 0)
		s->why = stream_why(s->stream);
	s->nheld = 0;
	return r;
}

int
sealed_put(struct sealed *s, struct view *bytes, struct view *out)
{
	size_t room = sizeof(s->held) - s->nheld;
	struct view part;
	int r = 0;

	buf_reset(&s->out);
	if (view_take(bytes, bytes->len < room ? bytes->len : room, &part) < 0)
		return ERR_TRUNCATED;
	if (part.len != 0)
		memcpy(s->held + s->nheld, part.ptr, part.len);
	s->nheld += part.len;
	if (s->nheld == sizeof(s->held))
		r = pack(s, false);
	*out = buf_view(&s->out);
	return r;
}

int
sealed_flush(struct sealed *s, bool last, struct view *out)
{
	int r;

	buf_reset(&s->out);
	r = last || s->nheld != 0 ? pack(s, last) : 0;
	*out = buf_view(&s->out);
	return r;
}
