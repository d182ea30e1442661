/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_jailer - what the listener, and what a taken-over PID 1 of a jail says to
 * the jailer: at most one answer a job goes on, with the descriptors that it
 * names, and none stays here.
 */
/* needs: server/jail/init.c server/jail/job.c sandbox/jail.c sandbox/cgroup.c sandbox/rootfs.c sandbox/landlock.c sandbox/self.c sandbox/filter.c */
#include "server/jail/pool.c"
#include "tests/fuzz/msgs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CELLS	3

struct fixture {
	struct msg_config config;
	struct init_context ctx;
	struct jail_plan plan;
	struct cell cells[CELLS];
	struct pool pool;
	int listener, inside[CELLS];	/* the other ends */
};

static int
connected(int *other)
{
	int pair[2];

	MUST(chan_pair(pair) == 0);
	MUST(fd_set_nonblock(pair[0], true) == 0);
	MUST(fd_set_nonblock(pair[1], true) == 0);
	*other = pair[1];
	return pair[0];
}

/* No cell is unused, so that no jail is ever made. */
static void
prepare(struct fixture *f)
{
	static const enum state states[CELLS] = { STARTING, READY, RUNNING };

	memset(f, 0, sizeof(*f));
	log_set_level(LOG_LVL_CRITICAL);
	f->config.limits = limits_default;
	f->ctx.config = &f->config;
	f->pool = (struct pool){ .plan = &f->plan, .ctx = &f->ctx,
	    .ncells = CELLS, .cells = f->cells };
	f->pool.chan = connected(&f->listener);
	for (size_t i = 0; i < CELLS; i++) {
		struct cell *c = &f->cells[i];

		c->state = states[i];
		c->job = states[i] == RUNNING ? MSGS_JOB : 0;
		c->jail = (struct jail){ .plan = &f->plan, .pid = -1,
		    .pidfd = -1, .chan = connected(&f->inside[i]) };
		for (size_t k = 0; k < CHAN_FDS_MAX; k++)
			c->fds[k] = -1;
	}
}

static void
check_cell(const struct cell *c)
{
	MUST(!c->answered || c->answer.end < MSG_END_COUNT);
	if (c->answered)
		MUST(c->nfds == (size_t)__builtin_popcount(c->answer.fds) &&
		    memchr(c->answer.text, '\0', sizeof(c->answer.text)) !=
		    NULL);
	for (size_t k = c->answered ? c->nfds : 0; k < CHAN_FDS_MAX; k++)
		MUST(c->fds[k] == -1);
}

static void
one(struct fixture *f, const uint8_t *op, const uint8_t *text, size_t len)
{
	size_t who = op[0] % (CELLS + 1);

	if (who == CELLS) {
		if (msgs_send(f->listener, op, text, len))
			MUST(read_listener(&f->pool) <= 0);
	} else if (f->cells[who].jail.chan >= 0 &&
	    msgs_send(f->inside[who], op, text, len)) {
		read_jail(&f->cells[who]);
	}
	for (size_t i = 0; i < CELLS; i++) {
		check_cell(&f->cells[i]);
		msgs_drain(f->inside[i]);
	}
	msgs_drain(f->listener);
}

static void
tear_down(struct fixture *f)
{
	for (size_t i = 0; i < CELLS; i++) {
		fd_close(&f->cells[i].jail.chan);
		fd_close(&f->inside[i]);
		for (size_t k = 0; k < CHAN_FDS_MAX; k++)
			fd_close(&f->cells[i].fds[k]);
	}
	fd_close(&f->pool.chan);
	fd_close(&f->listener);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture f;
	size_t n = size / (2 * OP_BYTES), files = msgs_open_files();

	prepare(&f);
	for (size_t i = 0; i < n && i < 64; i++)
		one(&f, data + i * OP_BYTES, data + n * OP_BYTES,
		    size - n * OP_BYTES);
	tear_down(&f);
	MUST(msgs_open_files() == files);
	return 0;
}
