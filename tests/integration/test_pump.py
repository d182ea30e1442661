# SPDX-License-Identifier: GPL-2.0-or-later
"""Pump mode with our daemon: objects, dependency files and messages are those
of a local compile, byte for byte, whatever happens to the files."""
import os
import shutil
import threading
import time

import pytest
from pumplib import PUMP, SCAND, Tree, pumped, why_here

HEADER = """#ifndef A_H
#define A_H
#include <stdio.h>
#define GREETING "hello"
static inline const char *where(void) { return __FILE__; }
#endif
"""
SOURCE = """#include "inc/a.h"
int f(int n)
{
	int unused;
	return printf("%s %s %d %s\\n", GREETING, __FILE__, n, where());
}
"""
CXX_SOURCE = SOURCE.replace("int f(", """#include <string>
#include <vector>
std::vector<std::string> g() { return {GREETING}; }
int f(""")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, sandbox_args):
    import harness
    if sandbox_args:
        pytest.skip("pump mode needs a full jail")
    with harness.Daemon(str(tmp_path_factory.mktemp("daemon")),
                        jobs=6) as d:
        yield d


@pytest.fixture
def tree(tmp_path, daemon):
    t = Tree(tmp_path, daemon.hostspec + ",lzo,cpp")
    t.write("inc/a.h", HEADER)
    t.write("a.c", SOURCE)
    t.write("a.cc", CXX_SOURCE)
    yield t
    t.stop()


# ---- the same as here --------------------------------------------------------

@pytest.mark.parametrize("debug", ["", "-gdwarf-4", "-gdwarf-5", "-g3"])
@pytest.mark.parametrize("compiler", ["gcc", "g++", "clang", "clang++"])
def test_object_dependencies_and_messages_are_the_local_ones(tree, compiler,
                                                             debug):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    source = "a.cc" if "+" in compiler else "a.c"
    log = tree.compare(f"{compiler} {debug} -O2 -Wall -MD -c {source} -o a.o",
                       ["a.o", "a.d"])
    assert pumped(log), log


@pytest.mark.parametrize("words, outputs", [
    ("-c a.c", ["a.o"]),
    ("-S a.c -o out.s", ["out.s"]),
    ("-MD -c a.c", ["a.o", "a.d"]),
    ("-MMD -MP -c a.c -o sub/x.o", ["sub/x.o", "sub/x.d"]),
    ("-MD -MF sub/odd.dep -c a.c", ["a.o", "sub/odd.dep"]),
    ("-MD -MF {work}/sub/abs.dep -c a.c", ["a.o", "sub/abs.dep"]),
    ("-MD -MF ../work/sub/up.dep -c a.c", ["a.o", "sub/up.dep"]),
    ("-MD -MF../work/sub/up.dep -c a.c", ["a.o", "sub/up.dep"]),
    ("-Wp,-MMD,../work/sub/up.d -c a.c", ["a.o", "sub/up.d"]),
    ("-MD -c ../work/a.c -o ../work/sub/up.o", ["sub/up.o", "sub/up.d"]),
    ("-MD -MF 'odd $name' -c a.c", ["a.o", "odd $name"]),
    ("-MD -MT 'a b' -MQ 'c$d' -c a.c", ["a.o", "a.d"]),
    ("-Wp,-MMD,sub/.a.o.d -c a.c -o sub/a.o", ["sub/a.o", "sub/.a.o.d"]),
    ("-Wp,-MD,sub/q.d -c inc/../a.c -o sub/a.o", ["sub/a.o", "sub/q.d"]),
    ("-MD -c {work}/a.c -o {work}/sub/abs.o", ["sub/abs.o", "sub/abs.d"]),
    ("-I{work}/inc -include a.h -g -c a.c", ["a.o"]),
    ("-Isub/../inc -isystem inc -iquote . -c a.c", ["a.o"]),
    ("-DGREETING=3 -include inc/a.h -c a.c", ["a.o"]),  # a warning
    ("-Wmissing-include-dirs -Inowhere -Iinc -c a.c", ["a.o"]),
    ("-I/usr/include/arpa -Wmissing-include-dirs -c a.c", ["a.o"]),
    ("-fdebug-prefix-map={work}=/x -g -c a.c", ["a.o"]),
    ("-x c -g -c a.c", ["a.o"]),
    ("-fdiagnostics-color=always -Wall -c a.c", ["a.o"]),
])
def test_forms_of_commands(tree, words, outputs):
    os.makedirs(tree.work + "/sub", exist_ok=True)
    log = tree.compare("gcc " + words.format(work=tree.work), outputs)
    assert pumped(log), log


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compilers_directories_by_options(tree, compiler):
    """-nostdinc, and all that it leaves out by -isystem"""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    said = tree.run([compiler, "-E", "-v", "-x", "c", "/dev/null"]).stderr
    path = said.decode().split("<...> search starts here:\n")[1]
    words = [f"-isystem {line.strip()}" for line in
             path.split("End of search list")[0].splitlines()]
    log = tree.compare(f"{compiler} -nostdinc {' '.join(words)} -g -MD -c a.c "
                       "-o a.o", ["a.o", "a.d"])
    assert pumped(log), log


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_source_without_a_header_of_the_compilers(tree, compiler):
    """Nothing is known of the host yet, and no header of its own is needed."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    tree.write("inc/n.h", "#define N 1\n")
    tree.write("n.c", '#include "n.h"\nint n = N;\n')
    log = tree.compare(f"{compiler} -g -Iinc -c n.c -o n.o", ["n.o"])
    assert pumped(log), log


def test_clang_told_of_this_machines_processor(tree):
    """-march=native is written out for the host."""
    if shutil.which("clang") is None:
        pytest.skip("no clang")
    log = tree.compare("clang -g -O2 -march=native -MD -c a.c -o a.o",
                       ["a.o", "a.d"])
    assert pumped(log), log
    assert "-march=native" not in log


def test_words_that_clang_writes_into_the_object(tree):
    """They would be ours, not the user's."""
    if shutil.which("clang") is None:
        pytest.skip("no clang")
    tree.run([tree.program, "clang", "-frecord-gcc-switches", "-c", "a.c",
              "-o", "a.o"])
    assert "-frecord-gcc-switches" in why_here(tree.text()), tree.text()


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("words", [
    "-iquote q -Iempty", "-Iempty", "-Iq -Iempty", "-iquote q -Iq -Iempty", "-iquote empty", "-isystem way",
    "-iquote q -idirafter inc/../empty", "+ -idirafter q -idirafter empty"])
