/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gssglue/gssapi/gssapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/context.h"
#include "lib/log.h"

/* Newer than libgssglue's header: the initiator's channel bindings were there
 * and were ours. */
#define FLAG_CHANNEL_BOUND	2048U

#define FLAGS_MUTUAL	((OM_uint32)GSS_C_MUTUAL_FLAG)
/* asked for in the plain handshake too: stock's server insists on them, though
 * it makes use of the first alone */
#define FLAGS_SEALED	((OM_uint32)(GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | \
	GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG))

/* of com_err's table for Kerberos: KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN */
#define MINOR_UNKNOWN_SERVICE	((OM_uint32)-1765328377)

struct context {
	gss_ctx_id_t handle;
	gss_name_t target;
	OM_uint32 flags;		/* as established */
	struct buf binding;
	bool is_bound;
	bool is_acceptor;
	char why[CONTEXT_WHY_BYTES];
};

/* --- small things -------------------------------------------------------- */

struct context *
context_new(void)
{
	struct context *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->handle = GSS_C_NO_CONTEXT;
		buf_init(&c->binding, 256);
	}
	return c;
}

void
context_free(struct context *c)
{
	OM_uint32 minor;

	if (c == NULL)
		return;
	if (c->handle != GSS_C_NO_CONTEXT)
		(void)gss_delete_sec_context(&minor, &c->handle,
		    GSS_C_NO_BUFFER);
	if (c->target != GSS_C_NO_NAME)
		(void)gss_release_name(&minor, &c->target);
	buf_free(&c->binding);
	free(c);
}

const char *
context_why(const struct context *c)
{
	return c->why;
}

/* The library takes pointers to what it only reads. */
static gss_buffer_desc
buffer_of(struct view v)
{
	return (gss_buffer_desc){ v.len, (void *)(uintptr_t)v.ptr };
}

/* Append the library's bytes and give them back to it. */
static int
take(gss_buffer_desc *from, struct buf *to)
{
	OM_uint32 minor;
	int r = from->length != 0 ?
	    buf_append(to, from->value, from->length) : 0;

	(void)gss_release_buffer(&minor, from);
	return r;
}

static void
describe(OM_uint32 code, int type, char *text, size_t size)
{
	gss_buffer_desc msg = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, more = 0;

	text[0] = '\0';
	if (gss_display_status(&minor, code, type, GSS_C_NO_OID, &more,
	    &msg) != GSS_S_COMPLETE)
		return;
	(void)log_escape(view_of(msg.value, msg.length), text, size);
	(void)gss_release_buffer(&minor, &msg);
}

/* The mechanism's own words say more; the generic ones stand in for them. */
static int
fail(struct context *c, const char *what, OM_uint32 major, OM_uint32 minor)
{
	char text[CONTEXT_WHY_BYTES - 32];

	text[0] = '\0';
	if (minor != 0)
		describe(minor, GSS_C_MECH_CODE, text, sizeof(text));
	/* "Success" is what a mechanism without words of its own says */
	if (text[0] == '\0' || strcmp(text, "Success") == 0)
		describe(major, GSS_C_GSS_CODE, text, sizeof(text));
	(void)snprintf(c->why, sizeof(c->why), "%s: %s", what, text);
	return minor == MINOR_UNKNOWN_SERVICE ? ERR_NOENT : ERR_ACCESS;
}

static int
lacks(struct context *c, const char *what)
{
	(void)snprintf(c->why, sizeof(c->why), "the mechanism gives no %s",
	    what);
	return ERR_ACCESS;
}

/* --- names --------------------------------------------------------------- */

