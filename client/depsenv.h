/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * depsenv - DEPENDENCIES_OUTPUT and SUNPRO_DEPENDENCIES.
 *
 * gcc's preprocessor appends a rule to the file that they name.  If a job is
 * preprocessed here and then, because no host will have it, compiled here as
 * well, there would be two.  So the preprocessor appends to a file in memory,
 * whose contents go to the real one when the job has succeeded elsewhere.
 */
#ifndef CLIENT_DEPSENV_H
#define CLIENT_DEPSENV_H

/* depsenv_divert - before the preprocessor starts: put our file there. */
void depsenv_divert(void);

/* depsenv_restore - when it has started: the user's values again. */
void depsenv_restore(void);

/* depsenv_commit - append what it wrote. Nothing to do without the variables. */
void depsenv_commit(void);

#endif
