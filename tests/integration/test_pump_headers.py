# SPDX-License-Identifier: GPL-2.0-or-later
"""Pump mode where the server's own headers are not the client's: the result is
a local compile's, and the log names the header.  Each test's control sends the
same job without asking, and gets another object."""
import ctypes
import glob
import os
import shutil
import subprocess
import sys

import pytest
from pumplib import Tree, pumped, why_here, with_directory

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "escape"))
import wirekit  # noqa: E402

PLACE = "/usr/local/include"
SHOWN = "/srv"     # none of the compiler's own
CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

SOURCE = """#include <pumped.h>
#if __has_include(<only_there.h>)
int has = 1;
#endif
int value = VALUE;
"""


def in_own_namespace(source, place):
    """preexec: this process sees source in the place of another directory"""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter():
        if libc.unshare(CLONE_NEWNS) != 0 or \
                libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) or \
                libc.mount(source.encode(), place.encode(), None, MS_BIND,
                           None):
            os._exit(99)
    return enter


@pytest.fixture
def sides(tmp_path, start_daemon, sandbox_args):
    """sides(ours, theirs) -> a Tree whose compiler has the headers `ours` in a
    place, with a host that has `theirs`; dicts of name and text.  In **how: what
    start_daemon() is given"""
    if sandbox_args or os.geteuid() != 0:
        pytest.skip("needs a full jail, and root to mount directories")
    if not shutil.which("unshare"):
        pytest.skip("no unshare(1)")
    trees = []

    def make(ours, theirs, place=PLACE, **how):
        if not os.path.isdir(place):
            pytest.skip(f"no {place}")
        for side, headers in (("ours", ours), ("theirs", theirs)):
            (tmp_path / side).mkdir(mode=0o755)
            for name, text in headers.items():
                path = tmp_path / side / name
                path.parent.mkdir(exist_ok=True, parents=True)
                path.write_text(text)
        os.chmod(tmp_path, 0o755)
        daemon = start_daemon(preexec=in_own_namespace(
            str(tmp_path / "theirs"), place), **how)
        tree = Tree(tmp_path, daemon.hostspec + ",lzo,cpp")
        tree.wrapper = with_directory(str(tmp_path / "ours"), place)
        tree.port = daemon.port
        tree.write("s.c", SOURCE)
        trees.append(tree)
        return tree

    yield make
    for tree in trees:
        tree.stop()


COMMAND = ["gcc", "-c", "s.c", "-o", "s.o"]


def without_asking(tree, *options):
    """(status, object) of the same job, as stock's client would send it"""
    files = [(os.path.join(base, name), tree.read(os.path.join(base, name)))
             for base, _, names in os.walk(tree.work) for name in names
             if not name.endswith(".o")]
    reply = wirekit.exchange(tree.port, wirekit.pump_request(
        ["gcc", *options, "-c", "s.c", "-o", "s.o"], files, tree.work))
    assert reply.complete, reply.ended
    return reply.status, reply.object


def both_ways(tree, command=COMMAND):
    here = tree.outcome(command, ["s.o"])
    tree.forget()
    there = tree.outcome([tree.program, *command], ["s.o"])
    assert here[0] == 0 and there == here, tree.text()
    return here[-1]


def test_same_headers_are_used_there(sides):
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    local = both_ways(tree)
    assert pumped(tree.text()), tree.text()
    # the control of the controls
    assert without_asking(tree) == (0, local)


@pytest.mark.parametrize("theirs, word", [
    ({"pumped.h": "#define VALUE 2\n"}, "has another /usr/local"),
    ({"pumped.h": "#define VALUE 1 + 1\n"}, "has another /usr/local"),
    ({}, "has no /usr/local"),
    ({"pumped.h": "#define VALUE 1\n", "only_there.h": "\n"},
     "has, and this machine has not, /usr/local/include/only_there.h"),
], ids=["value", "size", "lacking", "extra"])
def test_other_headers_are_noticed(sides, theirs, word):
    tree = sides({"pumped.h": "#define VALUE 1\n"}, theirs)
    local = both_ways(tree)
    assert word in why_here(tree.text()), tree.text()
    status, other = without_asking(tree)
    assert status != 0 or other != local


