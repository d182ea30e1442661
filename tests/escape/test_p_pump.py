# SPDX-License-Identifier: GPL-2.0-or-later
"""P: names and links of protocol 3 stay inside the job."""
import pytest
import wirekit
from arena import SOURCE, Link, Row, snapshot, wait_until
from rows import test_control, test_holds  # noqa: F401

A = ["gcc", "-c", "a.c", "-o", "a.o"]
NO_EFFECT = "no effect is known on any server"
MOD = ("/w/mod.so", "MODULE")


def pump(id, title, *files, **kwargs):
    kwargs.setdefault("control", "stock")
    return Row(id, title, kwargs.pop("argv", A), protocol=3,
               files=list(files), **kwargs)


def climb(levels):
    """u1 -> .., u1/u2 -> .., and so on, then a file through them all"""
    files, at = [], "/w"
    for i in range(levels):
        at += f"/u{i}"
        files.append((at, Link("..")))
    return files + [(at + "/{OUTBASE}/w", "CHANGED")]


ROWS = [
    pump("P02", "NAME with dots removes a file", ("{UP}{OUT}/d/m", "x")),
    pump("P04", "LINK up then FILE through it",
         ("/w/l", Link("{UPREL}{OUT}")), ("/w/l/w", "x")),
    pump("P06", "CDIR with dots", cdir="/../../../../../../..{OUT}",
         control=NO_EFFECT),
    pump("P10", "NAME of 100 KB", ("/w/" + "n" * 100000, "x"),
         control=NO_EFFECT),
    Row("P40", "V crafted ELF object", steps="out badelf", protocol=3,
        more=("-g",), control=NO_EFFECT),
    pump("P41", "NAME is the assembler", MOD, ("/usr/bin/as", "MODULE"),
         control=NO_EFFECT),
    pump("P43", "NAME is the loader's preload list", MOD,
         ("/etc/ld.so.preload", "/w/mod.so\n"), ("/w/mark", "{OUT}/m"),
         control=NO_EFFECT),
    pump("P44", "NAME is a descriptor", MOD, ("/proc/self/fd/1", "x"),
         control=NO_EFFECT),
    pump("P45", "NAME is a device", MOD, ("/dev/null", "x"),
         control=NO_EFFECT),
    pump("P46", "NAME is the compiler proper", MOD,
         ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "MODULE"),
         control=NO_EFFECT),
    pump("P47", "CDIR is /usr/bin", ("/usr/bin/as", "MODULE"),
         cdir="/usr/bin", control=NO_EFFECT),
    pump("P48", "CDIR is /proc/self", cdir="/proc/self", control=NO_EFFECT),
    *(pump(f"P49.{n}", f"{n} directory levels",
           ("/w" + "/d" * n + "/x.h", "x"), control=NO_EFFECT)
      for n in (200, 1000, 2000)),
    pump("P50", "chain of links that climbs", *climb(3)),
    pump("P53", "removal through a directory link",
         ("/w/l", Link("{UPREL}{OUT}/d")), ("/w/l/m", "x")),
    pump("P59", "include path is a link to a host directory",
         ("/w/inc", Link("{UPREL}{ROOT}")), argv=["gcc", "-Iinc", *A[1:]],
         source='#include "secret.h"\n'),
    pump("P60", "odd names", ("/w/-dash", "x"), ("/w/new\nline", "x"),
         ("/w/" + "n" * 255, "x"), ("/w/\udcff\udcfe", "x"),
         control=NO_EFFECT),
    Row("P61", "V fills its own tree", protocol=3, control=NO_EFFECT,
        steps="write extra1 x ; mkdir extrad ; write extrad/y x ; "
              "mkdir /tmp/more ; write /tmp/more/z x"),
    # relatives
    pump("P90", "link over a tool chain directory",
         ("/usr/include", Link("/w")), control=NO_EFFECT),
    pump("P91", "file, then a link of the same name",
         ("/w/x", "x"), ("/w/x", Link("{UPREL}{OUT}/w")), ("/w/x", "CHANGED"),
         control=NO_EFFECT),
    pump("P92", "link, then a file of the same name",
         ("/w/x", Link("{UPREL}{OUT}/w")), ("/w/x", "CHANGED"),
         control=NO_EFFECT),
    pump("P93", "absolute link to a host directory",
         ("/w/l", Link("{OUT}")), ("/w/l/w", "x"), control=NO_EFFECT),
    pump("P94", "link to /proc/self/cwd and root",
         ("/w/l", Link("{UPREL}proc/self/root{OUT}")), ("/w/l/w", "x")),
    pump("P95", "NAME with a dot, empty and double slashes",
         ("/w/./x", "x"), ("//w//y", "x"), ("/w/z/", "x"), ("/", "x"),
         ("", "x"), control=NO_EFFECT),
    pump("P96", "relative NAME", ("x", "x"), ("../../{OUT}/m", "x"),
         control=NO_EFFECT),
    pump("P97", "output name is an uploaded link",
         ("/w/a.o", Link("{UPREL}{OUT}/w")), control=NO_EFFECT),
    pump("P98", "dependency name is an uploaded link",
         ("/w/a.d", Link("{UPREL}{OUT}/w")),
         argv=["gcc", "-MMD", "-MF", "a.d", *A[1:]], control=NO_EFFECT),
    pump("P99", "source is an uploaded link", ("/w/a.c", Link("{UPREL}{SECRET}"))),
    pump("P100", "a loop of links", ("/w/a", Link("b")), ("/w/b", Link("a")),
         ("/w/a/x", "x"), control=NO_EFFECT),
    pump("P101", "link with a NUL and 5000 bytes",
         ("/w/a", Link("x\0y")), ("/w/b", Link("l" * 5000)),
         control=NO_EFFECT),
    pump("P102", "CDIR relative, empty, a file",
         ("/w/a.c", "int x;"), cdir="w/../{OUT}", control=NO_EFFECT),
    pump("P103", "include of a server's file by a climbing link",
         ("/w/l", Link("{UPREL}usr/include/../../etc")),
         argv=["gcc", "-x", "c", *A[1:]], source='#include "l/passwd"\n'),
]


