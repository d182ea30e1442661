# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines of every kind, through our daemon and stock's: what is remote
makes the files that the compiler alone makes, what is local says why."""
import os
import shutil
import subprocess

import pytest

import clientlib

CXX = """#include <string>
#include <vector>
std::string join(const std::vector<std::string> &v)
{
    std::string s;
    for (const auto &x : v) s += x;
    return s;
}
"""
MATHS = """#include "sum.h"
double dot(const double *a, const double *b, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}
int bits(unsigned x) { return __builtin_popcount(x); }
"""


@pytest.fixture(params=["ours", "stock"])
def daemon(request):
    return request.getfixturevalue(
        "our_daemon" if request.param == "ours" else "stock_daemon")


class Bench:
    """One command, first through distcc in an empty tree, then alone."""

    def __init__(self, tmp_path, host):
        self.client = clientlib.Client(tmp_path)
        self.host = host
        self.log = os.path.join(self.client.directory, "log")
        self.env = {}
        self.fill()

    def fill(self):
        write = self.client.write
        write("hello.c", clientlib.HELLO)
        write("hello.cc", CXX)
        write("sum.h", "double dot(const double *, const double *, int);\n")
        write("dir/maths.c", '#include "../sum.h"\n' + MATHS.split("\n", 1)[1])
        write("maths.c", MATHS)
        write("low.s", "\t.globl low\nlow:\n\tret\n")
        write("low2.S", "#define N low2\n\t.globl N\nN:\n\tret\n")
        os.makedirs(self.client.path("out"), exist_ok=True)

    def files(self):
        found = {}
        for top, _, names in os.walk(self.client.work):
            for name in names:
                path = os.path.join(top, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, self.client.work)] = \
                        file.read()
        return found

    def empty(self):
        shutil.rmtree(self.client.work)
        os.mkdir(self.client.work)
        self.fill()

    def distcc(self, *args, **env):
        if os.path.exists(self.log):
            os.unlink(self.log)
        return self.client.run(
            *args, hosts=self.host, DISTCC_LOG=self.log, DISTCC_VERBOSE=1,
            **{**self.env, **env})

    def text(self):
        with open(self.log) as file:
            return file.read()

    def both(self, *args, setup=None, **env):
        """(result, files, alone's result, alone's files)"""
        self.env.update(env)
        self.empty()
        if setup:
            setup(self.client)
        result = self.distcc(*args)
        remote = self.files()
        self.empty()
        if setup:
            setup(self.client)
        alone = subprocess.run(
            args, cwd=self.client.work, text=True, capture_output=True,
            env=self.client.environment(None, self.env), check=False)
        return result, remote, alone, self.files()

    def assert_remote(self, *args, **kwargs):
        result, remote, alone, local = self.both(*args, **kwargs)
        assert f"on {self.host} completed ok" in self.text(), self.text()
        assert (result.returncode, alone.returncode) == (0, 0)
        assert result.stderr == alone.stderr
        assert sorted(remote) == sorted(local)
        for name, data in local.items():
            assert remote[name] == data, f"{name} differs"

    def assert_local(self, reason, *args, is_same=True, **kwargs):
        result, remote, alone, local = self.both(*args, **kwargs)
        text = self.text()
        assert "runs locally: " in text and reason in text, text
        assert f"on {self.host}" not in text
        assert result.returncode == alone.returncode
        assert sorted(remote) == sorted(local)
        for name, data in local.items():
            assert not is_same or remote[name] == data, f"{name} differs"


@pytest.fixture
def bench(tmp_path, daemon):
    return Bench(tmp_path, daemon.hostspec + ",lzo")


# ---- native ----

def need(compiler):
    if not clientlib.has(compiler):
        pytest.skip(f"no {compiler}")


@pytest.mark.parametrize("command", [
    ["gcc", "-O3", "-march=native", "-c", "maths.c"],
    ["gcc", "-O3", "-mtune=native", "-c", "maths.c"],
    ["gcc", "-O2", "-march=native", "-mno-avx", "-c", "maths.c"],
    ["gcc", "-O2", "-m64", "-march=x86-64", "-mtune=native", "-c", "maths.c"],
    ["g++", "-O3", "-march=native", "-mtune=native", "-c", "hello.cc"],
    ["gcc", "-S", "-O3", "-march=native", "maths.c"],
    ["clang", "-O3", "-march=native", "-c", "maths.c"],
    ["clang", "-O3", "-mno-avx2", "-march=native", "-c", "maths.c"],
    ["clang++", "-O3", "-mtune=native", "-c", "hello.cc"],
])
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="words for x86")
def test_native(bench, command):
    need(command[0])
    bench.assert_remote(*command)
    # the second time nobody is asked
    count = len(os.listdir(os.path.join(bench.client.state, "native")))
    bench.assert_remote(*command)
    assert len(os.listdir(os.path.join(bench.client.state, "native"))) == count


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="words for x86")
def test_native_is_asked_once_and_again_of_another_compiler(bench):
    asked = os.path.join(bench.client.directory, "asked")
    links = os.path.join(bench.client.directory, "bin")
    os.mkdir(links)
    path = os.path.join(links, "gcc")

    def install(more):
        with open(path, "w") as out:
            out.write('#!/bin/sh\ncase " $* " in *" -### "*) echo x '
                      f">>{asked};; esac\n{more}\nexec /usr/bin/gcc \"$@\"\n")
        os.chmod(path, 0o755)

    def count():
        with open(asked) as file:
            return len(file.readlines())

    install("")
    bench.env["PATH"] = links + ":" + bench.client.env["PATH"]
    for _ in range(3):
        result = bench.distcc("gcc", "-march=native", "-c", "maths.c")
        assert result.returncode == 0 and bench.host in bench.text()
        assert count() == 2     # the question, and the check of the answer
    install("# another")
    assert bench.distcc("gcc", "-march=native", "-c",
                        "maths.c").returncode == 0
    assert count() == 4
    # a directory that cannot be used costs a question, not the job
    assert bench.distcc("gcc", "-march=native", "-c", "maths.c",
                        DISTCC_DIR="/proc/nowhere").returncode == 0
    assert count() == 6
    # what is kept and damaged is asked again
    kept = os.path.join(bench.client.state, "native")
    for name in os.listdir(kept):
        with open(os.path.join(kept, name), "r+") as file:
            file.truncate(os.path.getsize(os.path.join(kept, name)) - 7)
    assert bench.distcc("gcc", "-march=native", "-c",
                        "maths.c").returncode == 0
    assert count() == 8


def test_native_of_a_compiler_that_does_not_answer(bench):
    links = os.path.join(bench.client.directory, "bin")
    os.mkdir(links)
    with open(os.path.join(links, "gcc"), "w") as out:
        out.write('#!/bin/sh\ncase " $* " in *" -### "*) exit 1;; esac\n'
                  'exec /usr/bin/gcc "$@"\n')
    os.chmod(os.path.join(links, "gcc"), 0o755)
    bench.env["PATH"] = links + ":" + bench.client.env["PATH"]
    assert bench.distcc("gcc", "-march=native", "-c",
                        "maths.c").returncode == 0
    assert "-march=native needs this machine's processor" in bench.text()


# ---- @file ----

@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_response_file(bench, compiler):
    need(compiler)

    def setup(client):
        client.write("more", "-DNAME='\"a b\"' @inner\n")
        client.write("inner", "-O2 -I dir\n")
        client.write("what", "-c hello.c -o\nout/x.o")

    bench.assert_remote(compiler, "@more", "@what", setup=setup)


def test_response_file_that_stays(bench):
    def setup(client):
        client.write("more", "-DX='a\\b'\n")

    bench.assert_local("reads options from a file", "gcc", "@more", "-c",
                       "hello.c", setup=setup)
    bench.assert_local("-E does not make an object", "gcc", "@more",
                       "hello.c", "-o", "x.i",
                       setup=lambda client: client.write("more", "-E"))
    result = bench.distcc("gcc", "@nowhere", "-c", "hello.c")
    assert result.returncode == 1 and "nowhere" in result.stderr


# ---- dependency files ----

DEPS = [
    (["-MD"], {}), (["-MMD", "-MP"], {}),
    (["-MD", "-MF", "q.d"], {}), (["-MD", "-MFq.d", "-MTgoal"], {}),
    (["-MMD", "-MQ", "a$b", "-MT", "c$d"], {}),
    (["-Wp,-MD,w.d"], {}), (["-Wp,-MMD,w.d"], {}),
    (["-Wp,-MD,w.d,-MT,goal"], {}), (["-Wp,-MMD,w.d", "-MP"], {}),
    (["-MD", "-Wp,-MMD,w.d"], {}),
    ([], {"DEPENDENCIES_OUTPUT": "e.d"}),
    ([], {"DEPENDENCIES_OUTPUT": "e.d a goal"}),
    ([], {"SUNPRO_DEPENDENCIES": "s.d goal"}),
    ([], {"DEPENDENCIES_OUTPUT": "e.d", "SUNPRO_DEPENDENCIES": "s.d"}),
    (["-MD"], {"DEPENDENCIES_OUTPUT": "e.d goal"}),
]


@pytest.mark.parametrize("args,env", DEPS)
@pytest.mark.parametrize("output", [[], ["-o", "out/x.y.o"], ["-oout/x"]])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_dependency_files(bench, compiler, output, args, env):
    need(compiler)
    bench.assert_remote(compiler, *args, "-c", "dir/maths.c", *output, **env)


def test_dependency_variables_append_once(bench):
    """A host fails after the source was preprocessed: one rule all the same."""
    dead = f"127.0.0.1:{clientlib.free_port()}"
    bench.env["DEPENDENCIES_OUTPUT"] = "all.d"
    bench.client.write("all.d", "before: it\n")
    for hosts in (dead, f"{dead} {bench.host}", bench.host):
        result = bench.client.run(
            "gcc", "-c", "maths.c", hosts=hosts, DISTCC_BACKOFF_PERIOD=0,
            DISTCC_LOG=bench.log, DEPENDENCIES_OUTPUT="all.d")
        assert result.returncode == 0
    assert bench.client.read("all.d").decode() == \
        "before: it\n" + "maths.o: maths.c sum.h\n" * 3


# ---- files that the assembler reads ----

@pytest.mark.parametrize("text, fallback", [
    (r'.incbin \"hello.c\"', 1), (r'\n\t.incbin\t\"hello.c\"\n', 1),
    (r'.incbin \"hello.c\"', 0), (r'.include \"low.s\"', 1),
    (r'.incbin " "\"hello.c\"', 1), (r'.incbin" " \"hello.c\"', 1),
    (r'.INCBIN \"hello.c\"', 1), (r'.inc" "bin \"hello.c\"', 1),
    (r'.\151nclude \"low.s\"', 1),
])
def test_source_whose_assembler_reads_a_file_stays(bench, text, fallback):
    result, remote, alone, local = bench.both(
        "gcc", "-c", "asm.c", DISTCC_FALLBACK=fallback, setup=lambda client:
        client.write("asm.c", f'__asm__("{text}");\n'))
    assert "asm.c runs locally: its assembler reads a file" in bench.text()
    assert "Warning" not in bench.text()
    assert (result.returncode, result.stderr, remote) == \
        (0, alone.stderr, local)


@pytest.mark.parametrize("text", [
    'struct s { int include(const char *); int increase; };\n'
    'int f(s x) { return x.include("x") + x.increase; }\n',
    'const char *a = ".inc", *b = ".include", *c = ".include <x>.in";\n',
    'const char *a[] = {".incbin", "x"};\nint incbin;\n',
    'const char *a = ".incbin \\"x\\"", *b = "no .incbin\\n";\n',
    'void f() { asm("nop # .incbin\\n"); }\n',
])
def test_source_that_looks_like_it_is_sent(bench, text):
    bench.assert_remote("g++", "-c", "asm.cc",
                        setup=lambda client: client.write("asm.cc", text))


# ---- the rest ----

@pytest.mark.parametrize("args", [
    ["gcc", "-pipe", "-O2", "-c", "hello.c"],
    ["gcc", "-S", "hello.c"], ["gcc", "-S", "-o", "out/h.s", "hello.c"],
    ["clang", "-S", "hello.c"], ["g++", "-S", "-std=c++20", "hello.cc"],
    ["gcc", "-xc++", "-c", "hello.c"],
    ["gcc", "-c", "hello.c", "-ffunction-sections", "-fPIC", "-pthread"],
    ["gcc", "-c", "hello.c", "-Wa,--noexecstack"],
    ["gcc", "-c", "hello.c", "-lfoo", "-L/nowhere", "-Wl,-s"],
    ["gcc", "-c", "hello.c", "-frandom-seed=x", "-fno-common"],
    ["gcc", "-c", "hello.c", "-ffile-prefix-map=/a=/b"],
    ["clang", "-c", "hello.c", "-Xclang", "-fmerge-functions"],
])
def test_remote(bench, args):
    need(args[0])
    bench.assert_remote(*args)


@pytest.mark.parametrize("reason,args", [
    ("-E does not make", ["gcc", "-E", "hello.c"]),
    ("neither -c nor -S", ["gcc", "hello.c", "-o", "prog", "-shared",
                           "-fPIC"]),
    ("more than one source", ["gcc", "-c", "hello.c", "maths.c"]),
    ("no C, C++", ["gcc", "-c", "low.s"]),
    ("no C, C++", ["gcc", "-c", "low2.S"]),
    ("not a language", ["gcc", "-x", "assembler", "-c", "low.s"]),
    ("-gsplit-dwarf writes side files",
     ["gcc", "-g", "-gsplit-dwarf", "-c", "hello.c"]),
    ("-save-temps writes side files",
     ["gcc", "-save-temps", "-c", "hello.c"]),
    ("--coverage writes side files", ["gcc", "--coverage", "-c", "hello.c"]),
    ("-ftest-coverage writes side", ["gcc", "-ftest-coverage",
                                     "-fprofile-arcs", "-c", "hello.c"]),
    ("-fprofile-arcs ties", ["gcc", "-fprofile-arcs", "-c", "hello.c"]),
    ("-fprofile-generate ties", ["gcc", "-fprofile-generate", "-c",
                                 "hello.c"]),
    ("-fprofile-use reads", ["gcc", "-fprofile-use", "-Wno-missing-profile",
                             "-c", "hello.c"]),
    ("-fstack-usage writes", ["gcc", "-fstack-usage", "-c", "hello.c"]),
    ("-fcallgraph-info writes", ["gcc", "-fcallgraph-info", "-c",
                                 "hello.c"]),
    ("-fdump-tree-optimized writes", ["gcc", "-fdump-tree-optimized", "-c",
                                      "hello.c"]),
    ("-aux-info writes", ["gcc", "-aux-info", "aux", "-c", "hello.c"]),
    ("-MJ writes", ["clang", "-MJ", "db.json", "-c", "hello.c"]),
    ("-fplugin=nowhere.so runs", ["gcc", "-fplugin=nowhere.so", "-c",
                                  "hello.c"]),
    ("-specs=nowhere runs", ["gcc", "-specs=nowhere", "-c", "hello.c"]),
    ("is no C, C++", ["gcc", "-c", "sum.h"]),
    ("-fmodules-ts needs module files",
     ["g++", "-std=c++20", "-fmodules-ts", "-c", "hello.cc"]),
    ("-ftime-trace writes", ["clang", "-ftime-trace", "-c", "hello.c"]),
    ("an assembly listing", ["gcc", "-Wa,-adhln=x.lst", "-c", "hello.c"]),
])
def test_local(bench, reason, args):
    need(args[0])
    if reason == "an assembly listing":
        reason = "is not on the list of options that may be handed on"
    # two runs of the compiler alone differ, too: times, stamps, addresses
    is_same = not {"-ftime-trace", "--coverage", "-fprofile-arcs",
                   "-fprofile-generate", "sum.h"} & set(args)
    bench.assert_local(reason, *args, is_same=is_same)


def test_precompiled_header(bench):
    """It is made here; a source that includes it is preprocessed from the
    header's text and compiled there, to the same object."""
    def setup(client):
        assert client.local("gcc", "-O2", "sum.h").returncode == 0

    bench.assert_remote("gcc", "-O2", "-include", "sum.h", "-c", "maths.c",
                        setup=lambda client: None)
    bench.env.clear()
    bench.empty()
    setup(bench.client)
    assert bench.client.exists("sum.h.gch")
    result = bench.distcc("gcc", "-O2", "-include", "sum.h", "-c", "maths.c")
    assert (result.returncode, result.stderr) == (0, "")
    made = bench.client.read("maths.o")
    assert bench.client.local("gcc", "-O2", "-include", "sum.h", "-c",
                              "maths.c").returncode == 0
    assert bench.client.read("maths.o") == made


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("lto", ["-flto", "-flto=auto", "-flto=thin",
                                 "-ffat-lto-objects"])
