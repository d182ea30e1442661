/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/depsenv.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/mem.h"

#define RULE_MAX_BYTES	(16 * 1024 * 1024)

static struct {
	const char *name;
	char *value;		/* owns: the user's; NULL: not set */
} variables[] = {
	/* in this order gcc looks at them; only the first that is set counts */
	{ "DEPENDENCIES_OUTPUT", NULL },
	{ "SUNPRO_DEPENDENCIES", NULL },
};

#define NVARIABLES	(sizeof(variables) / sizeof(variables[0]))

static int rule = -1;		/* owns: the file in memory */
static size_t used;		/* whose value is diverted */

static void
divert(size_t i)
{
	const char *target = strchr(variables[i].value, ' ');
	AUTOFREE char *value = NULL;

	rule = fd_memfd("distcc-deps");
	if (rule < 0)
		return;
	/* the descriptor is closed in the child, so name it as ours */
	value = mem_printf("/proc/%d/fd/%d%s", (int)getpid(), rule,
	    target != NULL ? target : "");
	if (setenv(variables[i].name, value, 1) < 0)
		fd_close(&rule);
}

void
depsenv_divert(void)
{
	for (size_t i = 0; i < NVARIABLES; i++) {
		const char *value = getenv(variables[i].name);

		free(variables[i].value);
		variables[i].value = NULL;
		if (value == NULL)
			continue;
		variables[i].value = mem_strdup(value);
		used = i;
		fd_close(&rule);
		divert(i);
		return;
	}
}

void
depsenv_restore(void)
{
	if (rule >= 0 &&
	    setenv(variables[used].name, variables[used].value, 1) < 0)
		log_warn("cannot restore %s", variables[used].name);
}

/* One write: others append to the same file. */
static int
append(const char *path, const void *text, size_t len)
{
	AUTOFD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	return fd < 0 ? ERR_SYS : fd_write_all(fd, text, len, -1);
}

void
depsenv_commit(void)
{
	AUTOFREE char *path = NULL, *text = NULL;
	struct stat st;

	if (rule < 0 || fstat(rule, &st) < 0 || st.st_size == 0 ||
	    st.st_size > RULE_MAX_BYTES)
		return;
	path = mem_strndup(variables[used].value,
	    strcspn(variables[used].value, " "));
	text = mem_calloc(1, (size_t)st.st_size);
	if (pread(rule, text, (size_t)st.st_size, 0) != st.st_size ||
	    append(path, text, (size_t)st.st_size) < 0)
		log_warn("cannot append to %s", path);
	fd_close(&rule);
}
