/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: server/worker/session.c server/worker/answer.c server/worker/ask.c server/worker/receive.c server/worker/command.c server/worker/peer.c server/worker/jobfile.c server/worker/escape.c server/worker/sealed_none.c server/jail/job.c */
/*
 * A whole session in a child process; the test is client and listener.  (The
 * sandbox is left out: the integration tests have it.)
 */
#include "tests/unit/wire_test.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/chan.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "server/jail/job.h"
#include "server/worker/ask.h"
#include "server/worker/command.h"
#include "server/worker/session.h"
#include "wire/lzo.h"
#include "wire/reply.h"

#define JOB		7
#define TIMEOUT_MS	20000

struct fixture {
	struct msg_config config;
	int chan;		/* the listener's end */
	int client;
	pid_t pid;
	struct buf reply;
};

static void __attribute__((noreturn))
be_worker(const struct msg_config *config, int chan, int sock)
{
	static struct session s;
	int high_chan = dup(dup(dup(dup(chan)))), high_sock = dup(sock);

	(void)dup2(high_chan, MSG_CHAN_FD);
	(void)dup2(high_sock, MSG_PEER_FD);
	(void)dup2(high_sock, MSG_PEER_OUT_FD);
	fd_keep_only(MSG_PEER_OUT_FD + 1);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(60);
	log_to_sink(ask_log, &s);
	s.config = config;
	s.job = JOB;
	s.began_ms = clock_ms();
	s.request = request_new();
	if (jobfile_open(&s.file, config->limits.max_request) < 0)
		_exit(1);
	session_serve(&s);
	ask_summary(&s);
	_exit(0);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->config.magic = MSG_CONFIG_MAGIC;
	f->config.ncompilers = 1;
	f->config.name_words = 1;
	f->config.limits = limits_default;
	f->config.limits.max_request = 1024 * 1024;
	(void)snprintf(f->config.compilers[0].name, MSG_NAME_BYTES, "gcc");
	f->chan = f->client = -1;
	buf_init(&f->reply, 64 * 1024 * 1024);
	*state = f;
	return 0;
}

static void
start(struct fixture *f)
{
	int chan[2], sock[2];

	assert_int_equal(chan_pair(chan), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sock), 0);
	assert_int_equal(fd_set_nonblock(sock[1], true), 0);
	f->pid = fork();
	if (f->pid == 0)
		be_worker(&f->config, chan[1], sock[1]);
	(void)close(chan[1]);
	(void)close(sock[1]);
	f->chan = chan[0];
	f->client = sock[0];
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	int status;

	fd_close(&f->chan);
	fd_close(&f->client);
	if (f->pid > 0) {
		(void)kill(f->pid, SIGKILL);
		assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	}
	buf_free(&f->reply);
	free(f);
	return 0;
}

/* --- the client --- */

static void
put(struct fixture *f, const void *p, size_t len)
{
	assert_int_equal(fd_write_all(f->client, p, len,
	    clock_ms() + TIMEOUT_MS), 0);
}

static void
ask(struct fixture *f, unsigned int protocol, const char *const *argv,
    struct view body)
{
	struct buf b = BUF_INIT(4 * 1024 * 1024);

	assert_int_equal(request_put_head(&b, protocol, NULL,
	    (char *const *)(uintptr_t)argv), 0);
	assert_int_equal(token_put_body(&b, "DOTI", body), 0);
	put(f, b.ptr, b.len);
	buf_free(&b);
}

static const char *const plain_argv[] = { "gcc", "-c", "dir/a.c", "-o", "a.o",
	NULL };

static void
read_reply(struct fixture *f)
{
	char part[65536];
	ssize_t n;

	while ((n = fd_read_some(f->client, part, sizeof(part),
	    clock_ms() + TIMEOUT_MS)) > 0)
		assert_int_equal(buf_append(&f->reply, part, (size_t)n), 0);
	assert_int_equal(n, ERR_CLOSED);
}

/* Parse it with our own client's parser; the parts one behind the other. */
static uint32_t
parse_reply(struct fixture *f, unsigned int protocol, char parts[4][256])
{
	struct reply *r = reply_new(protocol);
	struct view in = buf_view(&f->reply);
	size_t len[4] = { 0 };
	uint32_t status;
	int event;

	memset(parts, 0, 4 * 256);
	while ((event = reply_feed(r, &in)) != REPLY_DONE) {
		struct view chunk = reply_chunk(r);

		assert_true(event > REPLY_MORE);
		if (event != REPLY_BODY)
			continue;
		assert_true(len[reply_part(r)] + chunk.len < 256);
		memcpy(parts[reply_part(r)] + len[reply_part(r)], chunk.ptr,
		    chunk.len);
		len[reply_part(r)] += chunk.len;
	}
	status = reply_status(r);
	reply_free(r);
	return status;
}

