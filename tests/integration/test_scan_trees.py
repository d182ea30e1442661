#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The include scanner against the compilers' own word, over real code.

For each translation unit the scanner's files must contain all that
`gcc -M` (g++, clang, clang++) names, and be at most 1.5 times as many.
Units are installed headers, each included by a source of its own, and the
sources of unpacked trees.

As a test (pytest) a few units of each set; by hand as many as wanted.

usage: test_scan_trees.py [--scand PATH] [--limit N] [--sources DIR]
                          [--fetch] [--only NAME] [--compiler CC]

--limit N    at most N units of each set, spread over it; 0: all (default 25)
--sources    a directory with unpacked source packages (git-*, redis-* …);
             --fetch fills it by `apt-get source`
exit status: 0 passed, 1 failed, 77 nothing to test here
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77

# Sets of installed headers: name, compiler, where, options.
HEADER_SETS = [
    ("glibc", "gcc", "/usr/include/*.h", []),
    ("linux", "gcc", "/usr/include/linux/*.h", []),
    ("c++", "g++", "/usr/include/c++/[0-9]*/[a-z]*", ["-std=c++20"]),
    ("c++98", "g++", "/usr/include/c++/[0-9]*/[a-z]*", ["-std=c++98"]),
    ("boost", "g++", "/usr/include/boost/*.hpp", []),
    ("boost/*", "g++", "/usr/include/boost/*/*.hpp", ["-std=c++14"]),
    ("mpl", "g++", "/usr/include/boost/mpl/*.hpp",
     ["-DBOOST_MPL_CFG_NO_PREPROCESSED_HEADERS"]),
    ("llvm", "g++", "/usr/include/llvm-[0-9]*/llvm/*/*.h",
     ["-I/usr/include/llvm-14", "-I/usr/include/llvm-c-14"]),
    ("freetype", "gcc", "/usr/include/freetype2/freetype/*.h",
     ["-I/usr/include/freetype2"]),
    ("python", "gcc", "/usr/include/python3*/*.h",
     ["-I/usr/include/python3.11", "-include", "Python.h"]),
    ("openssl", "gcc", "/usr/include/openssl/*.h", []),
    ("unicode", "g++", "/usr/include/unicode/*.h", []),
    ("X11", "gcc", "/usr/include/X11/*.h", ["-include", "X11/Xlib.h"]),
]

# Unpacked trees: package, compiler, sources, options, targets to make first.
SOURCE_SETS = [
    ("git", "gcc", ["*.c", "builtin/*.c", "refs/*.c", "xdiff/*.c"],
     ["-I.", "-DSHA1_DC", "-DSHA256_BLK", "-DGIT_HOST_CPU=\"x\"",
      "-DHAVE_PATHS_H", "-DNO_GETTEXT", "-DETC_GITCONFIG=\"x\""],
     ["command-list.h", "config-list.h", "hook-list.h"]),
    ("redis", "gcc", ["src/*.c", "deps/lua/src/*.c", "deps/hiredis/*.c"],
     ["-Isrc", "-Ideps/hiredis", "-Ideps/lua/src", "-Ideps/linenoise",
      "-Ideps/hdr_histogram"], []),
    ("re2", "g++", ["re2/*.cc", "util/*.cc", "re2/testing/*.cc"],
     ["-I.", "-pthread"], []),
    ("protobuf", "g++", ["src/google/protobuf/*.cc",
                         "src/google/protobuf/compiler/*/*.cc"],
     ["-Isrc", "-DHAVE_PTHREAD", "-O2"], []),
    ("fmtlib", "g++", ["src/*.cc", "test/*.cc"],
     ["-Iinclude", "-std=c++17"], []),
    ("ledger", "g++", ["src/*.cc", "test/unit/*.cc"],
     ["-Isrc", "-Ilib", "-std=c++17", "-I/usr/include/python3.11"], []),
    ("snappy", "g++", ["*.cc"], ["-I."], []),
    ("tinyxml2", "g++", ["*.cpp"], [], []),
    ("lua5.4", "gcc", ["src/*.c"], ["-DLUA_USE_LINUX"], []),
    ("zlib", "gcc", ["*.c", "contrib/*/*.c", "test/*.c"], ["-I."], []),
    ("bpftrace", "g++", ["src/*.cpp", "src/*/*.cpp"],
     ["-Isrc", "-Isrc/ast", "-std=c++17", "-I/usr/include/llvm-14",
      "-DLIBBCC_ATTACH_KPROBE_SIX_ARGS_SIGNATURE"], []),
    ("freetype", "gcc", ["src/*/*.c"],
     ["-Iinclude", "-DFT2_BUILD_LIBRARY",
      "-DFT_CONFIG_MODULES_H=<freetype/config/ftmodule.h>"], []),
]


