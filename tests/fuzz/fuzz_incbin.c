/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_incbin - a host's answer about its headers: whatever the object holds,
 * only bytes that are ours are taken for the same header.
 * needs: client/incbin.c client/body.c client/store.c
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/incbin.h"
#include "tests/fuzz/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))
#define HEADER	"#define X 1\n"

static char path[64];

static struct scan_stamp
make_header(void)
{
	struct stat st;
	int fd;

	if (path[0] == '\0') {
		memcpy(path, "/tmp/fuzz-incbin-XXXXXX", 24);
		fd = mkstemp(path);
		MUST(fd >= 0 && write(fd, HEADER, sizeof(HEADER) - 1) ==
		    (ssize_t)sizeof(HEADER) - 1);
		(void)close(fd);
	}
	MUST(stat(path, &st) == 0);
	return (struct scan_stamp){ .dev = st.st_dev, .ino = st.st_ino,
	    .size = (uint64_t)st.st_size,
	    .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
	    st.st_mtim.tv_nsec, .ctime_ns = st.st_ctim.tv_sec *
	    INT64_C(1000000000) + st.st_ctim.tv_nsec };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct incbin ib = { .nonce = "0123456789abcdef" };
	const struct scan_entry entries[] = {
		{ .kind = SCAN_FILE, .path = path, .stamp = make_header() },
		{ .kind = SCAN_ABSENT, .path = "/none" },
		{ .kind = SCAN_PRIVATE, .path = "/ours/" },
		{ .kind = SCAN_ROOTED, .path = "/file" },
		{ .kind = SCAN_DIRECTORY, .path = "/directory" },
	};
	struct incbin_entry e[NELEM(entries)] = { 0 };
	int r;

	for (size_t i = 0; i < NELEM(e); i++)
		e[i].entry = &entries[i];
	r = incbin_compare(&ib, view_of(data, size), e, NELEM(e));

	MUST(r == 0 || r == ERR_SYNTAX);
	if (e[0].state == INCBIN_SAME)
		MUST(memmem(data, size, HEADER, sizeof(HEADER) - 1) != NULL);
	for (size_t i = 0; r == 0 && i < NELEM(e); i++)
		MUST(e[i].state != INCBIN_UNKNOWN);
	return 0;
}