/* --- the listener --- */

static void
expect(struct fixture *f, void *m, size_t size, uint32_t type, int *fd)
{
	int fds[CHAN_FDS_MAX];
	size_t nfds;
	struct msg_head head;

	assert_true(fd_wait(f->chan, POLLIN, clock_ms() + TIMEOUT_MS) > 0);
	assert_int_equal(chan_recv(f->chan, m, size, fds, &nfds), size);
	memcpy(&head, m, sizeof(head));
	assert_int_equal(head.type, type);
	assert_int_equal(head.job, JOB);
	assert_int_equal(nfds, fd != NULL ? 1 : 0);
	if (fd != NULL)
		*fd = fds[0];
}

static void
grant(struct fixture *f, uint32_t type)
{
	struct msg_plain m = { .head = { type, JOB } };

	assert_int_equal(chan_send(f->chan, &m, sizeof(m), NULL, 0), 0);
}

static void
expect_end(struct fixture *f, uint32_t outcome, const char *why)
{
	struct msg_summary m;

	expect(f, &m, sizeof(m), MSG_SUMMARY, NULL);
	assert_int_equal(m.outcome, outcome);
	if (strstr(m.why, why) == NULL)
		fail_msg("why is \"%s\", not \"%s\"", m.why, why);
}

/* SLOT, COMPILE; the job as the jail would see it. */
static struct view
take_job(struct fixture *f, struct job *job)
{
	struct msg_plain slot;
	struct msg_compile m;
	struct stat st;
	void *p;
	int fd;

	expect(f, &slot, sizeof(slot), MSG_SLOT, NULL);
	grant(f, MSG_SLOT_GRANTED);
	expect(f, &m, sizeof(m), MSG_COMPILE, &fd);
	assert_true(fd_is_sealed(fd));
	assert_int_equal(fstat(fd, &st), 0);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	(void)close(fd);
	assert_int_equal(job_parse(view_of(p, (size_t)st.st_size), job), 0);
	assert_int_equal(job->protocol, m.protocol);
	return view_of(p, (size_t)st.st_size);
}

static int
result(const void *p, size_t len, bool sealed)
{
	int fd = fd_memfd("result");

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, p, len, -1), 0);
	if (sealed)
		assert_int_equal(fd_seal(fd), 0);
	return fd;
}

static void
compiled(struct fixture *f, struct msg_compiled *m, const char *err,
    const void *object, size_t len)
{
	int fds[CHAN_FDS_MAX];
	size_t n = 0;

	m->head = (struct msg_head){ MSG_COMPILED, JOB };
	m->fds = MSG_FD_STDERR | MSG_FD_STDOUT;
	fds[n++] = result(err, strlen(err), true);
	fds[n++] = result("", 0, true);
	if (object != NULL) {
		m->fds |= MSG_FD_OBJECT;
		fds[n++] = result(object, len, true);
	}
	assert_int_equal(chan_send(f->chan, m, sizeof(*m), fds, n), 0);
	while (n > 0)
		(void)close(fds[--n]);
}

/* --- tests --- */

static void
test_plain_job(void **state)
{
	struct fixture *f = *state;
	struct msg_compiled m = { .end = MSG_END_EXIT };
	struct job job;
	struct job_file file;
	struct view whole;
	char parts[4][256];

	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	whole = take_job(f, &job);
	assert_int_equal(job.argc, 5);
	assert_string_equal(job.argv[2], "a.i");
	assert_string_equal(job.argv[4], "a.o");
	assert_string_equal(job.output, "/w/a.o");
	assert_null(job.cdir);
	assert_null(job.deps);
	assert_int_equal(job_next_entry(&job, whole, &file), 0);
	assert_string_equal(file.name, "/w/a.i");
	assert_view(file.contents, "int x;\n");
	assert_int_equal(job_next_entry(&job, whole, &file), ERR_CLOSED);
	compiled(f, &m, "a.c: warn\x1b[2J\n", "OBJ\0ECT", 7);
	read_reply(f);
	assert_int_equal(parse_reply(f, 1, parts), 0);
	assert_string_equal(parts[REPLY_SERR], "a.c: warn\\x1b[2J\n");
	assert_memory_equal(parts[REPLY_DOTO], "OBJ\0ECT", 8);
	expect_end(f, MSG_OUTCOME_OK, "");
	job_free(&job);
}