static gss_OID_desc krb5_oid = { 9,
    (void *)(uintptr_t)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" };

int
context_warm_up(void)
{
	OM_uint32 minor;
	gss_OID_set mechs = NULL;
	char realm[CONTEXT_NAME_BYTES];
	bool ok = gss_indicate_mechs(&minor, &mechs) == GSS_S_COMPLETE &&
	    mechs != NULL && mechs->count != 0;

	if (mechs != NULL)
		(void)gss_release_oid_set(&minor, &mechs);
	if (!ok)
		return ERR_UNSUPPORTED;
	/* the mechanism itself starts at its first use */
	return context_default_realm(realm, sizeof(realm));
}

/* A displayed name; ERR_LIMIT rather than a cut one. */
static int
display(gss_name_t name, char *text, size_t size)
{
	gss_buffer_desc b = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	int r = ERR_ACCESS;

	if (gss_display_name(&minor, name, &b, NULL) != GSS_S_COMPLETE)
		return r;
	if (b.length >= size) {
		r = ERR_LIMIT;
	} else if (!view_has_nul(view_of(b.value, b.length))) {
		memcpy(text, b.value, b.length);
		text[b.length] = '\0';
		r = 0;
	}
	(void)gss_release_buffer(&minor, &b);
	return r;
}

/* Ask the mechanism to complete a name that has no realm. */
int
context_default_realm(char *realm, size_t size)
{
	gss_buffer_desc b = buffer_of(view_str("x"));
	gss_name_t name = GSS_C_NO_NAME, whole = GSS_C_NO_NAME;
	char text[CONTEXT_NAME_BYTES];
	OM_uint32 minor;
	int r = ERR_ACCESS;

	realm[0] = '\0';
	if (gss_import_name(&minor, &b, GSS_C_NT_USER_NAME, &name) ==
	    GSS_S_COMPLETE && gss_canonicalize_name(&minor, name, &krb5_oid,
	    &whole) == GSS_S_COMPLETE)
		r = display(whole, text, sizeof(text));
	if (r == 0 && text[0] == 'x' && text[1] == '@')
		(void)snprintf(realm, size, "%s", text + 2);
	if (name != GSS_C_NO_NAME)
		(void)gss_release_name(&minor, &name);
	if (whole != GSS_C_NO_NAME)
		(void)gss_release_name(&minor, &whole);
	return 0;
}

int
context_set_target(struct context *c, const char *name, bool is_whole)
{
	gss_buffer_desc b = buffer_of(view_str(name));
	OM_uint32 major, minor;

	if (c->target != GSS_C_NO_NAME)
		(void)gss_release_name(&minor, &c->target);
	major = gss_import_name(&minor, &b, is_whole ? GSS_C_NT_USER_NAME :
	    GSS_C_NT_HOSTBASED_SERVICE, &c->target);
	return major == GSS_S_COMPLETE ? 0 :
	    fail(c, "the server's name", major, minor);
}

int
context_set_binding(struct context *c, const void *ptr, size_t len)
{
	buf_reset(&c->binding);
	c->is_bound = ptr != NULL;
	return ptr != NULL ? buf_append(&c->binding, ptr, len) : 0;
}

int
context_names(struct context *c, char *peer, char *own, size_t size)
{
	gss_name_t from = GSS_C_NO_NAME, to = GSS_C_NO_NAME;
	OM_uint32 minor, major;
	int r;

	major = gss_inquire_context(&minor, c->handle, &from, &to, NULL, NULL,
	    NULL, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		return fail(c, "the peer's name", major, minor);
	r = display(from, peer, size);
	if (r == 0)
		r = display(to, own, size);
	if (r < 0)
		(void)snprintf(c->why, sizeof(c->why),
		    "a principal's name is too long");
	(void)gss_release_name(&minor, &from);
	(void)gss_release_name(&minor, &to);
	return r;
}

/* --- handshake ----------------------------------------------------------- */

static struct gss_channel_bindings_struct *
bindings(struct context *c, struct gss_channel_bindings_struct *b)
{
	if (!c->is_bound)
		return GSS_C_NO_CHANNEL_BINDINGS;
	memset(b, 0, sizeof(*b));
	b->initiator_addrtype = b->acceptor_addrtype = GSS_C_AF_NULLADDR;
	b->application_data = buffer_of(buf_view(&c->binding));
	return b;
}

/* What both sides do after a step. */
static int
after_step(struct context *c, OM_uint32 major, OM_uint32 minor,
    gss_buffer_desc *out, struct buf *reply, bool *is_done)
{
	int r = take(out, reply);

	*is_done = major == GSS_S_COMPLETE;
	if (major != GSS_S_COMPLETE && major != GSS_S_CONTINUE_NEEDED)
		return fail(c, c->is_acceptor ? "not accepted" :
		    "can't authenticate", major, minor);
	return r;
}

int
context_initiate(struct context *c, struct view token, struct buf *reply,
    bool *is_done)
{
	struct gss_channel_bindings_struct b;
	gss_buffer_desc in = buffer_of(token), out = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor = 0, major;

	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &c->handle,
	    c->target, &krb5_oid, FLAGS_SEALED, 0, bindings(c, &b),
	    token.len != 0 ? &in : GSS_C_NO_BUFFER, NULL, &out, &c->flags,
	    NULL);
	return after_step(c, major, minor, &out, reply, is_done);
}

/* Kept for ever: to make one costs as much as a handshake. */
static gss_cred_id_t acceptor = GSS_C_NO_CREDENTIAL;

int
context_accept(struct context *c, struct view token, struct buf *reply,
    bool *is_done)
{
	struct gss_channel_bindings_struct b;
	gss_buffer_desc in = buffer_of(token), out = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor = 0, major;

	c->is_acceptor = true;
	major = gss_accept_sec_context(&minor, &c->handle, acceptor, &in, bindings(c, &b),
	    NULL, NULL, &out, &c->flags, NULL, NULL);
	return after_step(c, major, minor, &out, reply, is_done);
}

int
context_open_acceptor(struct context *c)
{
	gss_OID_set_desc mechs = { 1, &krb5_oid };
	OM_uint32 minor = 0, major;

	major = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE,
	    &mechs, GSS_C_ACCEPT, &acceptor, NULL, NULL);
	return major == GSS_S_COMPLETE ? 0 :
	    fail(c, "no key to authenticate with", major, minor);
}

