/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stddef.h>

#include "client/json.h"

static void
put_string(FILE *out, const char *s)
{
	(void)fputc('"', out);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			(void)fprintf(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			(void)fprintf(out, "\\u%04x", c);
		else
			(void)fputc(c, out);
	}
	(void)fputc('"', out);
}

/* The comma before, and the name. */
static void
begin(struct json *j, const char *name)
{
	if (j->has_value)
		(void)fputs(", ", j->out);
	if (name != NULL) {
		put_string(j->out, name);
		(void)fputs(": ", j->out);
	}
	j->has_value = true;
}

void
json_start(struct json *j, FILE *out)
{
	*j = (struct json){ .out = out };
}

void
json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	(void)fputc(bracket, j->out);
	j->has_value = false;
}

void
json_close(struct json *j, char bracket)
{
	(void)fputc(bracket, j->out);
	j->has_value = true;
}

void
json_string(struct json *j, const char *name, const char *value)
{
	begin(j, name);
	if (value != NULL)
		put_string(j->out, value);
	else
		(void)fputs("null", j->out);
}

void
json_number(struct json *j, const char *name, int64_t value)
{
	begin(j, name);
	(void)fprintf(j->out, "%" PRId64, value);
}

void
json_decimal(struct json *j, const char *name, double value)
{
	begin(j, name);
	(void)fprintf(j->out, "%.3f", value);
}

void
json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	(void)fputs(value ? "true" : "false", j->out);
}

void
json_end(struct json *j)
{
	(void)fputc('\n', j->out);
}