static void
test_large_plain_object(void **state)
{
	static char object[300000];
	struct fixture *f = *state;
	struct msg_compiled m = { .end = MSG_END_EXIT };
	struct job job;

	memset(object, 'o', sizeof(object));
	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	(void)take_job(f, &job);
	compiled(f, &m, "", object, sizeof(object));
	read_reply(f);
	assert_int_equal(f->reply.len, 5 * TOKEN_LEN + sizeof(object));
	assert_memory_equal(f->reply.ptr + f->reply.len - sizeof(object),
	    object, sizeof(object));
	expect_end(f, MSG_OUTCOME_OK, "");
	job_free(&job);
}

static void
test_packed_job(void **state)
{
	static char source[200000];
	struct fixture *f = *state;
	unsigned char *packed = malloc(lzo_bound(sizeof(source)));
	struct msg_compiled m = { .end = MSG_END_EXIT, .status = 1 << 8 };
	struct msg_reserve want;
	struct job job;
	struct job_file file;
	struct view whole;
	size_t len;

	memset(source, ' ', sizeof(source));
	assert_int_equal(lzo_pack(source, sizeof(source), packed, &len), 0);
	start(f);
	ask(f, 2, plain_argv, view_of(packed, len));
	expect(f, &want, sizeof(want), MSG_RESERVE, NULL);
	grant(f, MSG_RESERVED);
	expect(f, &want, sizeof(want), MSG_RESERVE, NULL);
	grant(f, MSG_RESERVED);
	whole = take_job(f, &job);
	assert_int_equal(job_next_entry(&job, whole, &file), 0);
	assert_int_equal(file.contents.len, sizeof(source));
	assert_memory_equal(file.contents.ptr, source, sizeof(source));
	compiled(f, &m, "error\n", NULL, 0);
	read_reply(f);
	assert_memory_equal(f->reply.ptr, "DONE00000002STAT00000100SERR", 28);
	expect_end(f, MSG_OUTCOME_COMPILE_ERROR, "");
	free(packed);
	job_free(&job);
}

static void
test_bomb(void **state)
{
	static char source[4 * 1024 * 1024];
	struct fixture *f = *state;
	unsigned char *packed = malloc(lzo_bound(sizeof(source)));
	struct msg_reserve want;
	size_t len;

	assert_int_equal(lzo_pack(source, sizeof(source), packed, &len), 0);
	start(f);
	ask(f, 2, plain_argv, view_of(packed, len));
	/* memory for the usual case, then for all that is allowed */
	for (int i = 0; i < 2; i++) {
		expect(f, &want, sizeof(want), MSG_RESERVE, NULL);
		assert_in_range(want.bytes, 1, 2 * f->config.limits.max_request);
		grant(f, MSG_RESERVED);
	}
	read_reply(f);
	assert_int_equal(f->reply.len, 0);
	expect_end(f, MSG_OUTCOME_BAD_REQUEST, "--max-request");
	free(packed);
}

static void
test_refusal_reaches_a_busy_writer(void **state)
{
	static const char *const argv[] = { "gcc", "-fplugin=x.so", "-c",
		"a.c", NULL };
	static char body[900000];
	struct fixture *f = *state;
	char parts[4][256];

	memset(body, 'x', sizeof(body));
	start(f);
	/* all of it can be written although it was refused at its beginning */
	ask(f, 1, argv, view_of(body, sizeof(body)));
	assert_int_equal(shutdown(f->client, SHUT_WR), 0);
	read_reply(f);
	assert_int_equal(parse_reply(f, 1, parts), 1 << 8);
	assert_non_null(strstr(parts[REPLY_SERR], "distccd: refused: "
	    "-fplugin=x.so"));
	expect_end(f, MSG_OUTCOME_REFUSED, "-fplugin");
}

static void
test_unknown_compiler_gets_no_reply(void **state)
{
	static const char *const argv[] = { "sh", "-c", "a.c", NULL };
	struct fixture *f = *state;

	start(f);
	ask(f, 1, argv, view_str("x"));
	expect_end(f, MSG_OUTCOME_REFUSED, "no compiler named sh");
}

