# SPDX-License-Identifier: GPL-2.0-or-later
"""F: nothing outside the job is created, changed or removed."""
from arena import Row
from rows import test_control, test_holds  # noqa: F401

A = ["-c", "a.c", "-o", "a.o"]
NO_EFFECT = "no effect is known on any server"
BRANCHES = "int f(int x) { if (x) return 1; return 2; }\n"
MODULE_MAP = [("/w/x.h", "int x;\n"),
              ("/w/module.modulemap", 'module X { header "x.h" }\n')]


def gcc(id, title, *options, **kwargs):
    return Row(id, title, ["gcc", *options, *A], **kwargs)


def clang(id, title, *options, **kwargs):
    return Row(id, title, ["clang", *options, *A], **kwargs)


def steps(id, title, text, **kwargs):
    return Row(id, "V " + title, steps=text, **kwargs)


ROWS = [
    gcc("F02", "-MD -MF outside", "-x", "c", "-MD", "-MF", "{OUT}/m"),
    gcc("F05", "-dumpdir with -save-temps", "-dumpdir", "{OUT}/m",
        "-save-temps"),
    gcc("F06", "-fdump-tree to a file", "-fdump-tree-optimized={OUT}/m"),
    gcc("F12", "-Wa,-o", "-Wa,-o,{OUT}/m", control=NO_EFFECT),
    gcc("F13", "-Xassembler --MD", "-Xassembler", "--MD", "-Xassembler",
        "{OUT}/m"),
    gcc("F14", "--coverage", "--coverage", source=BRANCHES,
        control="its file lies beside the object"),
    gcc("F15", "-coverage with -dumpdir", "-coverage", "-dumpdir",
        "{OUT}/m", source=BRANCHES),
    gcc("F17", "-gsplit-dwarf with -dumpdir", "-g", "-gsplit-dwarf",
        "-dumpdir", "{OUT}/m"),
    clang("F20", "clang --serialize-diagnostics", "--serialize-diagnostics",
          "{OUT}/m"),
    clang("F21", "clang optimization record", "-O2",
          "-fsave-optimization-record",
          "-foptimization-record-file={OUT}/m"),
    clang("F23", "clang -dependency-file", "-Xclang", "-dependency-file",
          "-Xclang", "{OUT}/m", "-Xclang", "-MT", "-Xclang", "x", "-x", "c"),
    clang("F24", "clang module cache", "-x", "c", "-fmodules",
          "-fmodule-map-file=./module.modulemap",
          "-fmodules-cache-path={OUT}/m", "-I.", protocol=3,
          files=MODULE_MAP, source='#include "x.h"\n'),
    gcc("F40", "-dumpbase with -save-temps", "-dumpbase", "{OUT}/m",
        "-save-temps"),
    gcc("F41", "optimization record in -dumpdir", "-O2",
        "-fsave-optimization-record", "-dumpdir", "{OUT}/m"),
    gcc("F42", "RTL dumps in -dumpdir", "-da", "-dumpdir", "{OUT}/m"),
    Row("F45", "module mapper file sends the module outside",
        ["g++", "-std=c++20", "-fmodules-ts", "-fmodule-mapper=./map", "-c",
         "a.cc", "-o", "a.o"], protocol=3, files=[
             ("/w/map", "m {OUT}/m.gcm\n")],
        source="export module m;\nexport int f();\n"),
    clang("F46", "clang -info-output-file", "-O1", "-ftime-report", "-mllvm",
          "-info-output-file={OUT}/m"),
    clang("F47", "clang -dependency-dot", "-x", "c", "-Xclang",
          "-dependency-dot", "-Xclang", "{OUT}/m", "-Xclang",
          "-dependency-file", "-Xclang", "{OUT}/m2", "-Xclang", "-MT",
          "-Xclang", "x"),
    clang("F48", "clang header list", "-x", "c", "-H", "-Xclang",
          "-header-include-file", "-Xclang", "{OUT}/m",
          source="#include <stddef.h>\nint f(void){return 42;}\n"),
    Row("F51", "absolute -o", ["gcc", "-c", "a.c", "-o", "{OUT}/m"]),
    steps("F52", "a world-writable directory",
          "write {OUT}/m x ; mkdir {OUT}/e"),
    steps("F54", "tool chain directories",
          "write /usr/local/include/new-mark.h x ; "
          "write /usr/local/lib/new-mark x ; write /usr/lib/gcc/new-mark x ; "
          "write /usr/include/new-mark x ; write /usr/bin/new-mark x",
          control="would write into this system's own directories"),
    steps("F55", "a set-uid file in a shared directory",
          "writex {OUT}/suid x ; writex /tmp/new-mark-suid x"),
    steps("F56", "host files that can be reached",
          "append {OUT}/w CHANGED ; unlink {OUT}/v"),
    # relatives
    steps("F90", "every way to change a file",
          "rename {OUT}/v {OUT}/r ; link {OUT}/w {OUT}/l ; "
          "symlink /x {OUT}/y ; chmod {OUT}/w 4777 ; truncate {OUT}/w ; "
          "mkfifo {OUT}/fifo ; rmdir {OUT}/e ; mkdev {OUT}/dev"),
    steps("F91", "through a link of the job's",
          "symlink {OUT} ./here ; write ./here/m x ; append ./here/w x"),
    steps("F92", "through dots", "write {UPREL}{OUT}/m x"),
    steps("F93", "shared memory and temporary directories",
          "write /dev/shm/new-mark x ; write /var/tmp/new-mark x ; "
          "write /tmp/new-mark x"),
    steps("F94", "by a child of the compiler", "child write {OUT}/m x"),
    gcc("F95", "-save-temps=cwd with a climbing name", "-save-temps=cwd",
        "-dumpbase", "{UPREL}{OUT}/m"),
    gcc("F96", "-aux-info", "-aux-info", "{OUT}/m", "-x", "c"),
    gcc("F97", "-fstack-usage in -dumpdir", "-fstack-usage", "-dumpdir",
        "{OUT}/m"),
    gcc("F98", "-fcallgraph-info", "-fcallgraph-info", "-dumpdir",
        "{OUT}/m"),
    gcc("F99", "-fdiagnostics-format to a file",
        "-fdiagnostics-format=sarif-file", "-dumpdir", "{OUT}/m",
        control="gcc 13 and later"),
    gcc("F100", "-Wp,-MD", "-x", "c", "-Wp,-MD,{OUT}/m"),
    gcc("F101", "-Wa,-a listing", "-Wa,-a={OUT}/m"),
    gcc("F102", "joined -MF", "-x", "c", "-MD", "-MF{OUT}/m"),
    gcc("F103", "joined -o", "-o{OUT}/m", control=NO_EFFECT),
    gcc("F104", "-time to a file", "-time={OUT}/m"),
    gcc("F105", "-fopt-info to a file", "-O3", "-fopt-info-all={OUT}/m",
        source="void f(int*a){for(int i=0;i<64;i++)a[i]=i;}\n"),
    gcc("F106", "-fprofile-note", "-ftest-coverage", "-fprofile-note={OUT}/m",
        control="newer gcc only"),
    clang("F107", "clang -ftime-trace", "-ftime-trace={OUT}/m",
          control="clang 16 and later"),
    clang("F108", "clang -MJ", "-MJ", "{OUT}/m"),
    clang("F109", "clang crash reproducer", "-gen-reproducer",
          "-fcrash-diagnostics-dir={OUT}/m", control=NO_EFFECT),
    clang("F110", "clang -mllvm debug counter file", "-O2", "-mllvm",
          "-pass-remarks-output={OUT}/m", control=NO_EFFECT),
    clang("F111", "clang -Xclang -o", "-Xclang", "-o", "-Xclang", "{OUT}/m",
          control=NO_EFFECT),
    clang("F112", "clang -save-stats", "-save-stats={OUT}/m",
          control=NO_EFFECT),
    Row("F113", "assembler's own directives do not write",
        ["gcc", *A], source='asm(".pushsection .x; .print \\"{OUT}\\"; '
        '.popsection");\nint x;\n', control=NO_EFFECT),
]