def test_path_of_a_directory_in_which_nothing_is(tree, compiler, words):
    """Without it gcc looks elsewhere, or nowhere."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    os.mkdir(tree.work + "/empty")
    link(tree, "empty", "way")
    tree.write("q/x.h", "#define X 1\n#if __has_include_next(<x.h>)\n"
               "int next;\n#endif\n")
    tree.write("p.c", "#if __has_include(<x.h>)\n#include <x.h>\n#endif\n"
               '#include "q/x.h"\n#ifdef X\nint x = X;\n#endif\n'
               "#if !__has_include(<x.h>)\nint none;\n#endif\n")
    words = words.replace("+", "") if "+" in words else f"-nostdinc {words}"
    log = tree.compare(f"{compiler} -w {words} -MD -c p.c -o p.o",
                       ["p.o", "p.d"])
    assert pumped(log), log


def test_variables_with_directories(tree):
    tree.write("env1/e.h", "#define E 1\n")
    tree.write("env2/f.h", "#define F 2\n")
    tree.write("v.c", "#include <e.h>\n#include <f.h>\nint v = E + F;\n")
    log = tree.compare("gcc -g -MMD -c v.c -o v.o", ["v.o", "v.d"],
                       CPATH=tree.work + "/env1", C_INCLUDE_PATH="env2")
    assert pumped(log), log


def test_compile_error_is_the_local_one(tree):
    tree.write("bad.c", '#include "inc/a.h"\nint f(void) { return x; }\n')
    log = tree.compare("gcc -Wall -c bad.c -o bad.o", ["bad.o"],
                       DISTCC_FALLBACK=1)
    assert "bad.c" in log


@pytest.mark.parametrize("name", ["gram.y", "sub/gram.y", "none.y",
                                  "{work}/gram.y", "a.c"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_lines_of_another_file_in_messages(tree, compiler, name):
    """gcc shows those that #line names, as bison's and flex's output does."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    for path in ("gram.y", "sub/gram.y"):
        tree.write(path, "first\nsecond line of " + path + "\nthird\n")
    name = name.format(work=tree.work)
    tree.write("g.c", "#include <stddef.h>\n" f'#line 2 "{name}"\n'
               "static int unused(int n) { return n; }\n")
    log = tree.compare(f"{compiler} -Wall -Wextra -g -MD -c g.c -o g.o",
                       ["g.o", "g.d"])
    assert pumped(log), log


@pytest.mark.parametrize("count", [1000, 100_000, 3_000_000])
def test_object_that_shrinks_to_little(tree, count):
    """It is unpacked into more and more room until it fits."""
    tree.write("big.c", f"int big[{count}] = {{ 1 }};\n")
    log = tree.compare("gcc -c big.c -o big.o", ["big.o"])
    assert os.path.getsize(tree.work + "/big.o") > 4 * count
    assert pumped(log), log


