/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * context - one GSSAPI security context, through libgssglue.
 *
 * Both ends use it: the client's plugin to initiate, distccd-auth to accept
 * and export, the worker to import and unwrap.  One peer a context; what the
 * library says when it fails becomes one line, context_why().
 */
#ifndef AUTH_CONTEXT_H
#define AUTH_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

#define CONTEXT_NAME_BYTES	512	/* a principal, with its NUL */
#define CONTEXT_WHY_BYTES	256
#define CONTEXT_EXPORT_MAX_BYTES (64 * 1024)

struct context;

/* context_new - NULL: no memory. */
struct context *context_new(void);
void context_free(struct context *c);	/* NULL is fine */

/* context_why - one line about the last failure, of printable ASCII. */
const char *context_why(const struct context *c);

/*
 * context_warm_up - load the mechanisms while files can still be opened and
 * mapped; whoever confines itself afterwards calls it first.
 */
int context_warm_up(void) MUST_CHECK;

/*
 * context_default_realm - of the machine's configuration.
 * out     realm: "" when there is none
 */
int context_default_realm(char *realm, size_t size) MUST_CHECK;

/*
 * context_set_target - whom to reach, before context_initiate().
 * in      name: "SERVICE@HOST", or a whole principal with is_whole
 */
int context_set_target(struct context *c, const char *name, bool is_whole)
    MUST_CHECK;

/*
 * context_set_binding - channel bindings with this application data (copied);
 * NULL: none.
 */
int context_set_binding(struct context *c, const void *ptr, size_t len)
    MUST_CHECK;

/*
 * context_initiate, context_accept - one step of the handshake.
 * in      token: the peer's, untrusted; empty at the initiator's first step
 * out     reply: a token is appended, or nothing; also when this fails: the
 *         peer then learns why
 *         *is_done: the context is established
 * returns 0; ERR_NOENT: the KDC does not know the target; ERR_ACCESS for any
 *         other failure
 */
int context_initiate(struct context *c, struct view token, struct buf *reply,
    bool *is_done) MUST_CHECK;
int context_accept(struct context *c, struct view token, struct buf *reply,
    bool *is_done) MUST_CHECK;

/*
 * context_open_acceptor - find the keys to accept with; once, before any
 * context_accept().
 * returns 0; ERR_ACCESS with context_why()
 */
int context_open_acceptor(struct context *c) MUST_CHECK;

/*
 * context_names - who is there, once established.
 * out     peer: the initiator's whole name; own: the acceptor's
 */
int context_names(struct context *c, char *peer, char *own, size_t size)
    MUST_CHECK;

/*
 * context_check_mutual, context_check_sealed - whether the established context
 * has what we rely on.  A sealed one needs confidentiality, order, and on the
 * acceptor's side proof that the initiator was bound to this exchange.
 * returns 0; ERR_ACCESS with context_why()
 */
int context_check_mutual(struct context *c) MUST_CHECK;
int context_check_sealed(struct context *c) MUST_CHECK;

/* context_export - append to out; c is good for nothing but context_free(). */
int context_export(struct context *c, struct buf *out) MUST_CHECK;
int context_import(struct context *c, struct view exported) MUST_CHECK;

/*
 * context_wrap - append the encrypted and authenticated form of plain to out.
 * context_unwrap - the other way; ERR_ACCESS unless it is genuine, encrypted,
 * and the very next one.
 */
int context_wrap(struct context *c, struct view plain, struct buf *out)
    MUST_CHECK;
int context_unwrap(struct context *c, struct view wrapped, struct buf *out)
    MUST_CHECK;

#endif
