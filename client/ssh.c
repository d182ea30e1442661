/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/args.h"
#include "client/spawn.h"
#include "client/ssh.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "policy/compiler.h"

#define BLANKS		" \t"
#define END_WAIT_MS	500	/* for ssh to end after its connection did */
#define SAID_BYTES	160	/* shown of what it said */

static int
add(struct ssh_command *c, const char *word)
{
	if (c->n == SSH_WORDS_MAX)
		return ERR_LIMIT;
	c->argv[c->n++] = word;
	return 0;
}

static int
add_all(struct ssh_command *c, const char *const *words, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add(c, words[i]);
	return r;
}

/* The program's own words, and whether it is OpenSSH by its name, as in
 * "ssh -p 22" or "nice ssh". */
static int
add_program(struct ssh_command *c, bool *is_openssh)
{
	bool is_option = false;
	char *rest, *word;
	int r = 0;

	*is_openssh = false;
	for (word = strtok_r(c->text, BLANKS, &rest); r == 0 && word != NULL;
	    word = strtok_r(NULL, BLANKS, &rest)) {
		is_option = is_option || word[0] == '-';
		if (!is_option && strcmp(compiler_base(word), "ssh") == 0)
			*is_openssh = true;
		r = add(c, word);
	}
	return r == 0 && c->n == 0 ? add(c, "ssh") : r;
}

int
ssh_command(const struct env *env, const struct host *host,
    struct ssh_command *out)
{
	const char *const user[] = { "-l", host->user };
	const char *const there[] = {
		host->name, host->command != NULL ? host->command : "distccd",
		"--inetd", "--enable-tcp-insecure",
	};
	bool is_openssh;
	int r;

	*out = (struct ssh_command){ .n = 0 };
	out->text = mem_strdup(env->ssh != NULL &&
	    env->ssh[strspn(env->ssh, BLANKS)] != '\0' ? env->ssh : "ssh");
	r = add_program(out, &is_openssh);
	if (r == 0 && is_openssh)
		r = add(out, "-oConnectTimeout=10");
	if (r == 0 && host->user != NULL)
		r = add_all(out, user, 2);
	if (r == 0 && is_openssh)
		r = add(out, "--");
	if (r == 0)
		r = add_all(out, there, sizeof(there) / sizeof(there[0]));
	return r;
}

static int
run(struct ssh *s, char *const *argv, int theirs)
{
	const int fds[3] = { theirs, theirs, s->messages };

	if (log_get_level() >= LOG_LVL_DEBUG) {
		AUTOFREE char *text = args_join(argv);

		log_debug("connect: %s", text);
	}
	return spawn_search(argv, fds, &s->pid);
}

int
ssh_start(struct ssh *s, const struct env *env, const struct host *host,
    int *fd)
{
	union { const char *const *in; char *const *out; } argv;
	AUTOFD theirs = -1;
	struct ssh_command c;
	int pair[2];
	int r;

	*s = (struct ssh){ .messages = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ERR_SYS;
	*fd = pair[0];
	theirs = pair[1];
	s->messages = fd_memfd("distcc-ssh");
	r = s->messages < 0 ? ERR_SYS : fd_set_nonblock(*fd, true);
	if (r == 0) {
		r = ssh_command(env, host, &c);
		argv.in = c.argv;
		if (r == 0)
			r = run(s, argv.out, theirs);
		free(c.text);
	}
	return r;
}

/* Give it a moment to say why; a master of shared connections stays. */
static bool
has_ended(struct ssh *s, int *status)
{
	const struct timespec moment = { 0, 5000000 };

	for (int ms = 0; ms < END_WAIT_MS; ms += 5) {
		if (waitpid(s->pid, status, WNOHANG) == s->pid) {
			s->pid = 0;
			return true;
		}
		(void)nanosleep(&moment, NULL);
	}
	return false;
}

/* The last line that is not empty. */
static struct view
last_line(const char *text, size_t len)
{
	size_t start;

	while (len != 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (start = len; start != 0 && text[start - 1] != '\n'; start--)
		;
	return view_of(text + start, len - start);
}

static void
append(char *why, size_t size, const char *text)
{
	size_t len = strlen(why);

	(void)snprintf(why + len, size - len, "%s", text);
}

static void
append_said(const struct ssh *s, char *why, size_t size)
{
	char text[4096], shown[SAID_BYTES];
	struct stat st;
	off_t at;
	ssize_t n;

	if (fstat(s->messages, &st) < 0 || st.st_size == 0)
		return;
	at = st.st_size > (off_t)sizeof(text) ?
	    st.st_size - (off_t)sizeof(text) : 0;
	n = pread(s->messages, text, sizeof(text), at);
	if (n <= 0)
		return;
	append(why, size, ": ");
	append(why, size, log_escape(last_line(text, (size_t)n), shown,
	    sizeof(shown)));
}

void
ssh_explain(struct ssh *s, char *why, size_t size)
{
	char text[64] = "; ssh goes on";
	int status;

	if (s->pid == 0)
		return;
	if (has_ended(s, &status))
		(void)snprintf(text, sizeof(text),
		    "; ssh ended with status %d", spawn_exit_code(status));
	append(why, size, text);
	append_said(s, why, size);
}

void
ssh_free(struct ssh *s)
{
	int status;

	/* if it is over already, leave no zombie in a process with many jobs */
	if (s->pid != 0)
		(void)waitpid(s->pid, &status, WNOHANG);
	s->pid = 0;
	fd_close(&s->messages);
}
