/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin - what the client takes from distcc-gss.so, which it loads only when a
 * host asks for it: GSSAPI costs a start that most compiles need not pay.
 * The functions are those of context.h and stream.h.
 */
#ifndef AUTH_PLUGIN_H
#define AUTH_PLUGIN_H

#include "auth/context.h"
#include "auth/stream.h"

#define PLUGIN_FILE	"distcc-gss.so"
#define PLUGIN_SYMBOL	"auth_plugin"

struct auth_plugin {
	const char *version;	/* must be the client's own */
	struct context *(*context_new)(void);
	void (*context_free)(struct context *);
	const char *(*context_why)(const struct context *);
	int (*set_target)(struct context *, const char *, bool);
	int (*set_binding)(struct context *, const void *, size_t);
	int (*initiate)(struct context *, struct view, struct buf *, bool *);
	int (*check_mutual)(struct context *);
	int (*check_sealed)(struct context *);
	struct stream *(*stream_new)(struct context *, bool,
	    const unsigned char *, const unsigned char *);
	void (*stream_free)(struct stream *);
	const char *(*stream_why)(const struct stream *);
	int (*pack)(struct stream *, struct view *, enum seal_kind,
	    struct buf *);
	int (*feed)(struct stream *, struct view *, struct view *);
	bool (*is_over)(const struct stream *);
};

#ifdef PLUGIN_BUILD
extern const struct auth_plugin auth_plugin;
#endif

#endif
