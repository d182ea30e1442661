/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config - which files the mechanism reads. */
#ifndef AUTH_CONFIG_H
#define AUTH_CONFIG_H

/*
 * config_paths - Kerberos' configuration: the usual places, and what
 * $KRB5_CONFIG lists.  All of it is the administrator's.
 * returns a list that ends in NULL and lives as long as the process
 */
const char *const *config_paths(void);

#endif