def test_lto_objects_link(bench, compiler, lto):
    need(compiler)
    if (compiler == "gcc") == (lto == "-flto=thin") or \
            (compiler == "clang" and lto != "-flto" and lto != "-flto=thin"):
        pytest.skip(f"{compiler} has no {lto}")
    if compiler == "clang" and not clientlib.has("ld.lld"):
        pytest.skip("no lld")
    flags = ["-O2", lto] if lto != "-ffat-lto-objects" else \
        ["-O2", "-flto", lto]
    bench.client.write("main.c", "double dot(const double *, const double *,"
                       " int);\nint main(void) { double a[] = { 1, 2 };"
                       " return dot(a, a, 2) == 5 ? 0 : 1; }\n")
    for name in ("main.c", "maths.c"):
        result = bench.distcc(compiler, *flags, "-c", name)
        assert (result.returncode, result.stderr) == (0, "")
        if "hung up on" in bench.text():    # stock's, on gcc's LTO
            assert "on localhost completed ok" in bench.text()
            assert not [n for n in bench.client.locks() if "backoff" in n]
        else:
            assert f"on {bench.host} completed ok" in bench.text()
    link = bench.client.local(
        compiler, *flags, *(["-fuse-ld=lld"] if compiler == "clang" else []),
        "main.o", "maths.o", "-o", "prog")
    assert link.returncode == 0, link.stderr
    assert subprocess.run([bench.client.path("prog")],
                          check=False).returncode == 0


def test_profile_use_finds_its_data(bench):
    main = "int main(void) { return 0; }\n"
    bench.client.write("main.c", main)
    for args in (["-fprofile-generate", "-c", "main.c"],
                 ["-fprofile-generate", "main.o", "-o", "prog"]):
        assert bench.distcc("gcc", "-O2", *args).returncode == 0
    subprocess.run([bench.client.path("prog")], cwd=bench.client.work,
                   check=True)
    assert bench.client.exists("main.gcda")
    result = bench.distcc("gcc", "-O2", "-fprofile-use", "-Wmissing-profile",
                          "-Werror", "-c", "main.c")
    assert (result.returncode, result.stderr) == (0, "")
