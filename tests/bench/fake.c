/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake - a compiler that costs nothing, for measuring what distribution costs.
 * Built twice under the name "gcc": with -DREMOTE it writes a constant object
 * to -o's file and does nothing else; without, it prints its input for -E and
 * refuses to compile, so that a job that silently stayed local fails.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef REMOTE
static const char object[1400] = "\177ELF an object by courtesy";
#endif

static const char *
value_of(char **argv, const char *option)
{
	for (char **a = argv + 1; *a != NULL; a++)
		if (strcmp(*a, option) == 0 && a[1] != NULL)
			return a[1];
	return NULL;
}

static const char *
input_of(char **argv)
{
	for (char **a = argv + 1; *a != NULL; a++) {
		size_t len = strlen(*a);

		if (len > 2 && (*a)[0] != '-' && a[-1][1] != 'o' &&
		    strcmp(*a + len - 2, ".c") == 0)
			return *a;
	}
	return NULL;
}

static int
is_preprocessing(char **argv)
{
	for (char **a = argv + 1; *a != NULL; a++)
		if (strcmp(*a, "-E") == 0)
			return 1;
	return 0;
}

static int
print_file(const char *name, const char *output)
{
	int in = name != NULL ? open(name, O_RDONLY) : -1;
	int out = output == NULL ? 1 :
	    open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) != 0)
		return 8;
	for (off_t at = 0; at < st.st_size;)
		if (sendfile(out, in, &at, (size_t)(st.st_size - at)) <= 0)
			return 8;
	return 0;
}

static int
compile(const char *output)
{
#ifdef REMOTE
	int fd = output == NULL ? -1 :
	    open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	return fd < 0 || write(fd, object, sizeof(object)) !=
	    (ssize_t)sizeof(object) ? 8 : 0;
#else
	(void)output;
	return 9;
#endif
}

int
main(int argc, char **argv)
{
	const char *output = value_of(argv, "-o");

	(void)argc;
	if (is_preprocessing(argv))
		return print_file(input_of(argv), output);
	return compile(output);
}
