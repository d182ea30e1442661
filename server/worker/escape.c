/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/worker/escape.h"

#define ESC		0x1b
#define COLOUR_MAX	24	/* bytes of one colour sequence */

static const char cut_note[] = "\ndistccd: the rest of the messages was cut "
    "off\n";

/* Length of a colour sequence at p, 0 if there is none. */
static size_t
colour(const unsigned char *p, size_t len)
{
	size_t max = len < COLOUR_MAX ? len : COLOUR_MAX;

	if (max < 3 || p[0] != ESC || p[1] != '[')
		return 0;
	for (size_t i = 2; i < max; i++) {
		if (p[i] == 'm' || p[i] == 'K')
			return i + 1;
		if ((p[i] < '0' || p[i] > '9') && p[i] != ';')
			return 0;
	}
	return 0;
}

/* How many bytes a UTF-8 sequence has that begins so; 0: none does. */
static size_t
utf8_length(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* Overlong forms, surrogates, beyond U+10FFFF, and C1 controls. */
static bool
is_bad_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xc2:	return second < 0xa0;
	case 0xe0:	return second < 0xa0;
	case 0xed:	return second > 0x9f;
	case 0xf0:	return second < 0x90;
	case 0xf4:	return second > 0x8f;
	default:	return false;
	}
}

/* Length of a printable UTF-8 sequence of two or more bytes at p, or 0. */
static size_t
utf8(const unsigned char *p, size_t len)
{
	size_t n = utf8_length(p[0]);

	if (n == 0 || n > len || is_bad_second(p[0], p[1]))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Bytes at p that may go out as they are, 0: the first one may not. */
static size_t
clean(const unsigned char *p, size_t len)
{
	size_t n;

	if ((p[0] >= 0x20 && p[0] < 0x7f) || p[0] == '\n' || p[0] == '\t')
		return 1;
	if (p[0] == '\r' && len > 1 && p[1] == '\n')
		return 2;
	n = colour(p, len);
	return n != 0 ? n : utf8(p, len);
}

int
escape_diagnostics(struct view text, size_t max, struct buf *out)
{
	const unsigned char *p = text.ptr;
	size_t left = text.len, end = out->len + max;
	int r;

	while (left != 0) {
		size_t n = clean(p, left);
		char hex[5];

		if (out->len + (n != 0 ? n : 4) + sizeof(cut_note) > end)
			return buf_append_str(out, cut_note);
		if (n != 0) {
			r = buf_append(out, p, n);
		} else {
			(void)snprintf(hex, sizeof(hex), "\\x%02x", p[0]);
			r = buf_append(out, hex, 4);
			n = 1;
		}
		if (r < 0)
			return r;
		p += n;
		left -= n;
	}
	return 0;
}