def test_header_earlier_in_the_servers_path_is_noticed(sides):
    """The host's /usr/local/include/assert.h would win over both machines'
    /usr/include/assert.h."""
    tree = sides({"pumped.h": "#include <assert.h>\n#define VALUE 1\n"},
                 {"pumped.h": "#include <assert.h>\n#define VALUE 1\n",
                  "assert.h": "#define assert(x)\nint stolen;\n"})
    local = both_ways(tree)
    assert "has, and this machine has not, /usr/local/include/assert.h" in \
        why_here(tree.text()), tree.text()
    assert without_asking(tree)[1] != local


def test_directory_only_in_the_servers_path_is_noticed(sides):
    """gcc looks in PLACE/TRIPLE before PLACE, where that is a directory."""
    triple = subprocess.run(["gcc", "-print-multiarch"], capture_output=True,
                            text=True, check=True).stdout.strip()
    if not triple or os.path.isdir(f"{PLACE}/{triple}"):
        pytest.skip("gcc has no such directory in its path")
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, {**headers,
                           f"{triple}/pumped.h": "#define VALUE 2\n"})
    local = both_ways(tree)
    assert "looks elsewhere for headers" in why_here(tree.text())
    assert f"{PLACE}/{triple}\n" in tree.text()
    assert without_asking(tree)[1] != local


@pytest.mark.parametrize("option, source, word", [
    (f"-I{PLACE}/zz", "#include <pumped.h>\n", "zz/"),
    (f"-I{PLACE}/zz/deep/../", "#include <pumped.h>\n", "zz/"),
    ("-Iway/zz", "#include <way.h>\n#include <pumped.h>\n", "zz/"),
    ("-g0", f"#if !__has_include(\"{PLACE}/zz/pumped.h\")\n"
     "#include <pumped.h>\n#endif\n", "zz/"),
    ("-g0", f"#if !__has_include(\"{PLACE}/zz.h\")\n"
     "#include <pumped.h>\n#endif\n", "zz.h"),
    (f"-I{os.path.dirname(PLACE)}", "#if !__has_include(<include/zz.h>)\n"
     "#include <pumped.h>\n#endif\n", "zz.h"),
    (f"-I{os.path.dirname(PLACE)}",
     "#if !__has_include(<include/zz/pumped.h>)\n"
     "#include <pumped.h>\n#endif\n", "zz/"),
], ids=["option", "climbing", "link", "absolute", "absolute file", "above",
        "far above"])
def test_what_only_the_server_has_below_is_noticed(sides, option, source,
                                                   word):
    """A directory of an option, or a name with its whole path, that is nowhere
    here, but among the host's own headers."""
    tree = sides({}, {"zz/pumped.h": "#define VALUE 2\n", "zz.h": "",
                      "zz/deep/x.h": ""})
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    os.symlink(PLACE, tree.work + "/way")
    tree.write("inc/way.h", "")
    tree.write("s.c", source + "#ifndef VALUE\n#define VALUE 3\n#endif\n"
               "int value = VALUE;\n")
    local = both_ways(tree, ["gcc", option, "-Iinc", *COMMAND[1:]])
    assert f"has, and this machine has not, {PLACE}/{word}" in \
        why_here(tree.text()), tree.text()
    if "way" not in option:
        assert without_asking(tree, option, "-Iinc")[1] != local


@pytest.mark.parametrize("theirs, word", [
    ({"same.h": "int same;\n"}, None),
    ({"same.h": "int other;\n"}, f"has another {PLACE}/same.h"),
    ({"same.h": "int same;\n", "pumped.h": "#define VALUE 2\n"},
     f"has, and this machine has not, {PLACE}/pumped.h"),
], ids=["same", "another", "extra"])
def test_own_directory_that_only_an_option_names(sides, theirs, word):
    """As older kernels do it: it is a host's own all the same."""
    tree = sides({"same.h": "int same;\n"}, theirs)
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    tree.write("s.c", "#include <same.h>\n#include <pumped.h>\n"
               "int value = VALUE;\n")
    options = ["-nostdinc", "-isystem", PLACE, "-isystem", "inc"]
    local = both_ways(tree, ["gcc", *options, *COMMAND[1:]])
    if word is None:
        assert pumped(tree.text()), tree.text()
        return
    assert word in why_here(tree.text()), tree.text()
    assert without_asking(tree, *options)[1] != local


