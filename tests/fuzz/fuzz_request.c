/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_request - a request parses the same however it is cut (P-001 … P-033). */
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a cap that inputs of this size can pass and can keep */
	const uint64_t body_max = size % 3 == 0 ? 200 : WIRE_BODY_MAX_BYTES;
	struct buf whole, other;

	trace_request(&whole, data, size, body_max, (struct cut){ 0 });
	for (size_t i = 0; i < cut_count(size); i++) {
		trace_request(&other, data, size, body_max,
		    cut_number(i, data, size));
		same_story(&whole, &other);
		buf_free(&other);
	}
	buf_free(&whole);
	return 0;
}
