/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline - what a compiler's command line asks for.
 *
 * One table (policy/options.def) says for each option of gcc and clang whether
 * it is safe, names an input or an output, runs or loads code, or belongs to
 * the preprocessor.  The client asks it what may be distributed; the server
 * judges with the same table, twice (worker, then the jail's PID 1).
 */
#ifndef POLICY_CMDLINE_H
#define POLICY_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "policy/compiler.h"

/* ---- the client's question: distribute, or compile locally? ---- */

struct cmdline_scan {
	bool distribute;
	char reason[160];	/* why local: one clause naming the option; "" */
	size_t input;		/* argv index of the source; 0: none found */
	size_t output;		/* argv index of the word that holds -o's
				   value; 0: no -o given */
	bool output_joined;	/* the value is joined: "-oFILE" */
	char *output_name;	/* owns: what the compiler will write, given
				   or derived (foo.c -> foo.o, -S -> foo.s) */
	bool is_assembly;	/* -S */
	bool is_preprocessed;	/* .i .ii .mi .mii, or -x cpp-output */
	bool has_language;	/* an -x option is present */
};

/*
 * cmdline_scan - decide by facts/CLIENT.md's table and its corrections.
 * in      argv: NULL-terminated, argv[0] is the compiler word
 * returns 0 (also when the decision is "local"), ERR_NOMEM
 */
int cmdline_scan(char *const *argv, struct cmdline_scan *out) MUST_CHECK;
void cmdline_scan_free(struct cmdline_scan *s);

/* cmdline_is_source - by extension; *preprocessed says if cpp has run. */
bool cmdline_is_source(const char *name, bool *preprocessed);
bool cmdline_is_object(const char *name);
/* cmdline_preprocessed_ext - ".i" for ".c", ".ii" for C++ …; NULL: no source */
const char *cmdline_preprocessed_ext(const char *name);

/* cmdline_lacks_compiler - whether the first word of a command is an option, a
 * source or an object, so that a compiler's name ("cc") has to be supplied. */
bool cmdline_lacks_compiler(const char *first);

/* cmdline_is_native - -march=native and its like: only the machine that runs
 * the compiler can say what it means. */
bool cmdline_is_native(const char *word);

/*
 * cmdline_strip - a new argv without what only the preprocessor or the linker
 * reads (CLIENT.md section 2).  The vector is malloc'ed, its words are
 * borrowed from argv; order is kept; NULL-terminated.
 */
int cmdline_strip(char *const *argv, char ***out) MUST_CHECK;

/*
 * cmdline_place - a new argv in which the input and the output are those that
 * the server chose.  Vector malloc'ed; words borrowed from argv, input, output.
 * in      family: as for cmdline_judge(): what both read has to be the same
 * Adds -o when the client gave none.  ERR_SYNTAX: no input, or two, or a
 * "-o" without a value.
 */
int cmdline_place(char *const *argv, enum compiler_family family,
    const char *input, const char *output, char ***out) MUST_CHECK;

/* cmdline_input - argv index of the single source; ERR_SYNTAX if not one. */
int cmdline_input(char *const *argv, enum compiler_family family,
    size_t *index) MUST_CHECK;

struct cmdline_deps {
	bool is_needed;		/* a dependency file is expected */
	bool has_target;	/* -MT or -MQ is given */
	bool is_appended;	/* the environment's: add to the file */
	char *name;		/* owns: the file as the compiler names it, also
				   when none is needed; "-" is standard output;
				   NULL: neither a source nor -o is given */
	char *target;		/* owns: the environment's target, or NULL */
};

/*
 * cmdline_deps_name - which dependency file gcc or clang would write.
 * in      environment: the value of DEPENDENCIES_OUTPUT ("FILE [TARGET]"), or
 *         NULL; gcc heeds it only when no option asks for a file, clang never
 * returns 0, ERR_NOMEM; cmdline_deps_free() also after an error
 */
int cmdline_deps_name(char *const *argv, enum compiler_family family,
    const char *environment, struct cmdline_deps *out) MUST_CHECK;
void cmdline_deps_free(struct cmdline_deps *d);

/* ---- the server's question: may this run here? ---- */

#define CMDLINE_WHY_BYTES	256

/*
 * cmdline_judge - whether every word is allowed on a server.
 * in      argv: untrusted, NULL-terminated, argc >= 1
 *         family: of the compiler that the server resolved
 *         protocol: 1..3; only in 3 may a word name a file of the job other
 *         than input and output
 * out     why: on refusal one line naming the option, escaped, for the
 *         client's stderr and the log
 * returns 0; ERR_ACCESS: refused; ERR_SYNTAX: not a compile command
 *         (no input, no -c/-S, a missing value, …)
 */
int cmdline_judge(char *const *argv, enum compiler_family family,
    unsigned int protocol, char why[CMDLINE_WHY_BYTES]) MUST_CHECK;

#endif