def test_missing_own_directory_that_only_an_option_names(sides):
    """gcc would look in PLACE, were it here and not for -nostdinc."""
    tree = sides({}, {"pumped.h": "#define VALUE 2\n"})
    os.mkdir(tree.top + "/empty")
    tree.wrapper = with_directory(tree.top + "/empty", os.path.dirname(PLACE))
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    tree.write("s.c", "#include <stddef.h>\n#include <pumped.h>\n"
               "int value = VALUE;\n")
    own = subprocess.run(["gcc", "-print-file-name=include"], check=True,
                         capture_output=True, text=True).stdout.strip()
    options = ["-nostdinc", "-isystem", own, "-isystem", PLACE,
               "-isystem", "inc"]
    local = both_ways(tree, ["gcc", *options, *COMMAND[1:]])
    assert f"has, and this machine has not, {PLACE}/" in \
        why_here(tree.text()), tree.text()
    assert without_asking(tree, *options)[1] != local


@pytest.mark.parametrize("ours, theirs, word", [
    (True, True, None), (False, False, None),
    (True, False, f"has no {PLACE}/sub"),
    (False, True, f"has, and this machine has not, {PLACE}/sub/"),
], ids=["both", "neither", "ours", "theirs"])
def test_directory_that_only_an_option_names(sides, ours, theirs, word):
    """Nothing is read from it, but gcc complains where there is none."""
    headers = {"pumped.h": "#define VALUE 1\n"}
    more = {**headers, "sub/unused.h": "int unused;\n"}
    tree = sides(more if ours else headers, more if theirs else headers)
    both_ways(tree, ["gcc", f"-I{PLACE}/sub", "-Wmissing-include-dirs",
                     *COMMAND[1:]])
    if word is None:
        assert pumped(tree.text()), tree.text()
    else:
        assert word in why_here(tree.text()), tree.text()


