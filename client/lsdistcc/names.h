/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names - the host names to look at.  Pure. */
#ifndef CLIENT_LSDISTCC_NAMES_H
#define CLIENT_LSDISTCC_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/err.h"

#define NAMES_MAX_BYTES	256

/* names_is_pattern - whether the word has a "%". */
bool names_is_pattern(const char *word);

/*
 * names_format - put number i into a pattern: one "%d" in it, or "%5d" "%05d"
 * ("%i" and "%u" are the same); "%%" is a per cent sign.
 * returns 0; ERR_SYNTAX: no number, two, or anything else behind a "%";
 *         ERR_LIMIT: too long
 */
int names_format(const char *pattern, unsigned int i,
    char name[NAMES_MAX_BYTES]) MUST_CHECK;

/*
 * names_print - a host as the host list writes it: with ":PORT" unless that is
 * the default, and an IPv6 address in brackets.
 */
int names_print(const char *name, unsigned int port, char *out, size_t size)
    MUST_CHECK;

/* names_same_net - whether the first bits of two addresses are the same;
 * bits 0: always; those of different families never are. */
bool names_same_net(const struct sockaddr_storage *a,
    const struct sockaddr_storage *b, unsigned int bits);

#endif
