/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_reply - a reply parses the same however it is cut (P-040 … P-049). */
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t body_max = size % 3 == 0 ? 200 : WIRE_BODY_MAX_BYTES;
	struct buf whole, other;
	unsigned int protocol;

	/* what the reply itself says, so that inputs are recordings as they
	 * are; anything else stands for a server that answers wrongly */
	protocol = size >= TOKEN_LEN && data[11] >= '1' && data[11] <= '3' ?
	    data[11] - (unsigned int)'0' : 1;
	trace_reply(&whole, data, size, protocol, body_max, (struct cut){ 0 });
	for (size_t i = 0; i < cut_count(size); i++) {
		trace_reply(&other, data, size, protocol, body_max,
		    cut_number(i, data, size));
		same_story(&whole, &other);
		buf_free(&other);
	}
	buf_free(&whole);
	return 0;
}
