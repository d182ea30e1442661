/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json - write JSON: commas, quotes and escapes come by themselves. */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;		/* borrowed */
	bool has_value;		/* something stands before in this list */
};

void json_start(struct json *j, FILE *out);
/* json_open, json_close - '{' or '[', and '}' or ']'.  name: the member's
 * name; NULL in an array and at the top. */
void json_open(struct json *j, const char *name, char bracket);
void json_close(struct json *j, char bracket);
/* value: may be untrusted bytes; what is not ASCII becomes \u00XX.  NULL: null */
void json_string(struct json *j, const char *name, const char *value);
void json_number(struct json *j, const char *name, int64_t value);
void json_decimal(struct json *j, const char *name, double value);
void json_bool(struct json *j, const char *name, bool value);
/* json_end - the newline at the end. */
void json_end(struct json *j);

#endif