def spread(items, limit):
    """At most `limit` of the items, evenly spread."""
    if limit <= 0 or len(items) <= limit:
        return items
    step = len(items) / limit
    return [items[int(i * step)] for i in range(limit)]


def words_of_rule(text):
    """The prerequisites in make's rule, unquoted."""
    text = text.split(":", 1)[1].replace("\\\n", " ")
    words = re.findall(r"(?:\\.|[^\s\\])+", text)
    return [re.sub(r"\\(.)", r"\1", w).replace("$$", "$") for w in words]


def named_by_compiler(command, cwd):
    """Real paths that -M names, or None if the compiler refuses."""
    run = subprocess.run(command[:1] + ["-M"] + command[1:], cwd=cwd,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if run.returncode != 0:
        return None
    names = words_of_rule(os.fsdecode(run.stdout))
    return {os.path.realpath(os.path.join(cwd, n)) for n in names}


def named_by_scanner(scand, command, cwd):
    """(paths, None) or (None, why)."""
    run = subprocess.run([scand, "--print", "--all", "--daemon", "--"] +
                         command, cwd=cwd, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    if run.returncode != 0:
        return None, os.fsdecode(run.stderr).strip() or str(run.returncode)
    lines = os.fsdecode(run.stdout).split("\n")
    return {ln[10:] for ln in lines if ln.startswith("FILE ")}, None


class Tally:
    def __init__(self, name):
        self.name = name
        self.units = self.refused = 0
        self.named = self.found = 0
        self.worst = 0.0
        self.missing, self.unsure = [], []

    def add(self, unit, named, found, why):
        if named is None:
            self.refused += 1
            return
        self.units += 1
        if found is None:
            self.unsure.append((unit, why))
            return
        lost = named - found
        if lost:
            self.missing.append((unit, sorted(lost)))
        self.named += len(named)
        self.found += len(found)
        self.worst = max(self.worst, len(found) / len(named))

    def line(self):
        ratio = self.found / self.named if self.named else 0
        return "%-18s %6d %8d %8d %9d %8d %7d %7.3f %7.3f" % (
            self.name, self.units, self.refused, len(self.unsure),
            self.named, self.found, len(self.missing), ratio, self.worst)


def measure(scand, pool, name, jobs):
    tally = Tally(name)

    def one(job):
        unit, command, cwd = job
        named = named_by_compiler(command, cwd)
        if named is None:
            return unit, None, None, None
        found, why = named_by_scanner(scand, command, cwd)
        return unit, named, found, why

    for result in pool.map(one, jobs):
        tally.add(*result)
    return tally


def header_jobs(entry, limit, temp, compiler):
    name, cc, pattern, options = entry
    ext = ".cc" if cc == "g++" else ".c"
    jobs = []
    headers = [h for h in sorted(glob.glob(pattern)) if os.path.isfile(h)]
    for i, header in enumerate(spread(headers, limit)):
        source = os.path.join(temp, "%s-%d%s" % (
            re.sub(r"\W", "_", name), i, ext))
        with open(source, "w") as f:
            f.write('#include "%s"\n' % header)
        jobs.append((header, [compiler(cc)] + options + ["-c", source], temp))
    return jobs


def source_jobs(entry, limit, sources, compiler):
    name, cc, patterns, options, targets = entry
    trees = [t for t in glob.glob(os.path.join(sources, name + "-*"))
             if os.path.isdir(t)] if sources else []
    if not trees:
        return []
    tree = sorted(trees)[0]
    missing = [t for t in targets
               if not os.path.exists(os.path.join(tree, t))]
    if missing:
        subprocess.run(["make", "-s"] + missing, cwd=tree,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    units = []
    for p in patterns:
        units += sorted(glob.glob(p, root_dir=tree))
    return [(u, [compiler(cc)] + options + ["-c", u], tree)
            for u in spread(units, limit)]


def fetch(sources):
    """Source packages by apt-get, with lists of our own; False if it can't."""
    # the list of sources beside the lists: apt-get clears what it does not know
    config = os.path.join(sources, "apt")
    lists = os.path.join(config, "lists")
    os.makedirs(os.path.join(lists, "partial"), exist_ok=True)
    release = ""
    with open("/etc/os-release") as f:
        for line in f:
            if line.startswith("VERSION_CODENAME="):
                release = line.split("=")[1].strip().strip('"')
    with open(os.path.join(config, "sources.list"), "w") as f:
        f.write("deb-src http://deb.debian.org/debian %s main\n" % release)
    apt = ["apt-get", "-qq",
           "-o", "Dir::Etc::sourcelist=%s/sources.list" % config,
           "-o", "Dir::Etc::sourceparts=/dev/null",
           "-o", "Dir::State::lists=%s" % lists]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run(apt + ["update"], **quiet).returncode != 0:
        return False
    for name, *_ in SOURCE_SETS:
        if not glob.glob(os.path.join(sources, name + "-*")):
            subprocess.run(apt + ["source", name], cwd=sources, **quiet)
    return True


def report(tallies):
    print("%-18s %6s %8s %8s %9s %8s %7s %7s %7s" % (
        "set", "units", "refused", "unsure", "compiler", "scanner",
        "missing", "ratio", "worst"))
    failed = False
    for t in tallies:
        print(t.line())
        for unit, lost in t.missing[:5]:
            print("    MISSING in %s: %s" % (unit, " ".join(lost[:4])))
        for unit, why in t.unsure[:5]:
            print("    unsure of %s: %s" % (unit, why))
        too_many = t.named and t.found > 1.5 * t.named
        # the scanner may give up where the compiler does not, but seldom
        gives_up = len(t.unsure) > max(1, t.units // 20)
        failed |= bool(t.missing) or bool(too_many) or gives_up
    return failed


def default_scand():
    build = os.environ.get("DISTCC_BUILD", os.path.join(HERE, "../../build"))
    return os.environ.get("DISTCC_SCAND",
                          os.path.join(build, "libexec/distcc-scand"))


def measure_sets(scand, args, temp, pool):
    def compiler(cc):
        if args.compiler == "clang":
            return {"gcc": "clang", "g++": "clang++"}[cc]
        return cc

    for entry, is_tree in [(e, False) for e in HEADER_SETS] + \
            [(e, True) for e in SOURCE_SETS]:
        name = entry[0] + (" (tree)" if is_tree else "")
        if args.only and args.only not in name:
            continue
        if shutil.which(compiler(entry[1])) is None:
            print("skipped %s: no %s" % (name, compiler(entry[1])))
            continue
        jobs = source_jobs(entry, args.limit, args.sources, compiler) \
            if is_tree else header_jobs(entry, args.limit, temp, compiler)
        if not jobs:
            print("skipped %s: not here" % name)
            continue
        yield measure(scand, pool, name, jobs)


def run(args):
    scand = os.path.abspath(args.scand)
    if not os.access(scand, os.X_OK):
        print("skipped: no %s" % scand)
        return SKIPPED
    if args.fetch and args.sources:
        os.makedirs(args.sources, exist_ok=True)
        if not fetch(args.sources):
            print("skipped source trees: apt-get source does not work")
    saved = os.environ.get("XDG_RUNTIME_DIR")
    with tempfile.TemporaryDirectory() as temp, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        os.environ["XDG_RUNTIME_DIR"] = temp
        tallies = list(measure_sets(scand, args, temp, pool))
        subprocess.run([scand, "--stop"], stderr=subprocess.DEVNULL)
    os.environ.pop("XDG_RUNTIME_DIR")
    if saved is not None:
        os.environ["XDG_RUNTIME_DIR"] = saved
    # where every unit was refused nothing has been compared
    if not any(t.units for t in tallies):
        print("skipped: nothing to compare with")
        return SKIPPED
    return 1 if report(tallies) else 0


def parser():
    ap = argparse.ArgumentParser()
    ap.add_argument("--scand", default=default_scand())
    ap.add_argument("--limit", type=int, default=25)
    ap.add_argument("--sources", default=os.environ.get("SCAN_SOURCES"))
    ap.add_argument("--fetch", action="store_true")
    ap.add_argument("--only")
    ap.add_argument("--compiler", choices=["gcc", "clang"], default="gcc")
    return ap


def test_installed_headers():
    import pytest  # not needed by hand
    status = run(parser().parse_args(["--limit", "5"]))
    if status == SKIPPED:
        pytest.skip("no distcc-scand, or no headers to try it on")
    assert status == 0


if __name__ == "__main__":
    sys.exit(run(parser().parse_args()))
