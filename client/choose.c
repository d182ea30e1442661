/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/auth.h"
#include "client/choose.h"
#include "client/hostfile.h"
#include "client/slots.h"
#include "client/zeroconf.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

static const char *
not_built_in(const struct host *h)
{
	if (h->kind == HOST_SSH)	/* it has its own */
		return NULL;
	return h->has_auth || h->has_seal ? auth_missing() : NULL;
}

/* If no host is left, the user should know without asking for messages. */
static void
warn_useless(const struct host_list *l, const char *spec, const char *missing)
{
	if (l->zeroconf)
		log_warnx("+zeroconf: %s", zeroconf_missing() != NULL ?
		    zeroconf_missing() : "no host announces itself");
	else if (missing != NULL)
		log_warnx("%s: %s", spec, missing);
}

/* Hosts that this build cannot reach are passed over. */
static void
skip_unusable(struct job *job)
{
	struct host_list *l = &job->hosts;
	const char *why = NULL, *spec = "";
	size_t usable = 0;

	job->skip = mem_calloc(l->n + 1, sizeof(*job->skip));
	for (size_t i = 0; i < l->n; i++) {
		const char *missing = not_built_in(&l->host[i]);

		if (l->host[i].is_down)
			log_info("%s is down", l->host[i].spec);
		job->skip[i] = missing != NULL || l->host[i].is_down;
		usable += job->skip[i] ? 0 : 1;
		if (missing != NULL) {
			why = missing;
			spec = l->host[i].spec;
			log_info("%s is skipped: %s", spec, why);
		}
	}
	if (usable == 0)
		warn_useless(l, spec, why);
}

int
choose_load(struct job *job)
{
	char why[HOSTS_WHY_BYTES];
	int r = hostfile_load(job->env, &job->hosts, why);

	if (r < 0) {
		log_warnx("%s", why);
		return r;
	}
	if (job->hosts.warning[0] != '\0')
		log_warnx("%s", job->hosts.warning);
	skip_unusable(job);
	job->local_why = "no host of the list can be used";
	return 0;
}

int
choose_next(struct job *job, size_t *host, int *lock, enum backoff *state)
{
	for (;;) {
		int r = slots_take(job->env, &job->hosts, job->skip, host,
		    lock);

		if (r < 0)
			return r;
		*state = backoff_state(job->env, &job->hosts.host[*host]);
		if (*state != BACKOFF_ON)
			return 0;
		log_info("%s failed lately and is left alone",
		    job->hosts.host[*host].spec);
		if (!job->cpp.is_started)	/* no other was tried yet */
			job->local_why = "the hosts that failed lately are "
			    "left alone";
		job->skip[*host] = true;
		fd_close(lock);
	}
}
