/* SPDX-License-Identifier: GPL-2.0-or-later */
#define PLUGIN_BUILD
#include <dlfcn.h>

#include "auth/plugin.h"

/*
 * libgssglue resolves every symbol of the mechanism when it loads it, a quarter
 * of all that a compile spends on authentication.  What is there already stays
 * as it is; where the mechanism is another library this loads one for nothing.
 */
__attribute__((constructor)) static void
load_lazily(void)
{
	(void)!dlopen("libgssapi_krb5.so.2", RTLD_LAZY);
}

__attribute__((visibility("default"))) const struct auth_plugin auth_plugin = {
	.version = VERSION,
	.context_new = context_new,
	.context_free = context_free,
	.context_why = context_why,
	.set_target = context_set_target,
	.set_binding = context_set_binding,
	.initiate = context_initiate,
	.check_mutual = context_check_mutual,
	.check_sealed = context_check_sealed,
	.stream_new = stream_new,
	.stream_free = stream_free,
	.stream_why = stream_why,
	.pack = stream_pack,
	.feed = stream_feed,
	.is_over = stream_is_over,
};
