/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kit - a faulty tool chain: run in a compiler's place, it does what the
 * "source" says, one step a line, and tells on stderr how each step went.
 * What a bug in a real compiler would let a client do, this does at will.
 */
#ifndef ESCAPE_KIT_H
#define ESCAPE_KIT_H

#include <stddef.h>
#include <stdio.h>

#define KIT_WORDS_MAX	24
#define KIT_LINE_MAX	4096
#define KIT_COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct kit {
	const char *self;	/* argv[0] */
	const char *output;	/* -o's value, or NULL */
	const char *deps;	/* -MF's value, or NULL */
	int made_output;	/* a step has dealt with it */
	int exit_status;
};

/*
 * One step.  "rest" is everything behind the step's name, "arg" the words of
 * it, NULL-terminated.  Returns 0 when the act succeeded, else an errno.
 */
struct kit_step {
	const char *name;
	int least;		/* words that it needs */
	int (*run)(struct kit *kit, char **arg, const char *rest);
};

extern const struct kit_step kit_file_steps[];
extern const struct kit_step kit_process_steps[];
extern const struct kit_step kit_load_steps[];
extern const struct kit_step kit_peer_steps[];

/* One line about what was found, beside the step's own result. */
void kit_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Decimal, 0 for what is no number; steps are the test's own text. */
long kit_number(const char *s);

/* Let time pass, by whichever call a filter has left. */
void kit_sleep(long seconds);

/* -1 and errno, as an errno */
int kit_result(long r);

/* "surface": one of the kernel's interfaces, by name. */
int kit_surface(const char *name);
/* every name, in order; NULL at the end */
const char *kit_surface_name(size_t i);

/* Run the steps in a text. */
void kit_run_text(struct kit *kit, char *text);

#endif