static void
test_half_close_is_served(void **state)
{
	struct fixture *f = *state;
	struct msg_compiled m = { .end = MSG_END_EXIT };
	struct msg_plain slot;
	struct msg_compile ask_compile_msg;
	char done[TOKEN_LEN], parts[4][256];
	int fd;

	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	expect(f, &slot, sizeof(slot), MSG_SLOT, NULL);
	assert_int_equal(shutdown(f->client, SHUT_WR), 0);
	/* the reply begins before there is a slot */
	assert_int_equal(fd_read_exact(f->client, done, sizeof(done),
	    clock_ms() + TIMEOUT_MS), 0);
	assert_memory_equal(done, "DONE00000001", TOKEN_LEN);
	assert_int_equal(buf_append(&f->reply, done, sizeof(done)), 0);
	grant(f, MSG_SLOT_GRANTED);
	expect(f, &ask_compile_msg, sizeof(ask_compile_msg), MSG_COMPILE, &fd);
	(void)close(fd);
	compiled(f, &m, "", "OBJ", 3);
	read_reply(f);
	assert_int_equal(parse_reply(f, 1, parts), 0);
	assert_string_equal(parts[REPLY_DOTO], "OBJ");
	expect_end(f, MSG_OUTCOME_OK, "");
}

static void
test_client_leaves_while_queued(void **state)
{
	struct fixture *f = *state;
	struct msg_plain slot;

	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	expect(f, &slot, sizeof(slot), MSG_SLOT, NULL);
	fd_close(&f->client);
	expect_end(f, MSG_OUTCOME_CLIENT_LEFT, "left");
}

static void
test_client_leaves_while_memory_is_short(void **state)
{
	static char body[200000];
	struct fixture *f = *state;
	struct msg_reserve want;
	struct buf b = BUF_INIT(4 * 1024 * 1024);

	start(f);
	assert_int_equal(request_put_head(&b, 1, NULL,
	    (char *const *)(uintptr_t)plain_argv), 0);
	assert_int_equal(token_put(&b, "DOTI", sizeof(body)), 0);
	assert_int_equal(buf_append(&b, body, 100), 0);
	put(f, b.ptr, b.len);
	expect(f, &want, sizeof(want), MSG_RESERVE, NULL);
	fd_close(&f->client);
	expect_end(f, MSG_OUTCOME_CLIENT_LEFT, "left");
	buf_free(&b);
}

static void
test_deadlines(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_ms();

	f->config.limits.header_ms = 300;
	start(f);
	/* bytes keep coming, but not the command line */
	for (int i = 0; i < 5; i++) {
		put(f, "DIST0" + i, 1);
		(void)usleep(50000);
	}
	expect_end(f, MSG_OUTCOME_TIMEOUT, "slowly");
	assert_in_range(clock_ms() - began, 250, 5000);
}

static void
test_slow_reader(void **state)
{
	struct fixture *f = *state;
	size_t len = 8 * 1024 * 1024;
	char *object = calloc(1, len);
	struct msg_compiled m = { .end = MSG_END_EXIT };
	struct job job;

	f->config.limits.idle_ms = 300;
	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	(void)take_job(f, &job);
	compiled(f, &m, "", object, len);
	expect_end(f, MSG_OUTCOME_TIMEOUT, "reply too slowly");
	free(object);
	job_free(&job);
}

static void
test_limits_are_told(void **state)
{
	struct fixture *f = *state;
	struct msg_compiled m = { .end = MSG_END_MEMORY };
	struct job job;
	char parts[4][256];

	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	(void)take_job(f, &job);
	compiled(f, &m, "cc1: out of memory\n", NULL, 0);
	read_reply(f);
	assert_int_equal(parse_reply(f, 1, parts), 1 << 8);
	assert_non_null(strstr(parts[REPLY_SERR], "out of memory\ndistccd: "));
	assert_non_null(strstr(parts[REPLY_SERR], "--max-memory"));
	expect_end(f, MSG_OUTCOME_LIMIT, "--max-memory");
	job_free(&job);
}

/* What must not be taken for a success. */
static void
test_no_object_no_reply(void **state)
{
	struct fixture *f = *state;
	struct msg_compiled m = { .end = MSG_END_EXIT };
	struct job job;

	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	(void)take_job(f, &job);
	compiled(f, &m, "", NULL, 0);
	read_reply(f);
	assert_int_equal(f->reply.len, 0);
	expect_end(f, MSG_OUTCOME_INTERNAL, "no output");
	job_free(&job);
}

static void
test_unsealed_result(void **state)
{
	struct fixture *f = *state;
	struct msg_compiled m = { .head = { MSG_COMPILED, JOB },
	    .end = MSG_END_EXIT, .fds = MSG_FD_OBJECT };
	struct job job;
	AUTOFD fd = result("OBJ", 3, false);

	start(f);
	ask(f, 1, plain_argv, view_str("int x;\n"));
	(void)take_job(f, &job);
	assert_int_equal(chan_send(f->chan, &m, sizeof(m), &fd, 1), 0);
	expect_end(f, MSG_OUTCOME_INTERNAL, "sealed");
	job_free(&job);
}

