#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""demo - the main job on one machine.

Two private daemons on loopback ports; this project's C files and a generated
C++ program are compiled through them, plain, compressed, and with the headers
sent in place of preprocessed text; every object is compared with a local one;
then a client that is not ours asks for /etc/passwd and must not get it.  Ends
what it starts.  The exit status is 0 only if all went as it should.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [TESTS, os.path.join(TESTS, "escape")]

JOBS = 4
CXX_FILES = 12
MODES = [("plain", ""), ("lzo", ",lzo")]
PROBLEMS = []


def problem(text):
    PROBLEMS.append(text)
    print(f"  PROBLEM: {text}")


def heading(text):
    print(f"\n== {text}", flush=True)


# --- source trees ----------------------------------------------------------

UNIT = """
#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <vector>
template <int N> struct step {{
	static long apply(long x) {{ return step<N - 1>::apply(x * N + 1); }}
}};
template <> struct step<0> {{ static long apply(long x) {{ return x; }} }};
long unit_{n}(long seed)
{{
	std::map<std::string, std::vector<long>> m;
	for (long i = 0; i < 50; i++)
		m[std::to_string((seed + i) % 9)].push_back(step<{n} + 3>::apply(i));
	long sum = 0;
	for (auto &[key, v] : m) {{
		std::sort(v.begin(), v.end());
		sum += std::accumulate(v.begin(), v.end(), long(key.size()));
	}}
	return sum % 1000003;
}}
"""


def make_cxx_tree(directory):
    names = []
    for n in range(CXX_FILES):
        names.append(f"unit{n}.cc")
        with open(f"{directory}/{names[-1]}", "w", encoding="ascii") as f:
            f.write(UNIT.format(n=n))
    names.append("main.cc")
    with open(f"{directory}/main.cc", "w", encoding="ascii") as f:
        f.write("#include <iostream>\n")
        f.writelines(f"long unit_{n}(long);\n" for n in range(CXX_FILES))
        f.write("int main() { long s = 1;\n")
        f.writelines(f"\ts = unit_{n}(s);\n" for n in range(CXX_FILES))
        f.write('\tstd::cout << s << "\\n"; }\n')
    return names


class Tree:
    def __init__(self, name, directory, files, command):
        self.name, self.directory = name, directory
        self.files, self.command = files, command

    def objects(self, out):
        return {f: os.path.join(out, f.replace("/", "_") + ".o")
                for f in self.files}

    def build(self, out, prefix, env):
        """Compile every file, JOBS at a time; seconds, list of failures."""
        os.makedirs(out)

        def one(item):
            source, target = item
            p = subprocess.run(
                [*prefix, *self.command, "-c", source, "-o", target],
                cwd=self.directory, env=env, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=300, check=False)
            return (source, p) if p.returncode else None

        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            failed = [f for f in pool.map(one, self.objects(out).items()) if f]
        for source, p in failed:
            problem(f"{source}: status {p.returncode}: {p.stderr[-600:]}")
        return time.monotonic() - begin


def own_sources(build, top):
    """The C files that make compiled for the programs, and its -D flags."""
    objects = glob.glob("**/*.o", root_dir=f"{build}/obj", recursive=True)
    files = sorted(o[:-2] + ".c" for o in objects
                   if not o.startswith("tests/") and
                   os.path.exists(f"{top}/{o[:-2]}.c"))
    with open(f"{build}/config", encoding="utf-8") as f:
        return files, [w for w in shlex.split(f.read()) if w.startswith("-D")]


def make_trees(build, top, scratch):
    # a copy, so that nobody edits it between two builds
    own = os.path.join(scratch, "own")
    files, defines = own_sources(build, top)
    for folder in {f.split("/")[0] for f in files}:
        shutil.copytree(os.path.join(top, folder), os.path.join(own, folder))
    cxx = os.path.join(scratch, "cxx")
    os.mkdir(cxx)
    return [
        Tree("distcc (C)", own, files,
             ["gcc", "-std=gnu17", "-O2", "-I.", "-D_GNU_SOURCE",
              '-DVERSION="demo"', *defines]),
        Tree("generated (C++)", cxx, make_cxx_tree(cxx),
             ["g++", "-std=c++17", "-O1"]),
    ]


# --- the run ---------------------------------------------------------------

def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def same_file(a, b):
    return read(a) == read(b) != b""


def check_pump(client):
    """All were sent with their headers, but for what cannot be; ends the scanner
    that found them."""
    reasons = re.findall("is preprocessed here: (.*)", client.log())
    odd = [r for r in reasons if "__DATE__" not in r and ".inc" not in r]
    if odd or client.log().count(" bytes of files: ") <= len(reasons):
        problem(f"{len(reasons)} jobs were preprocessed here: {odd[:5]}")
    if reasons:
        print(f"{'':18}{len(reasons)} of them preprocessed here, for they name "
              "__DATE__ or .incbin")
    subprocess.run([os.path.join(os.environ["DISTCC_BUILD"],
                                 "libexec/distcc-scand"), "--stop"],
                   env=client.env, check=False)


