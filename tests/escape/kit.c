/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	kit -c steps.i -o a.o		as a compiler: steps from the input
 *	kit --steps 'STEP; STEP'	by itself, for the controls
 *
 * A line of the answer:  KIT <step> <words>: ok | errno N TEXT
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kit.h"

#define TEXT_MAX_BYTES	(1024 * 1024)

void
kit_tell(const char *fmt, ...)
{
	char line[KIT_LINE_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n] = '\n';
	/* one call, so that children's lines do not mix */
	(void)!write(2, line, (size_t)n + 1);
}

long
kit_number(const char *s)
{
	return s != NULL ? strtol(s, NULL, 0) : 0;
}

int
kit_result(long r)
{
	return r < 0 ? errno : 0;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
kit_sleep(long seconds)
{
	const int64_t end = now_ms() + seconds * 1000;
	uint32_t word = 0;
	int64_t left;

	while ((left = end - now_ms()) > 0) {
		struct timespec t = { .tv_sec = left / 1000,
		    .tv_nsec = left % 1000 * 1000000 };

		if (nanosleep(&t, NULL) < 0 && errno != EINTR &&
		    poll(NULL, 0, (int)left) < 0 && errno != EINTR)
			(void)syscall(SYS_futex, &word, 0, 0, &t, NULL, 0);
	}
}

/* --- the kernel's surface, each in a child: a filter may kill --- */

static int
run_surface(const char *name)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(kit_surface(name) & 0xff);
	if (pid < 0)
		return errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	if (WIFSIGNALED(status)) {
		kit_tell("KIT surface %s: killed by signal %d", name,
		    WTERMSIG(status));
		return EPERM;
	}
	return WEXITSTATUS(status);
}

static int
step_surface(struct kit *kit, char **arg, const char *rest)
{
	(void)kit;
	(void)rest;
	if (strcmp(arg[0], "all") != 0)
		return run_surface(arg[0]);
	for (size_t i = 0; kit_surface_name(i) != NULL; i++) {
		int e = run_surface(kit_surface_name(i));

		kit_tell("SURFACE %s %s %d", kit_surface_name(i),
		    e == EPERM || e == EACCES || e == ENOSYS ? "denied" :
		    "reached", e);
	}
	return 0;
}

/* --- the result --- */

static int
step_exit(struct kit *kit, char **arg, const char *rest)
{
	(void)rest;
	kit->exit_status = (int)kit_number(arg[0]);
	return 0;
}

static int
step_child(struct kit *kit, char **arg, const char *rest)
{
	int status;
	pid_t pid;

	(void)arg;
	pid = fork();
	if (pid == 0) {
		execl(kit->self, kit->self, "--steps", rest, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : ECHILD;
}

static const struct kit_step own_steps[] = {
	{ "surface", 1, step_surface },
	{ "exit", 1, step_exit },
	{ "child", 1, step_child },
	{ NULL, 0, NULL },
};

/* --- reading steps --- */

static const struct kit_step *const tables[] = {
	own_steps, kit_file_steps, kit_process_steps, kit_load_steps,
	kit_peer_steps,
};

static const struct kit_step *
find_step(const char *name)
{
	for (size_t i = 0; i < KIT_COUNT(tables); i++)
		for (const struct kit_step *s = tables[i]; s->name; s++)
			if (strcmp(s->name, name) == 0)
				return s;
	return NULL;
}

static size_t
split(char *text, char **words)
{
	size_t n = 0;
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); w != NULL &&
	    n < KIT_WORDS_MAX; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	words[n] = NULL;
	return n;
}

static void
run_line(struct kit *kit, const char *line)
{
	char copy[KIT_LINE_MAX], *words[KIT_WORDS_MAX + 1];
	const struct kit_step *step;
	const char *rest;
	size_t n;
	int e;

	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#' || strlen(line) >= sizeof(copy))
		return;
	memcpy(copy, line, strlen(line) + 1);
	n = split(copy, words);
	rest = line + strcspn(line, " ");
	rest += strspn(rest, " ");
	step = find_step(words[0]);
	if (step == NULL || n < (size_t)step->least + 1) {
		kit_tell("KIT %s: no such step", line);
		kit->exit_status = 99;
		return;
	}
	e = step->run(kit, words + 1, rest);
	if (e == 0)
		kit_tell("KIT %s: ok", line);
	else
		kit_tell("KIT %s: errno %d %s", line, e, strerror(e));
}

void
kit_run_text(struct kit *kit, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n;", &save); line != NULL;
	    line = strtok_r(NULL, "\n;", &save))
		run_line(kit, line);
}

/* --- in a compiler's place --- */

/* NULL when the command line has no input: a question at the start. */
static const char *
parse(struct kit *kit, int argc, char **argv)
{
	const char *input = NULL;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-print-", 7) == 0 ||
		    strcmp(argv[i], "-E") == 0)
			return NULL;
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			kit->output = argv[++i];
		else if (strcmp(argv[i], "-MF") == 0 && i + 1 < argc)
			kit->deps = argv[++i];
		else if ((strcmp(argv[i], "-x") == 0 ||
		    strcmp(argv[i], "-MT") == 0) && i + 1 < argc)
			i++;
		else if (argv[i][0] != '-')
			input = argv[i];
	}
	return input;
}

static char *
read_whole(const char *path)
{
	char *text = calloc(1, TEXT_MAX_BYTES + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (text == NULL || fd < 0)
		return text;
	while (len < TEXT_MAX_BYTES &&
	    (n = read(fd, text + len, TEXT_MAX_BYTES - len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	return text;
}

static void
make_object(const struct kit *kit)
{
	int fd;

	if (kit->made_output || kit->output == NULL)
		return;
	fd = open(kit->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	(void)!write(fd, "kit object\n", 11);
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	struct kit kit = { .self = argv[0] };
	const char *input;
	char *text;

	if (argc == 3 && strcmp(argv[1], "--steps") == 0) {
		text = strdup(argv[2]);
	} else {
		input = parse(&kit, argc, argv);
		if (input == NULL)
			return 0;
		text = read_whole(input);
	}
	if (text == NULL)
		return 98;
	kit_run_text(&kit, text);
	make_object(&kit);
	free(text);
	kit_tell("KIT done");
	return kit.exit_status;
}
