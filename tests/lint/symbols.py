#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""symbols.py BUILD RULE - what the linker knows about a process.

unparsed  distccd and distccd-jail hold no symbol of wire/, no decompressor;
          distccd-auth none of what parses a job
worker    distccd-worker's own code asks for nothing that opens, runs or
          connects
pure      wire/ and policy/ call nothing but a few functions of libc

The list of wire symbols is read from the objects, so it cannot grow stale.
Each rule is tried on something that breaks it first, and must fail there.
"""
import glob
import os
import re
import subprocess
import sys

# What a process that may touch no file, process or socket must not call.
REACHES_OUT = re.compile(
    r"_*(exec[lv]\w*|fexecve|posix_spawnp?|v?fork|clone\w*|system|popen|"
    r"f(re)?open(64)?|fdopendir|opendir|open(at)?(64)?(_2)?|openat2|"
    r"creat(64)?|dlm?open|syscall|ptrace|mount|memfd_create|shm_open|"
    r"socket(pair)?|connect|bind|listen|accept4?|getaddrinfo|"
    r"unlink(at)?|rename(at2?)?|mkdir(at)?|rmdir|f?chmod(at)?|f?chown(at)?|"
    r"(sym)?link(at)?|sete?[ug]id|setres[ug]id)")
# lib/ opens log files for others; the worker asks fd_memfd() for its memfds.

# What code without system calls may use.
PURE = re.compile(
    r"mem(cpy|move|set|cmp|chr|rchr|mem|pcpy)|explicit_bzero|"
    r"str(n?len|n?cmp|n?casecmp|r?chr|chrnul|str|spn|cspn|n?dup|toull?|toll?|"
    r"pbrk)|stpcpy|malloc|calloc|realloc|reallocarray|free|abort|qsort|"
    r"bsearch|v?snprintf|v?asprintf|tolower|toupper|inet_(pton|aton|ntop)|"
    r"__\w+_chk|__stack_chk_fail|__assert_fail|__isoc(99|23)_\w+|"
    r"__ctype_\w+|_GLOBAL_OFFSET_TABLE_|in6addr_\w+|"
    r"lzo1x_\w+|__lzo_init_v2|__(ub|a)san_\w+")


def nm(*args):
    out = subprocess.run(["nm", *args], capture_output=True, text=True,
                         check=True).stdout
    return [line.split()[-1] for line in out.splitlines()
            if line.strip() and not line.endswith(":")]


def objects(build, *folders):
    found = [o for f in folders for o in glob.glob(f"{build}/obj/{f}/*.o")]
    if not found:
        sys.exit(f"lint: no objects of {folders} below {build}")
    return found


def wire_symbols_in(program, wire):
    """wire/ and lzo symbols that a program defines; its library names too."""
    have = set(nm(program))
    if "main" not in have:
        sys.exit(f"lint: {program} has no symbol table to judge by")
    libs = subprocess.run(["readelf", "-d", program], capture_output=True,
                          text=True, check=True).stdout
    bad = {s for s in have if s in wire or re.match(r"_*lzo", s)}
    return sorted(bad | set(re.findall(r"\[(liblzo\S*)\]", libs)))


def rule_unparsed(build):
    wire = set(nm("-g", "--defined-only", *objects(build, "wire")))
    if not wire_symbols_in(f"{build}/libexec/distccd-worker", wire):
        print("lint: this check finds no wire/ in distccd-worker: it is blind")
        return False
    good = True
    for program in ("bin/distccd", "libexec/distccd-jail"):
        for s in wire_symbols_in(f"{build}/{program}", wire):
            print(f"lint: {program} links {s}, of wire/ or a decompressor")
            good = False
    return rule_auth(build, wire) and good


def rule_auth(build, wire):
    """Where it was built: GSSAPI is not in the worker for clear connections."""
    if not os.path.exists(f"{build}/libexec/distccd-auth"):
        return True
    handshake = nm("-g", "--defined-only", *[f"{build}/obj/wire/{n}.o" for n in
                                             ("auth", "seal", "token")])
    bad = wire_symbols_in(f"{build}/libexec/distccd-auth",
                          wire - set(handshake))
    for s in bad:
        print(f"lint: distccd-auth links {s}, of wire/ or a decompressor")
    gss = [s for p in ("bin/distccd", "bin/distcc", "libexec/distccd-worker",
                       "libexec/distccd-jail")
           for s in nm(f"{build}/{p}") if s.startswith("gss_")]
    if not any(s.startswith("gss_") for s in
               nm(f"{build}/libexec/distccd-worker-gss")):
        print("lint: this check finds no GSSAPI in distccd-worker-gss: "
              "it is blind")
        return False
    for s in gss:
        print(f"lint: {s} is linked where GSSAPI has no place")
    return not bad and not gss


def reaching(files):
    return sorted(s for s in set(nm("-u", *files)) if REACHES_OUT.fullmatch(s))


def rule_worker(build):
    if not reaching(objects(build, "server/listener")):
        print("lint: this check finds nothing in server/listener: it is blind")
        return False
    bad = reaching(objects(build, "server/worker", "wire"))
    for s in bad:
        print(f"lint: server/worker or wire/ calls {s}()")
    return not bad


def rule_pure(build):
    files = objects(build, "wire", "policy")
    own = set(nm("-g", "--defined-only", *files, f"{build}/obj/lib/buf.o",
                 f"{build}/obj/lib/err.o"))
    if all(PURE.fullmatch(s) for s in nm("-u", f"{build}/obj/lib/fd.o")):
        print("lint: this check finds no system call in lib/fd.o: it is blind")
        return False
    bad = [(o, s) for o in files for s in sorted(set(nm("-u", o)) - own)
           if not PURE.fullmatch(s)]
    for o, s in bad:
        print(f"lint: {o} calls {s}(): wire/ and policy/ make no system call")
    return not bad


RULES = {"unparsed": rule_unparsed, "worker": rule_worker, "pure": rule_pure}

if __name__ == "__main__":
    sys.exit(0 if RULES[sys.argv[2]](sys.argv[1]) else 1)