def compile_trees(harness, trees, daemons, scratch, modes):
    print(f"{'tree':18}{'mode':8}{'files':>6}{'remote':>8}{'local':>7}"
          f"{'same object':>13}{'seconds':>9}{'local s':>9}")
    for tree in trees:
        plain = os.path.join(scratch, f"local-{tree.name.split()[0]}")
        local_s = tree.build(plain, [], harness.clean_env())
        for mode, option in modes:
            where = os.path.join(scratch, f"{mode}-{tree.name.split()[0]}")
            hosts = " ".join(f"{d.hostspec}/{JOBS}{option}" for d in daemons)
            client = harness.Client(where + "-client", hosts=hosts,
                                    XDG_RUNTIME_DIR="")
            seconds = tree.build(where, [client.program], client.env)
            same = sum(same_file(a, b) for a, b in
                       zip(tree.objects(plain).values(),
                           tree.objects(where).values()))
            remote, total = client.remote_jobs(), len(tree.files)
            print(f"{tree.name:18}{mode:8}{total:6}{remote:8}"
                  f"{total - remote:7}{same:13}{seconds:9.1f}{local_s:9.1f}",
                  flush=True)
            if remote != total:
                problem(f"{total - remote} jobs were not remote: "
                        f"{client.log()[-1500:]}")
            if mode == "pump":
                check_pump(client)
            if same != total:
                problem(f"{total - same} objects differ from the local ones")
            if tree.command[0] == "g++":
                check_program(plain, where)


def check_program(*builds):
    """The C++ objects make a program, and it says the same."""
    said = set()
    for build in builds:
        exe = os.path.join(build, "program")
        try:
            subprocess.run(["g++", "-o", exe, *glob.glob(f"{build}/*.o")],
                           check=True, capture_output=True)
            said.add(subprocess.run([exe], check=True, capture_output=True,
                                    text=True).stdout)
        except subprocess.CalledProcessError as e:
            problem(f"{e}: {e.stderr}")
    if len(said) != 1:
        problem(f"the linked programs say different things: {said}")


def forbidden_read(harness, daemon, scratch):
    """A source that copies /etc/passwd into its object.  Our client compiles
    such a one here; whoever attacks writes a client of his own."""
    import wirekit  # pylint: disable=import-outside-toplevel
    source = '__asm__(".incbin \\"/etc/passwd\\"");\n'
    target = os.path.join(scratch, "here.o")
    here = subprocess.run(["gcc", "-c", "-x", "c", "-", "-o", target],
                          input=source, check=False, capture_output=True,
                          text=True)
    secret = b"root:"
    if here.returncode != 0 or secret not in read(target):
        problem("the local compile, the control, failed: " + here.stderr)
    there = wirekit.exchange(daemon.port, wirekit.plain_request(
        ["gcc", "-c", "steal.i", "-o", "steal.o"], source))
    if there.status in (0, None) or secret in there.all_bytes:
        problem(f"the server did not refuse: {there}")
    print("a source with .incbin \"/etc/passwd\":")
    print(f"    local:  status {here.returncode}, the file is in the object")
    print(f"    remote: status {there.status}, refused:")
    for line in there.text.strip().splitlines() or ["(no message)"]:
        print(f"        {line}")
    if "passwd" not in there.text:
        problem(f"the refusal does not name the file: {there}")


def show_sandbox(harness):
    text, is_strict = harness.missing_layers()
    print(text.rstrip())
    if is_strict:
        return [], [*MODES, ("pump", ",lzo,cpp")]
    print("\nNot every layer can be had here, so the daemons run with "
          "--sandbox=reduced, and preprocess nothing.")
    return ["--sandbox=reduced"], MODES


def run(harness, top, scratch):
    user = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}, not root"
    print(f"distcc demo: {harness.BUILD}, as {user}")
    heading("The sandbox's layers on this machine")
    args, modes = show_sandbox(harness)
    daemons = []
    try:
        for n in (1, 2):
            daemons.append(harness.Daemon(f"{scratch}/daemon{n}", args=args,
                                          jobs=JOBS))
            print(f"daemon {n} listens on {daemons[-1].hostspec}")
        heading(f"Compiling, {JOBS} at a time, through both daemons")
        compile_trees(harness, make_trees(harness.BUILD, top, scratch),
                      daemons, scratch, modes)
        heading("A forbidden read")
        forbidden_read(harness, daemons[0], scratch)
    finally:
        for n, daemon in enumerate(daemons, 1):
            status = daemon.stop()
            if status != 0:
                problem(f"daemon {n} ended with status {status}: "
                        f"{daemon.log()[-2000:]}")
    heading("Result")
    print("both daemons have ended")
    print(f"demo: {len(PROBLEMS)} PROBLEMS" if PROBLEMS else
          "demo: all as it should be")
    return 1 if PROBLEMS else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--keep", action="store_true",
                        help="leave the scratch directory")
    options = parser.parse_args()
    os.environ["DISTCC_BUILD"] = os.path.abspath(options.build)
    import harness  # pylint: disable=import-outside-toplevel
    top = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
    scratch = tempfile.mkdtemp(prefix="distcc-demo-")
    os.chmod(scratch, 0o755)
    try:
        return run(harness, top, scratch)
    finally:
        if options.keep:
            print(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
