/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper - distccd-jail's first process.  It has the rights to make jails, which
 * the listener has given up, and uses them for one thing: to fork a jailer, and
 * another one after a crash, with the configuration that it got at the start and
 * that nobody can change: a listener that was taken over can have no other.
 */
#ifndef SERVER_JAIL_KEEPER_H
#define SERVER_JAIL_KEEPER_H

/*
 * keeper_run - serve the listener on MSG_CHAN_FD.  It returns in a new jailer,
 * with the jailer's own channel on MSG_CHAN_FD; the keeper itself ends here.
 */
void keeper_run(void);

#endif
