/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: client/state.c client/dirs.c client/env.c */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/state.h"

#define MAGIC	0x44494800u

static char dir[] = "/tmp/distcc-state.XXXXXX";
static struct env env;

static struct state_record
sample(void)
{
	struct state_record r;

	memset(&r, 0, sizeof(r));
	r.size = sizeof(r);
	r.magic = MAGIC;
	r.pid = (unsigned long)getpid();
	(void)snprintf(r.file, sizeof(r.file), "a.c");
	(void)snprintf(r.host, sizeof(r.host), "host");
	r.slot = 3;
	r.phase = STATE_COMPILE;
	return r;
}

static void
write_file(const char *name, const void *p, size_t len, time_t mtime)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)mkdir(path, 0777);
	(void)snprintf(path, sizeof(path), "%s/state/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	(void)fclose(f);
	if (mtime != 0) {
		struct timespec t[2] = { { mtime, 0 }, { mtime, 0 } };

		assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
	}
}

static size_t
count(void)
{
	struct state_record *list;
	size_t n;

	assert_int_equal(state_list(&env, &list, &n), 0);
	free(list);
	return n;
}

static void
decode_checks_everything(void **unused)
{
	struct state_record r = sample(), out;

	(void)unused;
	assert_int_equal(state_decode(&r, sizeof(r), &out), 0);
	assert_string_equal(out.file, "a.c");
	assert_int_equal(out.slot, 3);
	assert_int_equal(state_decode(&r, sizeof(r) - 1, &out), ERR_TRUNCATED);
	r.magic++;
	assert_int_equal(state_decode(&r, sizeof(r), &out), ERR_SYNTAX);
	r = sample();
	r.phase = STATE_PHASES;
	assert_int_equal(state_decode(&r, sizeof(r), &out), ERR_SYNTAX);
	r = sample();
	r.slot = -1;
	assert_int_equal(state_decode(&r, sizeof(r), &out), ERR_SYNTAX);
	r = sample();
	r.pid = 0;
	assert_int_equal(state_decode(&r, sizeof(r), &out), ERR_SYNTAX);
	r = sample();
	r.size++;
	assert_int_equal(state_decode(&r, sizeof(r), &out), ERR_SYNTAX);
}

static void
decode_makes_texts_harmless(void **unused)
{
	struct state_record r = sample(), out;

	(void)unused;
	memset(r.file, 'x', sizeof(r.file));
	(void)snprintf(r.host, sizeof(r.host), "a\n\033[31mb");
	assert_int_equal(state_decode(&r, sizeof(r), &out), 0);
	assert_int_equal(strlen(out.file), STATE_TEXT_BYTES - 1);
	assert_string_equal(out.host, "a??[31mb");
}

/* Stock's layout, to the byte, on 64-bit machines. */
static void
layout_is_stocks(void **unused)
{
	(void)unused;
	if (sizeof(long) != 8)
		skip();
	assert_int_equal(sizeof(struct state_record), 296);
	assert_int_equal(offsetof(struct state_record, magic), 8);
	assert_int_equal(offsetof(struct state_record, pid), 16);
	assert_int_equal(offsetof(struct state_record, file), 24);
	assert_int_equal(offsetof(struct state_record, host), 152);
	assert_int_equal(offsetof(struct state_record, slot), 280);
	assert_int_equal(offsetof(struct state_record, phase), 284);
}

static void
list_shows_what_runs(void **unused)
{
	struct state_record r = sample(), *list;
	char zero[sizeof(r)] = "";
	size_t n;
	pid_t pid;

	(void)unused;
	assert_int_equal(count(), 0);
	write_file("binstate_cpu_tcp_host_1_3", &r, sizeof(r), 0);
	write_file("other", &r, sizeof(r), 0);
	write_file("binstate_2", zero, sizeof(zero), 0);
	write_file("binstate_3", &r, 100, 0);
	assert_int_equal(count(), 1);

	/* a process that is gone */
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	r.pid = (unsigned long)pid;
	write_file("binstate_4", &r, sizeof(r), 0);
	assert_int_equal(count(), 1);

	/* one that started after the file was written: the number only */
	r = sample();
	write_file("binstate_5", &r, sizeof(r), 1000000);
	assert_int_equal(count(), 1);

	/* by host and slot */
	(void)snprintf(r.host, sizeof(r.host), "a");
	write_file("binstate_6", &r, sizeof(r), 0);
	r.slot = 1;
	write_file("binstate_7", &r, sizeof(r), 0);
	r.phase = STATE_DONE;
	write_file("binstate_8", &r, sizeof(r), 0);
	assert_int_equal(state_list(&env, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].host, "a");
	assert_int_equal(list[0].slot, 1);
	assert_int_equal(list[1].slot, 3);
	assert_string_equal(list[2].host, "host");
	free(list);
}

/* The writer's whole way, as the reader sees it. */
static void
writer_and_reader_agree(void **unused)
{
	char name[] = "writer-host";
	struct host host = { .kind = HOST_TCP, .name = name, .port = 77 };
	struct state_record *list;
	size_t n, before = count();

	(void)unused;
	state_file("dir/w.c");
	state_blocked(&env);
	assert_int_equal(count(), before + 1);
	state_start(&env, STATE_PREPROCESS, &host, 2);
	state_phase(STATE_COMPILE);
	assert_int_equal(state_list(&env, &list, &n), 0);
	assert_int_equal(n, before + 1);
	assert_string_equal(list[n - 1].host, "writer-host");
	assert_string_equal(list[n - 1].file, "w.c");
	assert_int_equal(list[n - 1].slot, 2);
	assert_int_equal(list[n - 1].phase, STATE_COMPILE);
	free(list);
	state_end();
	assert_int_equal(count(), before);
}

static int
set_up(void **unused)
{
	(void)unused;
	if (mkdtemp(dir) == NULL)
		return -1;
	env_load(&env);
	env.dir = dir;
	return 0;
}

static int
tear_down(void **unused)
{
	static const char *const names[] = {
		"cpu_tcp_host_1_3", "2", "3", "4", "5", "6", "7", "8",
		"cpu_tcp_writer-host_77_2",
	};
	char path[256];

	(void)unused;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/state/binstate_%s",
		    dir, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/state/other", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)rmdir(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_checks_everything),
		cmocka_unit_test(decode_makes_texts_harmless),
		cmocka_unit_test(layout_is_stocks),
		cmocka_unit_test(list_shows_what_runs),
		cmocka_unit_test(writer_and_reader_agree),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
