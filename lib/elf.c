/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/elf.h"

#define PHDRS_MAX	64

static int
read_at(int fd, void *ptr, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, ptr, len, (off_t)offset);

	return n < 0 ? err_from_errno(errno) :
	    (size_t)n == len ? 0 : ERR_SYNTAX;
}

int
elf_interpreter(const char *path, char *interp, size_t size)
{
	AUTOFD fd = open(path, O_RDONLY | O_CLOEXEC);
	ElfW(Ehdr) eh;
	ElfW(Phdr) ph;
	int r;

	interp[0] = '\0';
	if (fd < 0)
		return err_from_errno(errno);
	if ((r = read_at(fd, &eh, sizeof(eh), 0)) < 0)
		return r;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh.e_phentsize != sizeof(ph) || eh.e_phnum > PHDRS_MAX)
		return ERR_SYNTAX;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		r = read_at(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph));
		if (r < 0)
			return r;
		if (ph.p_type != PT_INTERP)
			continue;
		if (ph.p_filesz == 0 || ph.p_filesz > size)
			return ERR_LIMIT;
		if ((r = read_at(fd, interp, ph.p_filesz, ph.p_offset)) < 0)
			return r;
		interp[ph.p_filesz - 1] = '\0';
		break;
	}
	return 0;
}