static void
test_pump_job(void **state)
{
	static const char *const argv[] = { "gcc", "-MMD", "-MF", "x/d.d",
		"-Iinc", "-c", "src/a.c", "-o", "obj/a.o", NULL };
	struct fixture *f = *state;
	struct msg_compiled m = { .end = MSG_END_REFUSED, .text = "no" };
	struct job job;
	struct job_file file;
	struct view whole;
	struct buf b = BUF_INIT(65536);
	size_t i;

	assert_int_equal(request_put_head(&b, 3, "/home/u",
	    (char *const *)(uintptr_t)argv), 0);
	assert_int_equal(token_put(&b, "NFIL", 3), 0);
	assert_int_equal(token_put_body(&b, "NAME",
	    view_str("/home/u/src/a.c")), 0);
	assert_int_equal(token_put(&b, "FILE", 0), 0);
	assert_int_equal(token_put_body(&b, "NAME",
	    view_str("/home/u/inc/x.h")), 0);
	assert_int_equal(token_put_body(&b, "LINK", view_str("y.h")), 0);
	assert_int_equal(token_put_body(&b, "NAME",
	    view_str("/home/u/sys")), 0);
	assert_int_equal(token_put_body(&b, "LINK",
	    view_str("../../../usr/include")), 0);
	start(f);
	put(f, b.ptr, b.len);
	whole = take_job(f, &job);
	assert_string_equal(job.cdir, "/home/u");
	assert_string_equal(job.output, "/home/u/a.o");
	assert_string_equal(job.deps, "/home/u/a.d");
	assert_int_equal(job_next_entry(&job, whole, &file), 0);
	assert_int_equal(file.kind, JOB_FILE);
	assert_string_equal(file.name, "/home/u/src/a.c");
	assert_int_equal(job_next_entry(&job, whole, &file), 0);
	assert_int_equal(file.kind, JOB_LINK);
	assert_view(file.contents, "y.h");
	assert_int_equal(job_next_entry(&job, whole, &file), 0);
	assert_int_equal(file.kind, JOB_SYSTEM_LINK);
	assert_view(file.contents, "/usr/include");
	assert_int_equal(job_next_entry(&job, whole, &file), ERR_CLOSED);
	/* the source keeps its name, the rule its target */
	for (i = 0; strcmp(job.argv[i], "src/a.c") != 0; i++)
		assert_string_not_equal(job.argv[i], "x/d.d");
	assert_string_equal(job.argv[job.argc - 2], "-MT");
	assert_string_equal(job.argv[job.argc - 1], "obj/a.o");
	compiled(f, &m, "", NULL, 0);
	read_reply(f);
	assert_non_null(strstr(buf_str(&f->reply), "STAT00000100"));
	expect_end(f, MSG_OUTCOME_REFUSED, "no");
	buf_free(&b);
	job_free(&job);
}

static void
test_command_find(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	assert_int_equal(command_find(&f->config, "gcc", &i), 0);
	assert_int_equal(command_find(&f->config, "/any/where/gcc", &i), 0);
	assert_int_equal(command_find(&f->config, "../gcc", &i), 0);
	assert_int_equal(command_find(&f->config, "gcc/", &i), ERR_NOENT);
	assert_int_equal(command_find(&f->config, "", &i), ERR_NOENT);
	assert_int_equal(command_find(&f->config, "gcc-12", &i), ERR_NOENT);
	/* DISTCC_CMDLIST_NUMWORDS=2 */
	f->config.name_words = 2;
	(void)snprintf(f->config.compilers[0].name, MSG_NAME_BYTES,
	    "bin/gcc");
	assert_int_equal(command_find(&f->config, "/usr/bin/gcc", &i), 0);
	assert_int_equal(command_find(&f->config, "bin/gcc", &i), 0);
	assert_int_equal(command_find(&f->config, "gcc", &i), ERR_NOENT);
	assert_int_equal(command_find(&f->config, "/sbin/gcc", &i), ERR_NOENT);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_job),
		TEST(test_large_plain_object),
		TEST(test_packed_job),
		TEST(test_bomb),
		TEST(test_refusal_reaches_a_busy_writer),
		TEST(test_unknown_compiler_gets_no_reply),
		TEST(test_half_close_is_served),
		TEST(test_client_leaves_while_queued),
		TEST(test_client_leaves_while_memory_is_short),
		TEST(test_deadlines),
		TEST(test_slow_reader),
		TEST(test_limits_are_told),
		TEST(test_no_object_no_reply),
		TEST(test_unsealed_result),
		TEST(test_pump_job),
		TEST(test_command_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