def test_success_is_silent(tree):
    p = tree.run([tree.program, "gcc", "-c", "a.c", "-o", "a.o"],
                 DISTCC_VERBOSE=0, DISTCC_LOG="")
    assert (p.returncode, p.stdout, p.stderr) == (0, b"", b"")


# ---- names -------------------------------------------------------------------

@pytest.mark.parametrize("name", [
    "with blank", "quo'te", 'dou"ble', "dol$lar", "ha#sh", "per%cent",
    "umläut", "new\nline", "back\\slash", "-dash", "a=b,c", "*star?"])
def test_odd_names(tree, name):
    tree.write(f"{name}/h.h", "#define H 7\n")
    tree.write(f"{name}/s.c", '#include "h.h"\nint s = H;\n')
    argv = ["gcc", "-g", "-MD", "-c", f"./{name}/s.c", "-o", f"./{name}/s.o"]
    outputs = [f"{name}/s.o", f"{name}/s.d"]
    here = tree.outcome(argv, outputs)
    there = tree.outcome([tree.program, *argv], outputs)
    assert there == here, tree.text()
    assert pumped(tree.text()), tree.text()


def link(tree, target, name):
    path = os.path.join(tree.work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def test_links_to_headers_and_directories(tree):
    tree.write("real/deep/h.h", '#include "../beside.h"\n')
    tree.write("real/beside.h", "#define BESIDE 1\n")
    link(tree, "real/deep", "linked")
    link(tree, tree.work + "/real", "absolute")
    link(tree, "../" * 40 + tree.work[1:] + "/real", "climbing")
    link(tree, "deep/h.h", "real/h2.h")
    tree.write("l.c", '#include "linked/h.h"\n#include "absolute/deep/h.h"\n'
               '#include "climbing/h2.h"\n#include "real/h2.h"\n'
               "int l = BESIDE;\n")
    tree.write("beside.h", "#error another file\n")
    tree.write("real/../beside.h", "#define BESIDE 5\n")
    log = tree.compare("gcc -g -MD -c l.c -o l.o", ["l.o", "l.d"])
    assert pumped(log), log


@pytest.mark.parametrize("option, source", [
    ("-Iway -isystem real", "#include <r.h>"),      # the same directory
    ("-isystem {work}/real -idirafter way", "#include <r.h>"),
    ("-Iway/none -Ireal", "#include <r.h>"),
    ("-Iaside/../none", '#include "./w.h"'),
    ("-Iaside/../empty", '#include "./w.h"'),
    ("-w", '#if !__has_include("way/none.h")\n#include "real/r.h"\n#endif'),
    ("-Ireal", '#if !__has_include("aside/../real/none.h")\n'
               '#include "real/r.h"\n#endif'),
])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_first_name_of_a_directory(tree, compiler, option, source):
    """clang keeps it, also where nothing is found by it."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    tree.write("real/r.h", '#include "beside.h"\n')
    tree.write("real/beside.h", "#define R __FILE__\n")
    tree.write("w.h", "#define R __FILE__\n")
    tree.write("aside/other.h", "")
    os.mkdir(tree.work + "/empty")
    link(tree, "real", "way")
    tree.write("n.c", source + "\nconst char *r = R;\n")
    log = tree.compare(f"{compiler} {option.format(work=tree.work)} -g -MD -c "
                       "n.c -o n.o", ["n.o", "n.d"])
    assert pumped(log), log


def test_working_directory_behind_a_link(tree):
    link(tree, tree.work, "../way")
    way = tree.top + "/way"
    log = tree.compare("gcc -g -MD -c a.c -o a.o", ["a.o", "a.d"], cwd=way,
                       PWD=way)
    assert pumped(log), log
    # and the object has the way's name, so it was not resolved
    assert b"/way" in tree.read("a.o") and tree.work.encode() not in \
        tree.read("a.o")


@pytest.mark.parametrize("way", ["/../work", "/.", "/", "//"])
def test_working_directory_in_other_words(tree, way):
    """Compilers take them from $PWD, and write them into the object."""
    p = tree.run([tree.program, "gcc", "-g", "-c", "a.c", "-o", "a.o"],
                 PWD=tree.work + way)
    assert p.returncode == 0 and "$PWD" in why_here(tree.text()), tree.text()
    assert "bytes of files" not in tree.text()
    log = tree.compare("gcc -g -MD -c a.c -o a.o", ["a.o", "a.d"])
    assert pumped(log), log


# ---- files that change -------------------------------------------------------

COMMAND = "gcc -g -MD -c a.c -o a.o"


def test_header_made_anew_during_the_build(tree):
    seen = set()
    for i in range(30):
        # the same size each time, and often the same tick of the clock
        tree.write("inc/a.h", HEADER.replace("hello", f"hel{i:02}"))
        assert pumped(tree.compare(COMMAND, ["a.o", "a.d"]))
        seen.add(tree.read("a.o"))
    assert len(seen) == 30


def test_header_that_appears_earlier_in_the_path(tree):
    tree.write("p.c", "#include <p.h>\nint p = P;\n")
    tree.write("second/p.h", "#define P 2\n")
    command = "gcc -Ifirst -Isecond -MD -c p.c -o p.o"
    tree.compare(command, ["p.o", "p.d"])
    before = tree.read("p.o")
    tree.write("first/p.h", "#define P 1\n")
    assert pumped(tree.compare(command, ["p.o", "p.d"]))
    assert tree.read("p.o") != before


def test_header_that_vanishes(tree):
    tree.compare(COMMAND, ["a.o", "a.d"])
    os.unlink(tree.work + "/inc/a.h")
    here = tree.outcome(["gcc", "-c", "a.c", "-o", "a.o"], ["a.o"])
    there = tree.outcome([tree.program, "gcc", "-c", "a.c", "-o", "a.o"],
                         ["a.o"], DISTCC_FALLBACK=1, DISTCC_VERBOSE=0)
    assert here[0] != 0 and there[0] == here[0] and here[2] in there[2]
    tree.write("inc/a.h", HEADER)
    assert pumped(tree.compare(COMMAND, ["a.o", "a.d"]))


def test_two_builds_with_different_options_at_once(tree):
    tree.write("d.c", '#include "inc/a.h"\n#ifdef MORE\n#include "more.h"\n'
               "#endif\nint d = VALUE;\n")
    tree.write("more.h", "#define MORE_OF_IT 1\n")
    commands = {f"d{i}": f"gcc -g -DVALUE={i} {'-DMORE' if i % 2 else ''} "
                f"-O{i % 3} -MD -c d.c -o d{i}.o" for i in range(8)}
    local = {}
    for name, command in commands.items():
        local[name] = tree.outcome(command.split(),
                                   [name + ".o", name + ".d"])
    results = {}

    def build(name):
        results[name] = tree.outcome([tree.program,
                                      *commands[name].split()],
                                     [name + ".o", name + ".d"])

    threads = [threading.Thread(target=build, args=(n,)) for n in commands]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == local, tree.text()
    assert not why_here(tree.text()), tree.text()


def scanner_pids(tree):
    """The scanners whose socket lies in this test's directory."""
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            exe = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if exe == os.path.realpath(SCAND):
            pids.append(int(pid))
    return pids


def test_scanner_killed_in_the_middle(tree):
    tree.compare(COMMAND, ["a.o", "a.d"])
    failures = []

    def build(n):
        for i in range(6):
            out = [f"k{n}.o"]
            r = tree.outcome([tree.program, "gcc", "-g", f"-DI={i}", "-c",
                              "a.c", "-o", f"k{n}.o"], out)
            if r[0] != 0 or r[-1] is None:
                failures.append(r)

    threads = [threading.Thread(target=build, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    killed = 0
    while any(t.is_alive() for t in threads):
        for pid in scanner_pids(tree):
            try:
                os.kill(pid, 9)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(0.03)
    for t in threads:
        t.join()
    assert not failures and killed > 0, tree.text()
    assert pumped(tree.compare(COMMAND, ["a.o", "a.d"]))


# ---- what is preprocessed here -----------------------------------------------

def test_compiler_that_shows_no_macros_is_quoted(tree):
    tree.write("bin/gcc", "#!/bin/sh\ncase \" $* \" in *-dM*)\n"
               "echo 'gcc: fatal error: out of order' >&2; exit 1;; esac\n"
               "exec /usr/bin/gcc \"$@\"\n")
    os.chmod(tree.work + "/bin/gcc", 0o755)
    path = f"{tree.work}/bin:{os.environ['PATH']}"
    p = tree.run([tree.program, "gcc", "-c", "a.c", "-o", "a.o"], PATH=path)
    assert p.returncode == 0, tree.text()
    assert why_here(tree.text()) == \
        "the compiler shows no macros: gcc: fatal error: out of order"
    p = tree.run([tree.program, "--scan-includes", "gcc", "-c", "a.c"],
                 PATH=path)
    assert p.returncode != 0 and tree.text().count("out of order") == 2
    # once, not by the daemon and then without it
    assert "scanning without it" not in tree.text()


@pytest.mark.parametrize("text, reason", [
    ("const char *t = __DATE__;\n", "__DATE__"),
    ("#define Q(x) #x\n#define S(x) Q(x)\n#include S(__COUNTER__.h)\n"
     "int i;\n", "computed"),
    ("__asm__(\".incbin \\\"\" NAME \"\\\"\");\n", "computed"),
])
def test_what_is_not_sure_is_preprocessed_here(tree, text, reason):
    tree.write("u.c", text)
    tree.write("0.h", "\n")
    tree.write("data", "x")
    # what only the assembler reads is compiled here in the end
    tree.run([tree.program, "gcc", '-DNAME="data"', "-c", "u.c", "-o",
              "u.o"], DISTCC_FALLBACK=1)
    assert tree.read("u.o"), tree.text()
    assert why_here(tree.text()) is not None and \
        reason in why_here(tree.text())
    stats = tree.run([tree.program, "--stats"]).stdout.decode()
    if "incbin" not in text:
        assert why_here(tree.text()).split(" in /")[0][:60] in stats


def test_host_without_cpp_gets_preprocessed_text(tree, daemon):
    tree.run([tree.program, "gcc", "-c", "a.c", "-o", "a.o"],
             DISTCC_HOSTS=daemon.hostspec + ",lzo")
    assert "completed ok" in tree.text() and not pumped(tree.text())


# ---- by hand -----------------------------------------------------------------

def test_scan_includes_prints_files_and_links(tree):
    link(tree, "inc", "lnk")
    tree.write("s.c", '#include "lnk/a.h"\n')
    p = tree.run([tree.program, "--scan-includes", "gcc", "-c", "s.c"])
    lines = p.stdout.decode().splitlines()
    assert p.returncode == 0, p.stderr
    assert f"FILE      {tree.work}/s.c" in lines
    assert f"FILE      {tree.work}/inc/a.h" in lines
    assert f"SYMLINK   {tree.work}/lnk" in lines
    assert "SYSTEMDIR /usr/include" in lines


def test_pump_runs_a_command_and_ends_the_scanner(tree):
    p = tree.run([PUMP, "sh", "-c", f"distcc {COMMAND}; "
                  "echo \"$INCLUDE_SERVER_PORT\"; test -S "
                  "\"$INCLUDE_SERVER_PORT\" && command -v distcc"])
    assert p.returncode == 0, p.stderr
    out = p.stdout.decode().splitlines()
    assert "in pump mode" in p.stdout.decode()
    assert os.path.realpath(out[-1]) == os.path.realpath(tree.program)
    assert pumped(tree.text())
    assert tree.run([SCAND, "--status"]).returncode != 0


def test_pump_startup_and_shutdown(tree):
    p = tree.run(["sh", "-c", f"eval \"$({PUMP} --startup)\" && "
                  f"test -S \"$INCLUDE_SERVER_PORT\" && distcc {COMMAND} && "
                  f"{SCAND} --status && {PUMP} --shutdown"])
    assert p.returncode == 0, p.stderr
    assert pumped(tree.text())
    assert tree.run([SCAND, "--status"]).returncode != 0


def test_pump_makes_the_directories_it_needs(tree):
    """as on the first day, and without a session's directory"""
    tree.env.pop("XDG_RUNTIME_DIR")
    p = tree.run([PUMP, "distcc", *COMMAND.split()],
                 DISTCC_DIR=os.path.join(tree.top, "new"))
    assert p.returncode == 0, p.stderr
    assert pumped(tree.text())


def test_pump_passes_the_commands_status_on(tree):
    assert tree.run([PUMP, "sh", "-c", "exit 7"]).returncode == 7


def test_pump_wants_a_host_with_cpp(tree, daemon):
    p = tree.run([PUMP, "true"], DISTCC_HOSTS=daemon.hostspec)
    assert p.returncode == 1 and b",cpp" in p.stderr


def test_pump_takes_the_hosts_that_answer(tree, daemon):
    lsdistcc = os.path.join(os.path.dirname(PUMP), "lsdistcc")
    assert os.access(lsdistcc, os.X_OK)
    p = tree.run([PUMP, "sh", "-c", "echo \"$DISTCC_HOSTS\""],
                 DISTCC_POTENTIAL_HOSTS="127.0.0.1 127.3.2.1",
                 LSDISTCC_ARGS=f"-r{daemon.port}")
    assert p.stdout.decode().splitlines()[-1] == \
        f"--randomize {daemon.hostspec},cpp,lzo", p.stderr


