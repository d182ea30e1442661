/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value - what the text of an option or of its value may look like. */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* value_is_word - letters, digits and "_+:,=#-", and dots only before a digit
 * ("armv8.2-a"): neither a path nor the name of a file with an extension. */
bool value_is_word(const char *s);

/* value_is_cpu - a machine or a triple: as a word, with dots anywhere but in
 * front ("cortex-a57.cortex-a53"). */
bool value_is_cpu(const char *s);

/* value_is_plain_option - an option without a row that may pass: -f, -m, -W,
 * -g or -O and a word. */
bool value_is_plain_option(const char *word);

/* value_is_language - -x: one that makes an object of C, C++ or Objective-C;
 * *preprocessed says whether the preprocessor has run. */
bool value_is_language(const char *s, bool *preprocessed);

/* value_is_number - only digits, at least one, or true, false, on, off. */
bool value_is_number(const char *s);

/* value_climbs - whether a path has a ".." component. */
bool value_climbs(const char *path);

/* value_is_output - a file that a job may write: it does not climb, and is not
 * in a directory that belongs to the system. */
bool value_is_output(const char *path);

/* value_starts - whether s begins with prefix. */
bool value_starts(const char *s, const char *prefix);

#endif
