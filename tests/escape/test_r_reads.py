# SPDX-License-Identifier: GPL-2.0-or-later
"""R: no byte of a host file comes back."""
from arena import Link, Row, host_files
from rows import test_control, test_holds  # noqa: F401

A = ["-c", "a.c", "-o", "a.o"]
NO_EFFECT = "no effect is known on any server"


def asm(*lines):
    return "asm(\"" + "; ".join(lines).replace('"', '\\"') + \
        "\");\nint f(void){return 42;}\n"


def incbin(*paths):
    """each alone: the assembler stops at the first that is missing"""
    return asm(*(f'.incbin "{p}"' for p in paths))


def gcc(id, title, *options, **kwargs):
    return Row(id, title, ["gcc", *options, *A], **kwargs)


def steps(id, title, text, **kwargs):
    return Row(id, "V " + title, steps=text, **kwargs)


ROWS = [
    gcc("R01", ".incbin of a host file", source=incbin("/etc/passwd")),
    gcc("R03", "-x c with an include of a root-only file", "-x", "c",
        source='#include "{SECRETROOT}"\n', control=NO_EFFECT),
    gcc("R04", "-include of a host file", "-x", "c", "-include",
        "/etc/passwd"),
    gcc("R06", "host file as response file", "@/etc/passwd"),
    Row("R07", "clang #embed", ["clang", "-x", "c", "-std=c2x", *A],
        source="const char a[]={\n#embed \"{SECRET}\"\n};\n",
        control="clang 19 and later"),
    Row("R08", "clang -ivfsoverlay",
        ["clang", "-x", "c", "-ivfsoverlay", "{STAGE}/vfs.yaml", *A],
        source='#include "/v/secret.h"\n'),
    gcc("R10", ".include of /proc/self/environ",
        source=asm('.include "/proc/self/environ"'),
        marker=r"environ:1: "),
    gcc("R12", "LINK to a host file and .incbin of it", protocol=3,
        files=[("/w/x", Link("{UPREL}etc/passwd"))], source=incbin("x"),
        control="stock"),
    *(gcc(f"R40.{i}", f".incbin of {path}", source=incbin(path),
          control="needs a first line of its own") for i, path in
      enumerate(host_files())),
    gcc("R40.s", ".incbin of a world-readable canary",
        source=incbin("{SECRET}")),
    gcc("R41", ".incbin with a climbing path", protocol=3,
        source=incbin("{UPREL}{SECRET}")),
    steps("R46", "host name and user list",
          "read /etc/hostname ; read /etc/passwd"),
    steps("R48", "environment", "env ; read /proc/self/environ"),
    steps("R50", "/sys",
          "read /sys/kernel/mm/transparent_hugepage/enabled ; "
          "read /sys/devices/system/cpu/online", marker=r"read /sys.*: ok"),
    steps("R52", "object is a link to a world-readable file",
          "out link {SECRET}"),
    steps("R53", "object is a link to a root-only file",
          "out link {SECRETROOT}", control=NO_EFFECT),
    gcc("R57", "dependency file is an uploaded link", "-MD", "-MF", "a.d",
        protocol=3, files=[("/w/a.d", Link("{UPREL}{SECRET}"))],
        control=NO_EFFECT),
    gcc("R58", "object is an uploaded link, syntax check only",
        "-fsyntax-only", protocol=3,
        files=[("/w/a.o", Link("{UPREL}{SECRET}"))]),
    # relatives
    steps("R89", "object is an uploaded link, moved there",
          "out rename l", protocol=3, files=[
              ("/w/l", Link("{UPREL}{SECRET}"))], runs=False),
    steps("R90", "by O_PATH and /dev/fd", "readfd {SECRET}"),
    steps("R91", "by openat2", "readat2 {SECRET}"),
    steps("R92", "by /proc/self/root and cwd",
          "read /proc/self/root{SECRET} ; read /proc/1/root{SECRET} ; "
          "read /proc/self/cwd/{UPREL}{SECRET}"),
    steps("R93", "by a link of the job's",
          "symlink {SECRET} ./l ; read ./l"),
    steps("R94", "by a hard link", "link {SECRET} ./l ; read ./l"),
    steps("R95", "object is a hard link", "out hardlink {SECRET}",
          control="the kernel protects hard links"),
    steps("R96", "directories of the host",
          "ls {ROOT} ; ls /etc ; ls /home ; ls /root ; ls /var",
          marker=r"LS .*/(secret.*|outside.*|passwd|hostname|\.bashrc|dpkg)$"),
    steps("R97", "a root-only file", "read {SECRETROOT} ; read /etc/shadow",
          control="local"),
    steps("R98", "dependency file is a link", "deps link {SECRET}",
          protocol=3, more=("-MD", "-MF", "a.d"), control="local"),
    steps("R99", "object changes to a link and back while it is read",
          "out race {SECRET} ; sleep 1", control=NO_EFFECT, runs=False),
    steps("R100", "by a child", "child read {SECRET}"),
    gcc("R101", ".include of a host file", source=asm('.include "{SECRET}"'),
        marker="secret.h:1: Error"),
    gcc("R102", "-I of a host directory", "-x", "c", "-I{ROOT}",
        source='#include "secret.h"\n', marker="canary_"),
    gcc("R103", "-Wa,-I", "-Wa,-I,{ROOT}", source=asm('.incbin "secret.h"')),
    gcc("R104", "-Wa,@", "-Wa,@{SECRET}"),
    gcc("R105", "-isystem and __has_include", "-x", "c",
        source='#if __has_include("{SECRET}")\n#error IT IS HERE\n#endif\n',
        marker="error: #error IT IS HERE"),
    gcc("R106", "-imacros", "-x", "c", "-imacros", "{SECRET}",
        source="int f(void) { return HERE; }\n", control=NO_EFFECT),
    gcc("R107", "-fprofile-use of a host file", "-O2",
        "-fprofile-use={SECRET}", control=NO_EFFECT),
    gcc("R108", "--sysroot", "-x", "c", "--sysroot={ROOT}", "-I=/",
        source="#include <secret.h>\n"),
    gcc("R109", "-iquote with dots", "-x", "c", "-iquote{UPREL}{ROOT}",
        source='#include "secret.h"\n', protocol=3),
    gcc("R110", "-iplugindir and -print", "-print-file-name={SECRET}",
        control=NO_EFFECT),
    Row("R111", "clang -Xclang -embed-dir and include-pch",
        ["clang", "-Xclang", "-include", "-Xclang", "{SECRET}", "-x", "c",
         *A]),
    Row("R112", "clang -fsanitize-blacklist", [
        "clang", "-fsanitize=address", "-fsanitize-blacklist=/etc/passwd",
        *A], control=NO_EFFECT),
    Row("R113", "clang -fprofile-instr-use of a host file",
        ["clang", "-fprofile-instr-use={SECRET}", *A], control=NO_EFFECT),
    Row("R114", "clang @file inside -Xclang", ["clang", "@{SECRET}", *A]),
    Row("R115", "g++ header unit of a host file",
        ["g++", "-std=c++20", "-fmodules-ts", "-x", "c++", *A],
        source='#include "{SECRET}"\n'),
    gcc("R116", "absolute include in pump mode", "-x", "c", protocol=3,
        source='#include "{SECRET}"\n'),
    gcc("R117", "line markers name a host file for its carets",
        source='# 1 "{SECRET}"\nint f(void) { return x; }\n'),
    gcc("R118", "line markers name a host file in pump mode", protocol=3,
        source='# 1 "{SECRET}"\nint f(void) { return x; }\n'),
]
