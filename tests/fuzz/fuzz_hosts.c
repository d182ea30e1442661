/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_hosts - an accepted host list holds only entries that can be used.
 * needs: client/hosts.c
 */
#include "client/hosts.h"
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_host(const struct host *h)
{
	MUST(h->spec != NULL && h->spec[0] != '\0');
	MUST(h->name != NULL && h->name[0] != '\0');
	MUST(h->slots >= 1 && h->slots <= HOSTS_SLOTS_MAX);
	if (h->kind == HOST_TCP)
		MUST(h->port >= 1 && h->port <= 65535);
	if (h->kind != HOST_SSH)
		MUST(h->user == NULL && h->command == NULL);
	if (h->user != NULL)
		MUST(h->user[0] != '\0' && h->user[0] != '-');
	/* what becomes a word of ssh's command is no option */
	if (h->kind == HOST_SSH)
		MUST(h->name[0] != '-');
	if (h->command != NULL)
		MUST(h->command[0] != '\0' && h->command[0] != '-');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), why[HOSTS_WHY_BYTES];
	struct host_list list;
	int r;

	MUST(text != NULL);
	if (size != 0)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(why, 'x', sizeof(why));
	r = hosts_parse(text, &list, why);
	if (r != 0) {
		MUST(r == ERR_SYNTAX || r == ERR_NOENT);
		MUST(memchr(why, '\0', sizeof(why)) != NULL && why[0] != '\0');
	} else {
		for (size_t i = 0; i < list.n; i++)
			check_host(&list.host[i]);
		hosts_shuffle(&list, size);
		for (size_t i = 0; i < list.n; i++)
			check_host(&list.host[i]);
	}
	hosts_free(&list);
	free(text);
	return 0;
}