def test_header_of_an_option_that_complains(sides):
    """As everywhere below the compiler's own, the host's is taken."""
    headers = {"sub/pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    both_ways(tree, ["gcc", f"-I{PLACE}/sub", "-Wmissing-include-dirs",
                     *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()


CLIMBING = '#if __has_include("@/zz/pumped.h")\nint has = 1;\n#endif\n'


@pytest.mark.parametrize("option, source", [
    (f"-I{SHOWN}", ""), (f"-I{SHOWN}/zz", ""), (f"-iquote{SHOWN}/zz/", ""),
    (f"-idirafter{SHOWN}/empty/../zz", ""), ("-Iway", ""), ("-I@/zz", ""),
    (f"-I{SHOWN}/link", ""), (f"-I{SHOWN}/link/zz", ""), ("-I@/link", ""),
    (f"-I{SHOWN}/dangling", ""), (f"-I{SHOWN}/file", ""),
    ("-g0", CLIMBING.replace("@", SHOWN)), ("-g0", CLIMBING),
    ("-nostdinc", CLIMBING),
    ("-g0", '#include "below/beside.h"\n' + CLIMBING),
], ids=["here, empty", "missing", "quote", "climbing", "link", "relative",
        "link here only", "below that", "relative link", "dangling", "file here",
        "full name", "climbing name", "without own", "climbing beside"])
def test_what_the_server_shows_besides_is_noticed(sides, option, source):
    """--toolchain has a directory in all jobs that no compiler looks into of
    itself, and this machine has not that in it."""
    theirs = {f"{name}pumped.h": "#define VALUE 2\n" for name in (
        "", "zz/", "link/", "link/zz/", "dangling/", "file/")}
    tree = sides({"empty/none": "", "file": ""}, {**theirs, "empty/none": ""},
                 SHOWN, args=["--toolchain", SHOWN])
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    os.mkdir(tree.top + "/elsewhere")
    os.symlink(tree.top + "/elsewhere", tree.top + "/ours/link")
    os.symlink("/nowhere", tree.top + "/ours/dangling")
    os.symlink(SHOWN, tree.work + "/way")
    up = os.path.relpath(SHOWN, tree.work)
    option = option.replace("@", up)
    tree.write("below/beside.h", CLIMBING.replace("@", "../" + up))
    tree.write("s.c", source.replace("@", up) +
               "#include \"pumped.h\"\nint value = VALUE;\n")
    words = ["gcc", option, "-idirafter", "inc", *COMMAND[1:]]
    local = both_ways(tree, words)
    assert f"would look at its own {SHOWN}/" in why_here(tree.text()), \
        tree.text()
    if option != "-Iway":
        assert without_asking(tree, option, "-idirafter", "inc")[1] != local


USUAL = ["/bin", "/dev", "/etc", "/lib", "/lib64", "/tmp", "/usr", "/usr/bin",
         "/usr/lib", "/var/tmp"]


def test_directories_that_hosts_have_are_asked_for_by_name(sides):
    tree = sides({}, {"pumped.h": "#define VALUE 2\n"}, "/var/tmp",
                 args=["--toolchain", "/var/tmp"])
    libraries = os.path.dirname(subprocess.run(
        ["gcc", "-print-file-name=libc.so"], check=True, capture_output=True,
        text=True).stdout.strip())
    options = [f"-I{d}" for d in [*USUAL, os.path.realpath(libraries)]]
    tree.write("inc/more.h", "int more;\n")
    tree.write("s.c", "#include <more.h>\n#include <stdio.h>\nint value;\n")
    both_ways(tree, ["gcc", *options, "-Iinc", *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    tree.write("s.c", SOURCE)
    local = both_ways(tree, ["gcc", *options, "-Iinc", *COMMAND[1:]])
    assert "would look at its own /var/tmp/pumped.h" in \
        why_here(tree.text()), tree.text()
    assert without_asking(tree, *options, "-Iinc")[1] != local


def test_directories_of_one_tree_are_asked_for_once(sides):
    tree = sides({}, {}, SHOWN)
    questions = []
    for name in "abc":
        tree.write(f"{name}/s.c", "#include <stdio.h>\nint value;\n")
        tree.forget()
        tree.run([tree.program, *COMMAND[:1], "-I.", "-Inone", f"-I{name}/c",
                  *COMMAND[1:]], cwd=f"{tree.work}/{name}")
        assert pumped(tree.text()), tree.text()
        questions.append(tree.text().count("comparing"))
    assert questions == [1, 0, 0]


def test_what_the_server_shows_below_a_parent_of_the_compilers(sides):
    """Each name is asked for: most of such a directory is the same on both."""
    place = os.path.dirname(PLACE) + "/etc"
    tree = sides({}, {"pumped.h": "#define VALUE 2\n"}, place,
                 args=["--toolchain", place])
    option = "-I" + os.path.dirname(PLACE)
    tree.write("s.c", "int value = 1;\n")
    both_ways(tree, ["gcc", option, *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()
    tree.write("s.c", "#if __has_include(<etc/pumped.h>)\nint has = 1;\n"
               "#endif\nint value = 1;\n")
    local = both_ways(tree, ["gcc", option, *COMMAND[1:]])
    assert f"would look at its own {place}/pumped.h" in \
        why_here(tree.text()), tree.text()
    assert without_asking(tree, option)[1] != local


@pytest.mark.parametrize("before", ["", "#if __has_include(<way>)\n#error\n"
                                    "#endif\n"], ids=["alone", "after"])
def test_link_that_is_no_header_itself_is_passed(sides, before):
    """Above the compiler's own, where it is no header there must be none."""
    parent = os.path.dirname(PLACE)
    tree = sides({"include/none": ""}, {"include/none": ""}, parent)
    tree.write("real/pumped.h", "#define VALUE 1\n")
    os.symlink(tree.work + "/real", tree.top + "/ours/way")
    tree.write("s.c", before + "#if __has_include(<way/pumped.h>)\n"
               "#include <way/pumped.h>\nint value = VALUE;\n#endif\n")
    local = both_ways(tree, ["gcc", f"-I{parent}", *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()
    # the control: the link matters
    assert without_asking(tree, f"-I{parent}")[1] != local


def test_options_directories_that_the_server_does_not_show(sides):
    tree = sides({"sdk/pumped.h": "#define VALUE 1\n", "empty/none": ""},
                 {"sdk/pumped.h": "#define VALUE 2\n"}, SHOWN)
    both_ways(tree, ["gcc", f"-I{SHOWN}/empty", f"-I{SHOWN}/missing",
                     f"-I{SHOWN}/sdk", *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()


@pytest.mark.parametrize("source", [
    f"#include \"{SHOWN}/pumped.h\"\n",
    f"#define NAME <{SHOWN}/pumped.h>\n#include NAME\n",
    f"#include \"inner.h\"\n#include <{SHOWN}/./pumped.h>\n",
    f"#if !__has_include(\"{SHOWN}/theirs.h\")\n#define VALUE 3\n#endif\n"
    "#ifndef VALUE\n#define VALUE 4\n#endif\n",
    f"__asm__(\".incbin \\\"{SHOWN}/pumped.h\\\"\");\n#define VALUE 1\n",
    f"#include \"{SHOWN}/way/stdio.h\"\n#define VALUE EOF\n",
], ids=["plain", "computed", "twice", "missing", "incbin", "link to own"])
def test_full_names_that_stocks_daemon_would_find_its_own_at(
        sides, stock_daemon_program, source):
    """It lays out the job below a directory of its own, and the compiler does not
    know of that."""
    theirs = {"pumped.h": "#define VALUE 2\n", "theirs.h": "",
              "way/stdio.h": "#define EOF 3\n"}
    tree = sides({"pumped.h": "#define VALUE 1\n"}, theirs, SHOWN,
                 program=stock_daemon_program)
    os.symlink("/usr/include", tree.top + "/ours/way")
    tree.write("s.c", "int value;\n")
    both_ways(tree)     # all else is known of the host from here on
    assert pumped(tree.text()), tree.text()
    tree.write("inner.h", f"#include \"{SHOWN}/pumped.h\"\n")
    tree.write("s.c", source + "int value = VALUE;\n")
    for _ in range(2):
        local = both_ways(tree)
        assert "would not find by its full name" in why_here(tree.text()), \
            tree.text()
        if "incbin" in source:
            assert "s.c runs locally: its assembler reads" in tree.text()
    assert without_asking(tree)[1] != local


@pytest.mark.parametrize("option, source", [
    ("-g0", '#include "@/pumped.h"\n'), ("-I@", "#include <pumped.h>\n"),
    ("-nostdinc", '#if __has_include("@/theirs.h")\n#define VALUE 3\n#else\n'
     "#define VALUE 4\n#endif\n"),
], ids=["name", "option", "missing"])
def test_names_that_climb_past_the_root_are_full_in_effect(
        sides, stock_daemon_program, option, source):
    """So they lead out of the directory that stock has for the job."""
    tree = sides({"pumped.h": "#define VALUE 1\n"},
                 {"pumped.h": "#define VALUE 2\n", "theirs.h": ""}, SHOWN,
                 program=stock_daemon_program)
    up = "../../../" + os.path.relpath(SHOWN, tree.work)
    option = option.replace("@", up)
    tree.write("s.c", source.replace("@", up) + "int value = VALUE;\n")
    local = both_ways(tree, ["gcc", option, *COMMAND[1:]])
    assert "would not find by its full name" in why_here(tree.text()), \
        tree.text()
    assert without_asking(tree, option)[1] != local
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    tree.write("s.c", "#include \"sub/../pumped.h\"\nint value = VALUE;\n")
    tree.write("inc/sub/none.h", "")
    both_ways(tree, ["gcc", "-Iinc", *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()


@pytest.mark.parametrize("option, source", [
    ("-g0", '#include <../../srv/pumped.h>\n'),
    ("-I/usr/include/../../srv", "#include <pumped.h>\n"),
    ("-Iway/../../srv", "#include <pumped.h>\n"),
    ("-g0", '#include "way/../../srv/pumped.h"\n'),
    ("-g0", '#if __has_include("way/../../srv/theirs.h")\n'
     "#define VALUE 3\n#else\n#define VALUE 4\n#endif\n"),
], ids=["name", "option", "link option", "link", "missing"])
def test_names_that_leave_the_compilers_directories_are_full_in_effect(
        sides, stock_daemon_program, option, source):
    """Those are the host's own, so what is above them is, too."""
    tree = sides({"pumped.h": "#define VALUE 1\n"},
                 {"pumped.h": "#define VALUE 2\n", "theirs.h": ""}, SHOWN,
                 program=stock_daemon_program)
    os.symlink("/usr/include", tree.work + "/way")
    tree.write("s.c", source + "int value = VALUE;\n")
    both_ways(tree, ["gcc", option, *COMMAND[1:]])
    assert "would not find by its full name" in why_here(tree.text()), \
        tree.text()
    # what leads back into them is not, nor what is looked for from there in vain
    tree.write("s.c", "#include <linux/../errno.h>\n#include \"way/assert.h\"\n"
               "#if __has_include(<../../srv/none.h>)\n#error\n#endif\n"
               "int value = EINVAL;\n")
    both_ways(tree, ["gcc", "-I/usr/include/linux/..", *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()


def test_odd_names_of_directories_are_asked_for(sides):
    tree = sides({"pumped.h": "#define VALUE 1\n"},
                 {"pumped.h": "#define VALUE 1\n"})
    odd = tree.work + "/a \u00fc&'%$!*;<|>?\"\\\\"
    tree.write(odd + "/inc.h", "")
    tree.write("s.c", "#include <inc.h>\n" + SOURCE)
    both_ways(tree, ["gcc", f"-I{odd}/none", f"-I{odd}", *COMMAND[1:]])
    assert pumped(tree.text()), tree.text()


def test_full_names_hold_at_our_server(sides):
    tree = sides({"pumped.h": "#define VALUE 1\n"},
                 {"pumped.h": "#define VALUE 2\n"}, SHOWN)
    tree.write("s.c", f"#include \"{SHOWN}/pumped.h\"\n"
               f"#if __has_include(\"{SHOWN}/none.h\")\n#error\n#endif\n"
               "int value = VALUE;\n")
    for _ in range(2):
        both_ways(tree)
        assert pumped(tree.text()), tree.text()
    assert "comparing" not in tree.text()


def test_header_that_changes_here_is_compared_again(sides):
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    both_ways(tree)
    assert pumped(tree.text())
    with open(tree.top + "/ours/pumped.h", "w", encoding="ascii") as f:
        f.write("#define VALUE 3\n")
    both_ways(tree)
    assert "has another" in why_here(tree.text()), tree.text()


def test_new_header_is_compared_before_its_first_job(sides):
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides({**headers, "new.h": "int n;\n"},
                 {**headers, "new.h": "int o;\n"})
    both_ways(tree)
    assert pumped(tree.text())
    tree.write("s.c", SOURCE + "#include <new.h>\n")
    both_ways(tree)
    assert "has another /usr/local/include/new.h" in why_here(tree.text())


def test_headers_are_compared_once(sides):
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    both_ways(tree)
    assert "comparing" in tree.text()
    for _ in range(3):
        both_ways(tree)
        assert pumped(tree.text()) and "comparing" not in tree.text()


def test_many_headers_of_which_one_is_missing(sides):
    many = {f"n/{i}.h": f"int n{i};\n" for i in range(350)}
    ours = {"pumped.h": "#define VALUE 1\n" + "".join(
        f"#include <n/{i}.h>\n" for i in range(350)), **many}
    tree = sides(ours, {n: t for n, t in ours.items() if n != "n/217.h"})
    both_ways(tree)
    assert "has no /usr/local/include/n/217.h" in why_here(tree.text()), \
        tree.text()


def test_link_that_leads_elsewhere_there_is_noticed(sides):
    headers = {"real/pumped.h": "#define VALUE 1\n",
               "other/pumped.h": "#define VALUE 2\n"}
    tree = sides(headers, headers)
    os.symlink("real/pumped.h", tree.top + "/ours/pumped.h")
    os.symlink("other/pumped.h", tree.top + "/theirs/pumped.h")
    local = both_ways(tree)
    assert "has another /usr/local/include/pumped.h" in \
        why_here(tree.text()), tree.text()
    assert without_asking(tree)[1] != local


@pytest.mark.parametrize("options", [[], ["-Wmissing-include-dirs"]])
def test_what_is_behind_a_link_only_there_is_noticed(sides, options):
    """Nothing is found through it here."""
    tree = sides({"foo-1/unused.h": ""},
                 {"foo-1/unused.h": "", "foo-2/pumped.h": "#define VALUE 2\n"})
    os.symlink("foo-1", tree.top + "/ours/foo")
    os.symlink("foo-2", tree.top + "/theirs/foo")
    tree.write("inc/pumped.h", "#define VALUE 1\n")
    options = [f"-I{PLACE}/foo", "-Iinc", *options]
    local = both_ways(tree, ["gcc", *options, *COMMAND[1:]])
    assert f"has, and this machine has not, {PLACE}/foo/pumped.h" in \
        why_here(tree.text()), tree.text()
    assert without_asking(tree, *options)[1] != local


def test_directory_that_cannot_be_asked_for_is_asked_for_later(sides):
    """That takes a header of the compiler's own, which the first job has not."""
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    tree.write("n.c", "int n;\n")
    words = [f"-I{PLACE}/none", "-c"]
    tree.run([tree.program, "gcc", "-nostdinc", *words, "n.c", "-o", "n.o"])
    assert "cannot be asked for" in why_here(tree.text()), tree.text()
    both_ways(tree, ["gcc", *words, "s.c", "-o", "s.o"])
    assert pumped(tree.text()), tree.text()


def test_command_that_fails_there_does_not_shut_others_out(sides):
    """The compiler is asked with the command's own words."""
    headers = {"pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    tree.run([tree.program, "gcc", "-fexec-charset=nope", *COMMAND[1:]])
    both_ways(tree)
    assert pumped(tree.text()), tree.text()


def test_each_header_behind_a_link_is_compared(sides):
    """The first one is the same wherever the link leads."""
    real = {"real/same.h": "#define SAME\n", "real/pumped.h":
            "#define VALUE 1\n"}
    tree = sides(real, {**real, "other/same.h": "#define SAME\n",
                        "other/pumped.h": "#define VALUE 2\n"})
    os.symlink("real", tree.top + "/ours/way")
    os.symlink("other", tree.top + "/theirs/way")
    tree.write("s.c", "#include <way/same.h>\n#include <way/pumped.h>\n"
               "int value = VALUE;\n")
    both_ways(tree)
    assert "has another /usr/local/include/way/pumped.h" in \
        why_here(tree.text()), tree.text()


def test_same_links_are_used_there(sides):
    headers = {"real/deep/pumped.h": "#define VALUE 1\n"}
    tree = sides(headers, headers)
    for side in ("ours", "theirs"):
        os.symlink("real/deep", f"{tree.top}/{side}/way")
        os.symlink("way/pumped.h", f"{tree.top}/{side}/pumped.h")
    both_ways(tree)
    assert pumped(tree.text()), tree.text()


def test_odd_header_name_is_not_asked_for(sides):
    odd = {"pumped.h": "#include <q\"uote.h>\n#define VALUE 1\n",
           "q\"uote.h": "int q;\n"}
    tree = sides(odd, odd)
    both_ways(tree)
    assert "cannot be asked for" in why_here(tree.text()), tree.text()
    assert "comparing" not in tree.text()


def test_newer_library_that_only_the_server_sees(tmp_path, start_daemon,
                                                 sandbox_args):
    """Both have the library that clang++ takes here, to the byte; there it finds
    a newer one as well, and would take that."""
    if sandbox_args or os.geteuid() != 0:
        pytest.skip("needs a full jail, and root to mount directories")
    found = sorted(glob.glob("/usr/lib/gcc/*-linux-gnu/[0-9]*/libstdc++.a"),
                   key=lambda name: int(name.split("/")[-2]))
    if len(found) < 2 or not shutil.which("clang++"):
        pytest.skip("needs clang++ and libstdc++-dev of two versions")
    daemon = start_daemon()
    tree = Tree(tmp_path, daemon.hostspec + ",lzo,cpp")
    (tmp_path / "none").mkdir(mode=0o755)
    tree.wrapper = with_directory(str(tmp_path / "none"),
                                  os.path.dirname(found[-1]))
    tree.port = daemon.port
    tree.write("s.cc", "#include <vector>\nint v = _GLIBCXX_RELEASE;\n")
    command = ["clang++", "-MD", "-c", "s.cc", "-o", "s.o"]
    try:
        here = tree.outcome(command, ["s.o", "s.d"])
        there = tree.outcome([tree.program, *command], ["s.o", "s.d"])
    finally:
        tree.stop()
    assert here[0] == 0 and there == here, tree.text()
    assert "looks elsewhere for headers" in why_here(tree.text())
    reply = wirekit.exchange(tree.port, wirekit.pump_request(
        command, [(tree.work + "/s.cc", tree.read("s.cc"))], tree.work))
    assert reply.status == 0 and reply.object != here[-2]
