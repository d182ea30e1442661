# SPDX-License-Identifier: GPL-2.0-or-later
"""V: more relatives, class by class: every phase of every protocol cut, sizes at
and over each cap, oracles about the host, results that go on changing.
"""
import time

import pytest
import wirekit
from arena import (KIT_NAME, MB, SOURCE, Memory, Row, check_control,
                   check_holds, fresh_source, wait_until)
from wirekit import Link

A = ["gcc", "-c", "a.c", "-o", "a.o"]
NO_EFFECT = "no effect is known outside either"
# of V20: gcc does what they say where nothing keeps it from it
WORKING = {5, 18, 20, 21, 22, 23, 24, 27, 29, 33, 34, 37}


def gcc(id, title, *options, **kwargs):
    return Row(id, title, ["gcc", *options, *A[1:]], **kwargs)


def c_file(id, title, text, **kwargs):
    return gcc(id, title, "-x", "c", source=text + "\n", **kwargs)


ROWS = [
    # what stands for a descriptor or for the process itself
    *(c_file(f"V1.{i}", f"include of {path}", f'#include "{path}"',
             control=NO_EFFECT)
      for i, path in enumerate([
          "/dev/stdin", "/dev/fd/3", "/proc/self/fd/3", "/proc/self/maps",
          "/proc/1/environ", "/proc/self/cwd/../etc/passwd", "/dev/shm",
          "/dev/kmsg", "/dev/tty", "/sys/kernel/notes"])),
    c_file("V2", "include by a macro", '#define X "{SECRET}"\n#include X',
           control="local"),
    c_file("V3", "pragma dependency",
           '#pragma GCC dependency "{SECRET}" IT IS HERE',
           marker="IT IS HERE", control=NO_EFFECT),
    c_file("V4", "__has_include_next",
           '#if __has_include_next(<{SECRET}>) || __has_include(<{SECRET}>)\n'
           '#error IT IS HERE\n#endif', marker="error: #error IT IS HERE"),
    Row("V5", "clang's __has_include", ["clang", "-x", "c", *A[1:]],
        source='#if __has_include("{SECRET}")\n#error IT IS HERE\n#endif\n',
        marker="error: IT IS HERE"),
    Row("V6", "clang's __has_embed and #embed", [
        "clang", "-x", "c", *A[1:]],
        source='const char a[] = {\n#embed "{SECRET}" limit(9)\n};\n',
        control="clang 19 and later"),
    gcc("V7", "is that directory there?", "-x", "c", "-Wmissing-include-dirs",
        "-Werror", "-I{ROOT}", source="int x;\n", control=NO_EFFECT),
    # the assembler's own ways
    *(gcc(f"V10.{i}", f"assembler: {text[:30]}",
          source="asm(" + repr(text).replace("'", '"') + ");\n",
          control=NO_EFFECT)
      for i, text in enumerate([
          ".incbin \\\"/proc/self/maps\\\"", ".incbin \\\"/dev/stdin\\\"",
          ".include \\\"/dev/fd/0\\\"", ".file 1 \\\"/etc\\\" \\\"passwd\\\"",
          ".loc_mark_labels 1"])),
    # languages and names
    *(Row(f"V20.{i}", f"words {words}", ["gcc", *words],
          control="local" if i in WORKING else NO_EFFECT) for i, words in enumerate([
              ["-c", "-x", "assembler-with-cpp", "a.c", "-o", "a.o"],
              ["-c", "-x", "f95", "a.c"], ["-c", "-x", "ada", "a.c"],
              ["-c", "-x", "lto", "a.c"], ["-c", "-xnone", "a.c"],
              ["-c", "-x", "c-header", "a.c", "-o", "{OUT}/a.gch"],
              ["-c", "--", "a.c"], ["-c", "--", "-fplugin=x.c"],
              ["-c", "./-a.c", "-o", "a.o"], ["-c", "-", "-o", "a.o"],
              ["-c", "a.c", "-o/dev/stdout"], ["-c", "a.c", "-o", "/dev/fd/1"],
              ["-c", "a.c", "-o", "|id"], ["-c", "a.c", "-o", ""],
              ["-c", "/dev/stdin", "-o", "a.o"],
              ["-c", "/etc/passwd", "-x", "c", "-o", "a.o"],
              ["-c", "a.c", "b.c"], ["-c", "a.c", "-o", "a.c"],
              ["-c", "a.c", "-o", "a.o", "-MD", "-MF", "{OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-MMD", "-MF/dev/full"],
              ["-c", "a.c", "-o", "a.o", "-Wp,-MD,{OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-Wp,-MMD,{OUT}/m,-MT,x"],
              ["-c", "a.c", "-o", "a.o", "-Wa,--MD={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-Wa,-al={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-Wa,-adhlns={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-Wa,--debug-prefix-map,a=b"],
              ["-c", "a.c", "-o", "a.o", "-Wl,-Map={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-fdump-rtl-all={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-fdump-passes"],
              ["-c", "a.c", "-o", "a.o", "-fopt-info-all={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "-fdiagnostics-format=json-file"],
              ["-c", "a.c", "-o", "a.o", "-fcallgraph-info=su"],
              ["-c", "a.c", "-o", "a.o", "-Q", "-ftime-report"],
              ["-c", "a.c", "-o", "a.o", "-time={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "--output={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "--outp={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "--write-dependencies={OUT}/m"],
              ["-c", "a.c", "-o", "a.o", "--include={SECRET}"],
              ["-c", "a.c", "-o", "a.o", "--imacros={SECRET}"],
              ["-c", "a.c", "-o", "a.o", "--include-directory={ROOT}"],
              ["-c", "a.c", "-o", "a.o", "-imultilib", "../../{ROOT}"],
              ["-c", "a.c", "-o", "a.o", "-imultiarch", "../../{ROOT}"],
          ])),
    # names of pump mode that meet the job's own
    *(Row(f"V30.{i}", f"pump: {title}", A, protocol=3, files=files,
          control="local" if "host file" in title else NO_EFFECT)
      for i, (title, files) in enumerate([
              ("a file where the output's directory is", [
                  ("/w/a.c", SOURCE), ("/w/a.o/x", "x")]),
              ("the output is there already", [
                  ("/w/a.c", SOURCE), ("/w/a.o", "OLD")]),
              ("a link to itself", [("/w/a.c", SOURCE),
                                    ("/w/l", Link("l"))]),
              ("links in a circle", [("/w/a.c", SOURCE),
                                     ("/w/l", Link("m")),
                                     ("/w/m", Link("l"))]),
              ("the source is a link", [("/w/a.c", Link("b.c")),
                                        ("/w/b.c", SOURCE)]),
              ("the source is a link to a host file",
               [("/w/a.c", Link("{UPREL}{SECRET}"))]),
              ("the scratch directory", [("/w/a.c", SOURCE),
                                         ("/tmp/cc000000.s", "x"),
                                         ("/tmp", Link("/usr"))]),
              ("the root", [("/w/a.c", SOURCE), ("/", Link("/usr"))]),
              ("a library", [("/w/a.c", SOURCE),
                             ("/lib/x86_64-linux-gnu/libc.so.6", "MODULE"),
                             ("/lib64/ld-linux-x86-64.so.2", "MODULE")]),
              ("the loader's lists", [("/w/a.c", SOURCE),
                                      ("/etc/ld.so.cache", "x"),
                                      ("/etc/ld.so.conf", "/w\n")]),
              ("gcc's own places", [
                  ("/w/a.c", SOURCE),
                  ("/usr/lib/gcc/x86_64-linux-gnu/12/specs",
                   "*cc1:\n-fplugin=/w/mod.so\n"), ("/w/mod.so", "MODULE")]),
              ("gconv modules", [
                  ("/w/a.c", SOURCE), ("/w/gconv-modules",
                                       "module X// INTERNAL /w/mod 1\n"),
                  ("/usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
                   "module X// INTERNAL /w/mod 1\n"),
                  ("/w/mod.so", "MODULE")]),
              ("a locale", [
                  ("/w/a.c", SOURCE),
                  ("/usr/share/locale/C/LC_MESSAGES/gcc-12.mo", "x")]),
          ])),
]


def test_holds(row, attempt, server):
    check_holds(row, attempt, server)


def test_control(control_row, attempt, maybe_stock):
    check_control(control_row, attempt, maybe_stock)


# --- every phase, cut --------------------------------------------------------

def cuts(data):
    """around each token, and in the middle"""
    names = (b"DIST", b"ARGC", b"ARGV", b"DOTI", b"CDIR", b"NFIL", b"NAME",
             b"FILE", b"LINK")
    found = {0, 1, len(data) - 1, len(data)}
    for name in names:
        at = data.find(name)
        while at >= 0:
            found |= {at, at + 3, at + 8, at + 12, at + 13}
            at = data.find(name, at + 1)
    return sorted(n for n in found if n <= len(data))


@pytest.mark.parametrize("how", ["reset", "half_close", "close"])
@pytest.mark.parametrize("protocol", [1, 2, 3])
def test_cut_in_every_phase(make_server, protocol, how):
    """the server forgets it at once, and serves the next"""
    server = make_server("--header-timeout", "60000")
    data = wirekit.request(A, SOURCE, protocol)
    source = fresh_source()
    for n in cuts(data):
        with server.open(fresh_source()) as c:
            c.send(data[:n])
            getattr(c, how)()
            if how == "half_close":
                reply = c.receive(10)
                # only a whole request is served
                assert reply.ended != "timeout", n
                assert (reply.ok and n == len(data)) or not reply.object, n
    assert server.normal(source) is not None
    assert wait_until(lambda: workers(server) == 0, 5), "workers are left"


def workers(server):
    from arena import read_text, tree
    return sum(read_text(f"/proc/{pid}/comm").startswith("distccd-worker")
               for pid in tree(server.pid))


@pytest.mark.parametrize("protocol", [1, 2, 3])
def test_cut_while_it_compiles_and_replies(server, protocol):
    for delay in (0, .005, .01, .02, .05, .1):
        c = server.open(fresh_source())
        c.send(wirekit.request([KIT_NAME, *A[1:]], "sleep 0.05 ; out full 4\n",
                               protocol))
        time.sleep(delay)
        c.reset()
    assert wait_until(server.is_idle, 3) and server.wait_normal()


# --- caps: one under is served, one over is refused --------------------------

def test_a_million_arguments(server):
    many = b"DIST00000001" + wirekit.token("ARGC", 10 ** 6) + \
        wirekit.string("ARGV", "-O2") * 10 ** 6
    with Memory(server.pid) as memory:
        reply = server.send(many)
        assert not reply.object and reply.ended != "timeout", reply
    assert memory.peak - memory.first < 64 * MB
    assert server.wait_normal()


@pytest.mark.parametrize("n,is_served", [(4096, True), (4097, False)])
def test_cap_of_arguments(server, n, is_served):
    words = [*A, *["-O1"] * (n - len(A))]
    reply = server.send(wirekit.plain_request(words, SOURCE))
    assert bool(reply.ok) == is_served, reply


@pytest.mark.parametrize("n,is_served", [(20000, True), (20001, False)])
def test_cap_of_files(server, n, is_served):
    files = [("/w/a.c", SOURCE)] + [(f"/w/h/{i}", Link("x"))
                                    for i in range(n - 1)]
    reply = server.send(wirekit.pump_request(A, files), timeout=30)
    assert bool(reply.ok) == is_served, reply
    assert server.wait_normal()


@pytest.mark.parametrize("name", [
    "/w/" + "n" * 4096, "/w" + "/d" * 2047, "/w/" + "x/" * 600 + "y",
    "/w/\n", "/w/\x1b[2J", "w/relative", "./x", "..", "../x", "/w/..",
    "/w/a/../../x", "//", "/w//", "/w/." ])
def test_odd_names(server, name):
    reply = server.send(wirekit.pump_request(
        A, [("/w/a.c", SOURCE), (name, "x")]))
    assert reply.ended in ("eof", "reset") and reply.wrong is None, reply
    assert b"\x1b" not in reply.serr + reply.sout
    assert server.wait_normal()


# --- results that do not keep still ------------------------------------------

@pytest.mark.parametrize("steps", [
    "out full 1 ; daemon 5 ; out full 2", "forks 8 5 ; out full 3",
    "out race ./a.c ; sleep 0.1", "out full 24 ; out shrink 24"])
def test_result_is_one_moment_of_the_file(server, steps):
    for _ in range(3):
        reply = server.job(steps)
        assert reply.ended == "eof" and reply.wrong is None, reply
    assert wait_until(server.is_idle, 3)
