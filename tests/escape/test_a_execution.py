# SPDX-License-Identifier: GPL-2.0-or-later
"""A: nobody's code but the tool chain's runs."""
import shutil

import pytest
import wirekit
from arena import KIT_NAME, LOADED, Link, Row
from rows import test_control, test_holds  # noqa: F401

A = ["-c", "a.c", "-o", "a.o"]
MOD = [("/w/mod.so", "MODULE"), ("/w/mark", "{OUT}/m"),
       ("/w/args", "-fplugin=./mod.so\n"), ("/w/s", "*cc1:\n"),
       ("/w/c.cfg", "-Xclang -load -Xclang ./mod.so\n")]
NO_EFFECT = "no effect is known on any server"


def row(id, title, argv=None, **kwargs):
    return Row(id, title, argv, **kwargs)


ROWS = [
    row("A01", "program name that is no compiler",
        ["sh", "-c", "id>{OUT}/m", *A]),
    row("A02", "absolute path of a shell",
        ["/usr/bin/sh", "-c", "id>{OUT}/m", *A]),
    row("A03", "compiler name with dots",
        ["../../../bin/sh", "-c", "id>{OUT}/m", *A], control=NO_EFFECT),
    row("A04", "compiler name that goes up and down",
        ["/usr/bin/../bin/sh", "-c", "id>{OUT}/m", *A]),
    row("A05", "gcc -wrapper runs a shell",
        ["gcc", "-wrapper", "sh,-c,id>{OUT}/m", *A]),
    row("A07", "response file carries -fplugin", ["gcc", "@args", *A],
        protocol=3, files=MOD, marker=LOADED),
    row("A13", "-B with a link as to a program outside",
        ["gcc", "-B./", *A], protocol=3, files=[
            ("/w/as", Link("{UPREL}{STAGE}/tool"))],
        marker=r"KIT .*done", control="stock"),
    row("A14", "clang -Xclang -load",
        ["clang", "-Xclang", "-load", "-Xclang", "./mod.so", *A],
        protocol=3, files=MOD, marker=LOADED),
    row("A17", "clang --config", ["clang", "--config", "./c.cfg", *A],
        protocol=3, files=MOD, marker=LOADED),
    row("A18", "clang -fno-integrated-as with -B",
        ["clang", "-fno-integrated-as", "-B{STAGE}/", *A],
        marker="KIT done"),
    row("A19", "module mapper is a command",
        ["g++", "-std=c++20", "-fmodules-ts",
         "-fmodule-mapper=|/usr/bin/touch {OUT}/m", "-c", "a.cc", "-o",
         "a.o"], source="export module m;\nexport int f();\n"),
    row("A21", "-Xpreprocessor -fplugin",
        ["gcc", "-x", "c", "-Xpreprocessor", "-fplugin={STAGE}/mod.so", *A],
        marker=LOADED, control=NO_EFFECT),
    row("A22", "-iplugindir and -fplugin-arg",
        ["gcc", "-iplugindir={STAGE}", "-fplugin-arg-mod-x=1", *A],
        marker=LOADED, control=NO_EFFECT),
    row("A40", "-wrapper runs an uploaded script",
        ["gcc", "-wrapper", "sh,./p.sh", *A], protocol=3,
        files=[("/w/p.sh", "id >{OUT}/m\n")]),
    row("A41", "-wrapper env preloads an uploaded module",
        ["gcc", "-wrapper", "env,LD_PRELOAD=./mod.so", *A], protocol=3,
        files=MOD, marker=LOADED),
    row("A43", "compiler name ./gcc with uploaded ./gcc",
        ["./gcc", *A], protocol=3,
        files=[("/w/gcc", Link("{UPREL}{STAGE}/tool"))],
        marker="KIT done", control=NO_EFFECT),
    row("A47", "-fplugin by short name with -iplugindir from a file",
        ["gcc", "@args", *A], protocol=3, marker=LOADED,
        files=[("/w/mod.so", "MODULE"), ("/w/mark", "{OUT}/m"),
               ("/w/args", "-iplugindir=. -fplugin=mod\n")]),
    row("A50", "V an uploaded program is copied and run", protocol=3,
        steps="copyexec /w/tool ./x --steps sayout ; "
              "copyexec tool ./x --steps sayout",
        files=[("/w/tool", "PROGRAM")], marker=r"copyexec .*: ok"),
    row("A51", "V an uploaded program runs from memory", protocol=3,
        steps="memfdexec tool --steps sayout", files=[("/w/tool", "PROGRAM")],
        marker=r"memfdexec .*: ok"),
    row("A54", "V the host's shell", steps="sh echo TO$((0))OL",
        marker="TO0OL"),
    row("A55", "V a script interpreter of the host",
        steps='exec /usr/bin/perl -e print(STDERR"PERL",6*7)',
        marker="PERL42"),
    row("A56", "V a set-uid program of the host",
        steps="exec {STAGE}/suid --steps env", marker=r"exec .*suid.*: ok"),
    row("A57", "V a program in /tmp or shared memory", protocol=3,
        steps="copyexec tool /tmp/new-mark --steps env ; "
              "copyexec tool /dev/shm/new-mark --steps env",
        files=[("/w/tool", "PROGRAM")], marker=r"copyexec .*: ok"),
    row("A58", "V the linker with the sender's module", protocol=3,
        steps="exec /usr/bin/ld -plugin ./mod.so a.o -o x ; "
              "exec /usr/bin/ar --plugin ./mod.so rc x.a a.o",
        files=MOD, marker=LOADED),
    # relatives
    row("A90", "-wrapper with the dynamic loader",
        ["gcc", "-wrapper", "/lib64/ld-linux-x86-64.so.2,--preload,./mod.so",
         *A], protocol=3, files=MOD, marker=LOADED),
    row("A91", "V the dynamic loader runs an uploaded file", protocol=3,
        steps="exec /lib64/ld-linux-x86-64.so.2 ./tool --steps env ; "
              "exec /lib64/ld-linux-x86-64.so.2 --preload ./mod.so "
              "/usr/bin/as --version",
        files=MOD + [("/w/tool", "PROGRAM")],
        marker=r"\nENV |" + LOADED),
    row("A92", "V as preloads an uploaded module", protocol=3,
        steps="exec /usr/bin/env LD_PRELOAD=./mod.so /usr/bin/as --version",
        files=MOD, marker=LOADED),
    row("A93", "V an uploaded file is mapped executable", protocol=3,
        steps="mapexec tool ; mapexec mod.so",
        files=MOD + [("/w/tool", "PROGRAM")], marker=r"mapexec .*: ok"),
    row("A94", "V the compiler's child tries the same",
        steps="child sh echo TO$((0))OL", marker="TO0OL"),
    row("A95", "V an interpreter line", protocol=3,
        steps="chmod ./p.sh 755 ; exec ./p.sh",
        files=[("/w/p.sh", "#!/bin/sh\necho TO$((0))OL >&2\n")],
        marker="TO0OL"),
    row("A96", "-specs uploaded", ["gcc", "-specs=./s", *A], protocol=3,
        files=[("/w/s", "*cc1:\n-fplugin=./mod.so\n")] + MOD[:2],
        marker=LOADED),
    row("A97", "--specs with a blank", ["gcc", "--specs", "./s", *A],
        protocol=3, files=[("/w/s", "*cc1:\n-fplugin=./mod.so\n")] + MOD[:2],
        marker=LOADED, control=NO_EFFECT),
    row("A98", "long form of -B", ["gcc", "--prefix={STAGE}/", *A],
        marker="KIT done"),
    row("A99", "clang -fplugin", ["clang", "-fplugin=./mod.so", *A],
        protocol=3, files=MOD, marker=LOADED),
    row("A100", "clang -fpass-plugin",
        ["clang", "-O1", "-fpass-plugin=./mod.so", *A], protocol=3,
        files=MOD, marker=LOADED),
    row("A101", "clang -mllvm -load",
        ["clang", "-mllvm", "-load=./mod.so", *A], protocol=3, files=MOD,
        marker=LOADED, control=NO_EFFECT),
    row("A102", "clang --gcc-toolchain", protocol=3, argv=[
        "clang", "-fno-integrated-as", "--gcc-toolchain=.", *A],
        files=[("/w/bin/as", Link("{UPREL}{STAGE}/tool"))],
        marker="KIT done", control=NO_EFFECT),
    row("A103", "clang -ccc-gcc-name",
        ["clang", "-ccc-gcc-name", "{STAGE}/tool", "-fno-integrated-as", *A],
        marker="KIT done", control=NO_EFFECT),
    row("A104", "-Wp, with a plugin",
        ["gcc", "-x", "c", "-Wp,-fplugin={STAGE}/mod.so", *A],
        marker=LOADED, control=NO_EFFECT),
    row("A105", "-Wa, with a response file", ["gcc", "-Wa,@/etc/passwd", *A]),
    row("A106", "COLLECT_GCC by the name of the compiler",
        ["/usr/bin/env", "gcc", *A], control=NO_EFFECT),
    row("A107", "joined -wrapper of clang's driver mode",
        ["clang", "--driver-mode=cpp", "-wrapper", "sh", *A],
        control=NO_EFFECT),
    row("A108", "-no-canonical-prefixes with ./", protocol=3,
        argv=["gcc", "-no-canonical-prefixes", "-B.", *A],
        files=[("/w/as", Link("{UPREL}{STAGE}/tool"))], marker="KIT done",
        control="stock"),
    row("A109", "-foffload", ["gcc", "-foffload=../../..{STAGE}/tool",
                              "-fopenacc", *A],
        marker="KIT done", control=NO_EFFECT),
    row("A110", "-fcompare-debug with a program",
        ["gcc", "-fcompare-debug=-fplugin={STAGE}/mod.so", *A],
        marker=LOADED, control=NO_EFFECT),
]


@pytest.mark.parametrize("protocol", [1, 2, 3])
@pytest.mark.parametrize("compiler", ["gcc", "g++", "clang", KIT_NAME])
def test_normal_compiles_pass(server, compiler, protocol):
    """or every row above would hold for nothing"""
    if protocol == 3 and server.world.is_reduced:
        pytest.skip("pump mode needs a full jail")
    if compiler != KIT_NAME and shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    name = "a.cc" if compiler == "g++" else "a.c"
    text = "exit 0\n" if compiler == KIT_NAME else "int f(void){return 42;}\n"
    reply = server.send(wirekit.request(
        [compiler, "-O1", "-c", name, "-o", "a.o"], text, protocol, name))
    assert reply.ok, reply
    assert reply.object[:4] in (b"\x7fELF", b"kit ")
