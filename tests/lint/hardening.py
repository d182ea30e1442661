#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hardening.py BUILD PROGRAM... - read the protections back from ELF files.

One line a program; a missing protection fails.  What cannot be seen in a
program as a whole (a static one carries libc's functions too) is looked for in
the functions that come from our own objects.  First a program that is built
with everything off must be found wanting in every column.
"""
import glob
import os
import platform
import re
import subprocess
import sys
import tempfile

X86 = platform.machine() in ("x86_64", "i686")
COLUMNS = ["PIE", "RELRO", "BIND_NOW", "NX", "CANARY", "FORTIFY"]
COLUMNS += ["IBT"] if X86 else []


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def functions(disassembly):
    """name -> text of each function in objdump's output"""
    parts = re.split(r"^[0-9a-f]+ <(.+)>:$", disassembly, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def own_functions(build):
    """Names that only our objects define."""
    found = glob.glob(f"{build}/obj/**/*.o", recursive=True)
    out = run("nm", "--defined-only", "-g", *found) if found else ""
    return {m[1] for m in re.finditer(r"^[0-9a-f]+ T (\w+)$", out, re.M)}


def protections(program, own):
    header, segments = run("readelf", "-hW", program), \
        run("readelf", "-lW", program)
    dynamic = run("readelf", "-dW", program)
    code = functions(run("objdump", "-d", "--no-show-raw-insn", program))
    ours = {n: t for n, t in code.items() if n in own}
    text = "\n".join(ours.values())
    is_static = "INTERP" not in segments
    flags = " ".join(re.findall(r"\((?:FLAGS|FLAGS_1|BIND_NOW)\).*", dynamic))
    stack = re.search(r"GNU_STACK.*", segments)
    starts = [t.lstrip().split("\n")[0] for t in ours.values()]
    has = {
        "PIE": "Type:" in header and "DYN" in header and "PIE" in flags,
        "RELRO": "GNU_RELRO" in segments,
        "BIND_NOW": "NOW" in flags,
        "NX": bool(stack) and "RWE" not in stack[0] and
              not re.search(r"LOAD.*\bRWE\b", segments),
        "CANARY": "<__stack_chk_fail" in text,
        "FORTIFY": bool(re.search(r"<__\w+_chk(@plt)?[>+]",
                                  text.replace("__stack_chk", ""))),
        # every global function may be called through a pointer
        "IBT": bool(starts) and all("endbr" in s for s in starts),
    }
    return {c: has[c] for c in COLUMNS}, is_static, len(ours)


def cet_note(program):
    """What the kernel is told; it is the AND over all linked objects."""
    notes = run("readelf", "-n", program)
    m = re.search(r"x86 feature: (.*)", notes)
    return m[1].strip() if m else ""


def libc_has_cet_note():
    start = run(os.environ.get("CC", "cc"), "-print-file-name=Scrt1.o").strip()
    return "IBT" in cet_note(start)


def self_test():
    """An unprotected program must fail every column."""
    with tempfile.TemporaryDirectory() as d:
        source, program = f"{d}/a.c", f"{d}/a"
        with open(source, "w", encoding="ascii") as f:
            f.write("#include <stdio.h>\nint main(int n, char **v) {"
                    "char b[64]; return sprintf(b, \"%s\", v[n - 1]); }\n")
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-no-pie",
                        "-fno-pie", "-w", "-U_FORTIFY_SOURCE",
                        "-fno-stack-protector", "-fcf-protection=none" if X86
                        else "-O1", "-Wl,-z,norelro,-z,lazy,-z,execstack",
                        "-o", program, source], check=True)
        has, _, _ = protections(program, {"main"})
    wrong = [c for c, v in has.items() if v]
    if wrong:
        print(f"hardening: the check itself is blind to {' '.join(wrong)}")
    return not wrong


def main(build, programs):
    own = own_functions(build)
    failed = not self_test()
    libc_cet = X86 and libc_has_cet_note()
    print(f"{'program':24}" + "".join(f"{c:>10}" for c in COLUMNS) +
          "  kind, CET note")
    for program in programs:
        has, is_static, count = protections(program, own)
        note = cet_note(program)
        needs_note = libc_cet and not ("IBT" in note and "SHSTK" in note)
        print(f"{os.path.basename(program):24}" +
              "".join(f"{'yes' if v else 'MISSING':>10}"
                      for v in has.values()) +
              f"  {'static-pie' if is_static else 'dynamic'}, "
              f"{note or ('MISSING' if needs_note else 'none')}, "
              f"{count} functions of ours")
        failed |= not all(has.values()) or needs_note or count == 0
    if X86 and not libc_cet:
        print("note: this libc's start files carry no CET note, so no program "
              "here can;\n      our own functions have their landing pads "
              "(column IBT)")
    print("hardening: " + ("FAILED" if failed else
                           f"{len(programs)} programs, nothing missing"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