@pytest.mark.parametrize("title,data", [
    ("P12-unknown_token", wirekit.token("DIST", 3) +
     wirekit.string("CDIR", "/w") + wirekit.argv_tokens(A) +
     wirekit.token("NFIL", 1) + wirekit.string("NAME", "/w/a.c") +
     wirekit.string("XXXX", "abcd")),
    ("NFIL_of_4_billion", wirekit.token("DIST", 3) +
     wirekit.string("CDIR", "/w") + wirekit.argv_tokens(A) +
     wirekit.token("NFIL", 0xffffffff) + wirekit.string("NAME", "/w/a.c")),
    ("more_files_than_said", wirekit.pump_request(A, [
        ("/w/a.c", "int x;")]) + wirekit.string("NAME", "/w/b.c") +
     wirekit.body("FILE", "x", 3)),
    ("NAME_twice", wirekit.token("DIST", 3) + wirekit.string("CDIR", "/w") +
     wirekit.argv_tokens(A) + wirekit.token("NFIL", 2) +
     wirekit.string("NAME", "/w/a.c") + wirekit.string("NAME", "/w/b.c") +
     wirekit.body("FILE", "x", 3)),
], ids=lambda v: v if isinstance(v, str) else "")
def test_odd_sequence(server, attempt, title, data):
    reply = server.send(data, half_close=True)
    assert attempt.effects(reply) == []
    assert reply.ended != "timeout", reply
    assert server.is_alive() and server.wait_normal()


def test_job_does_not_see_another_jobs_files(server):
    """the tree is gone when the next job starts"""
    reply = server.job("write /tmp/left x ; write left x ; mkdir /w/leftdir")
    assert reply.ok, reply
    reply = server.job("exists /tmp/left ; exists left ; exists /w/leftdir")
    assert "KIT done" in reply.text and ": ok" not in reply.text, reply


def test_nothing_is_left_in_scratch(server):
    """P61, and the server's own TMPDIR"""
    before = snapshot(server.scratch)
    reply = server.job("write a x ; mkdir b ; write b/c x ; mkdir /tmp/d",
                       protocol=3)
    assert reply.ok or server.world.is_reduced, reply
    assert wait_until(lambda: snapshot(server.scratch) == before, 3)


# --- names that the tool chain has -------------------------------------------

STDIO = "/usr/include/stdio.h"
MARK = "forcing_technique_271828"


def stdio():
    with open(STDIO, "rb") as f:
        return f.read()


@pytest.mark.parametrize("name, contents", [
    (STDIO, stdio()), (STDIO, stdio() + b"\n"), (STDIO, ""),
    (STDIO, Link("/w/a.c")), ("/usr/include", ""),
    ("/usr/include/nowhere.h", ""), ("/usr/include/" + MARK, ""),
    ("/usr/include/nowhere/" + MARK, ""), ("/dev/null", ""),
    ("/w/a.c", SOURCE), ("/w/l", Link("a.c")),
], ids=str)
def test_name_that_is_there_or_among_the_tool_chains(server, name, contents):
    """Also the same to the byte: the client does not know what else is there."""
    reply = server.send(wirekit.pump_request(A, [
        ("/w/a.c", SOURCE), ("/w/l", Link("a.c")), (name, contents)]))
    assert reply.complete and reply.status != 0 and not reply.object, reply
    assert b"cannot put " + name.encode() in reply.serr, reply


def test_name_that_is_there_control(server):
    reply = server.send(wirekit.pump_request(A, [
        ("/w/a.c", SOURCE), ("/w/l", Link("a.c")), ("/w/x.h", stdio()),
        ("/w/d/" + MARK, "")]))
    assert reply.ok, reply