/* Names are judged as Kerberos' own: another mechanism may be configured, and
 * have namesakes. */
static bool
is_kerberos(struct context *c)
{
	OM_uint32 minor;
	gss_OID mech = GSS_C_NO_OID;

	return gss_inquire_context(&minor, c->handle, NULL, NULL, NULL, &mech,
	    NULL, NULL, NULL) == GSS_S_COMPLETE && mech != GSS_C_NO_OID &&
	    mech->length == krb5_oid.length &&
	    memcmp(mech->elements, krb5_oid.elements, mech->length) == 0;
}

int
context_check_mutual(struct context *c)
{
	if (!is_kerberos(c))
		return lacks(c, "Kerberos");
	if ((c->flags & GSS_C_ANON_FLAG) != 0)
		return lacks(c, "name of the peer");
	return (c->flags & FLAGS_MUTUAL) == FLAGS_MUTUAL ? 0 :
	    lacks(c, "mutual authentication");
}

int
context_check_sealed(struct context *c)
{
	int r = context_check_mutual(c);

	if (r < 0)
		return r;
	if ((c->flags & FLAGS_SEALED) != FLAGS_SEALED)
		return lacks(c, "confidentiality and order");
	if (c->is_acceptor && (c->flags & FLAG_CHANNEL_BOUND) == 0)
		return lacks(c, "proof that the client meant this exchange");
	return 0;
}

/* --- afterwards ---------------------------------------------------------- */

int
context_export(struct context *c, struct buf *out)
{
	gss_buffer_desc b = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss_export_sec_context(&minor, &c->handle, &b);

	if (major != GSS_S_COMPLETE)
		return fail(c, "can't hand the context on", major, minor);
	return take(&b, out);
}

int
context_import(struct context *c, struct view exported)
{
	gss_buffer_desc b = buffer_of(exported);
	OM_uint32 minor, major = gss_import_sec_context(&minor, &b,
	    &c->handle);

	return major == GSS_S_COMPLETE ? 0 :
	    fail(c, "can't take the context over", major, minor);
}

int
context_wrap(struct context *c, struct view plain, struct buf *out)
{
	gss_buffer_desc in = buffer_of(plain), wrapped = GSS_C_EMPTY_BUFFER;
	int is_secret = 0, r;
	OM_uint32 minor, major;

	major = gss_wrap(&minor, c->handle, 1, GSS_C_QOP_DEFAULT, &in,
	    &is_secret, &wrapped);
	if (major != GSS_S_COMPLETE)
		return fail(c, "can't seal a record", major, minor);
	r = is_secret != 0 ? take(&wrapped, out) : lacks(c, "confidentiality");
	(void)gss_release_buffer(&minor, &wrapped);
	return r;
}

int
context_unwrap(struct context *c, struct view wrapped, struct buf *out)
{
	gss_buffer_desc in = buffer_of(wrapped), plain = GSS_C_EMPTY_BUFFER;
	gss_qop_t qop = GSS_C_QOP_DEFAULT;
	int is_secret = 0, r;
	OM_uint32 minor, major;

	/* old, doubled and missing records are bits beside COMPLETE */
	major = gss_unwrap(&minor, c->handle, &in, &plain, &is_secret, &qop);
	if (major != GSS_S_COMPLETE)
		r = fail(c, "a record is not genuine", major, minor);
	else if (is_secret == 0 || qop != GSS_C_QOP_DEFAULT)
		r = lacks(c, "confidentiality");
	else
		return take(&plain, out);
	(void)gss_release_buffer(&minor, &plain);
	return r;
}
