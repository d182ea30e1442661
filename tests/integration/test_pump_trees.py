#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pump mode over real source trees: objects, dependency files and messages of
our daemons, compared with local compiles byte for byte.

Run by hand with the trees of test_scan_trees.py; as a test, a few units.

usage: test_pump_trees.py --sources DIR [--limit N] [--only NAME]
                          [--compiler gcc|clang] [--flags "-g -O2"]
exit status: 0 passed, 1 failed, 77 nothing to test here
"""
import argparse
import concurrent.futures
import glob
import os
import re
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                ".."))
import harness  # noqa: E402
from pumplib import pumped, why_here  # noqa: E402
from test_scan_trees import SKIPPED, SOURCE_SETS, source_jobs  # noqa: E402

MORE_SETS = [
    ("zlib", "gcc", ["*.c", "contrib/minizip/*.c"], ["-I."], []),
    ("lua5.4", "gcc", ["src/*.c"], ["-DLUA_COMPAT_5_3", "-DLUA_USE_LINUX"],
     []),
    ("tinyxml2", "g++", ["*.cpp"], [], []),
    ("snappy", "g++", ["*.cc"], ["-I."], []),
]


class Tally:
    def __init__(self, name):
        self.name = name
        self.units = self.refused = self.pumped = 0
        self.differ, self.reasons = [], {}

    def add(self, unit, result, reason):
        if result == "refused":
            self.refused += 1
            return
        self.units += 1
        if reason is None:
            self.pumped += 1
        else:
            reason = re.sub(r"127\.0\.0\.1:\d+\S*", "HOST", reason)
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if result:
            self.differ.append((unit, result))


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return None


def compile_one(argv, cwd, env, out, log=None):
    """(status, object, dependencies, messages)"""
    for name in (out + ".o", out + ".d"):
        if os.path.exists(name):
            os.unlink(name)
    full = dict(env, DISTCC_LOG=log) if log else env
    p = subprocess.run(argv, cwd=cwd, env=full, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=600, check=False)
    return p.returncode, read(out + ".o"), read(out + ".d"), p.stderr


def compare(job, flags, env, temp, number):
    """("refused", None), or (what differs, why it was not pumped or None)"""
    unit, command, cwd = job
    out = os.path.join(temp, f"u{number}")
    log = out + ".log"
    command = [*command[:1], *flags, "-MD", *command[1:], "-o", out + ".o"]
    local = compile_one(command, cwd, env, out)
    if local[0] != 0:
        return "refused", None
    remote = compile_one([harness.OUR_CLIENT, *command], cwd, env, out, log)
    text = (read(log) or b"").decode(errors="replace")
    os.unlink(log)
    reason = why_here(text)
    for line in re.findall(r".* failed for .*", text):
        print(f"{unit}: {line}", flush=True)
    names = ["status", "object", "dependencies", "messages"]
    differ = [n for n, a, b in zip(names, local, remote) if a != b]
    if reason:  # what is preprocessed first is another test's matter
        differ = []
    elif differ:
        sys.stdout.write(f"{unit}: {differ}\n{text}\n")
    return " ".join(differ), None if pumped(text) else reason or "failed there"


def measure(entry, args, env, temp):
    def compiler(cc):
        if args.compiler == "clang":
            return {"gcc": "clang", "g++": "clang++"}[cc]
        return cc

    jobs = source_jobs(entry, args.limit, args.sources, compiler)
    tally = Tally(entry[0])
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = pool.map(lambda n: compare(jobs[n], args.flags.split(), env,
                                             temp, n), range(len(jobs)))
        for job, result in zip(jobs, results):
            tally.add(job[0], *result)
    return tally


def report(t):
    print(f"{t.name:12} units {t.units:5}  pumped {t.pumped:5}  refused by "
          f"the compiler {t.refused:4}  differ {len(t.differ)}", flush=True)
    for reason, n in sorted(t.reasons.items(), key=lambda r: -r[1])[:5]:
        print(f"    {n:4} here: {reason}")
    for unit, what in t.differ[:5]:
        print(f"    DIFFERS {unit}: {what}")


def run(args, daemon_args=()):
    entries = [e for e in SOURCE_SETS + MORE_SETS
               if not args.only or e[0] in args.only.split(",")]
    if not args.sources or not any(
            glob.glob(os.path.join(args.sources, e[0] + "-*"))
            for e in entries):
        print("skipped: no source trees")
        return SKIPPED
    with tempfile.TemporaryDirectory() as temp, \
            harness.Daemon(temp + "/a", args=daemon_args) as one, \
            harness.Daemon(temp + "/b", args=daemon_args) as two:
        env = harness.clean_env(
            DISTCC_HOSTS=f"{one.hostspec},lzo,cpp {two.hostspec},lzo,cpp",
            DISTCC_DIR=temp + "/state", HOME=temp, DISTCC_FALLBACK=0,
            DISTCC_VERBOSE=1, XDG_RUNTIME_DIR=temp,
            DISTCC_BACKOFF_PERIOD=1)
        tallies = []
        for entry in entries:
            tallies.append(measure(entry, args, env, temp))
            if tallies[-1].units:
                report(tallies[-1])
        scand = os.path.join(harness.BUILD, "libexec/distcc-scand")
        subprocess.run([scand, "--stop"], env=env, check=False)
        if args.logs:
            print(one.log()[-args.logs:], two.log()[-args.logs:])
    units = sum(t.units for t in tallies)
    bad = sum(len(t.differ) for t in tallies)
    print(f"{units} units, {sum(t.pumped for t in tallies)} pumped, "
          f"{bad} differ; compilers and clients used "
          f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:.0f} s")
    return SKIPPED if units == 0 else 1 if bad else 0


def parser():
    ap = argparse.ArgumentParser()
    ap.add_argument("--sources", default=os.environ.get("SCAN_SOURCES"))
    ap.add_argument("--limit", type=int, default=25)
    ap.add_argument("--only")
    ap.add_argument("--compiler", choices=["gcc", "clang"], default="gcc")
    ap.add_argument("--flags", default="-g -O2")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--daemon-args", default="")
    ap.add_argument("--logs", type=int, default=0,
                    help="bytes of the daemons' logs to print")
    return ap


def test_trees(sandbox_args):
    import pytest  # not needed by hand
    if sandbox_args:
        pytest.skip("pump mode needs a full jail")
    status = run(parser().parse_args(["--limit", "3", "--flags", "-g -O0"]))
    if status == SKIPPED:
        pytest.skip("no source trees (SCAN_SOURCES=DIR)")
    assert status == 0


if __name__ == "__main__":
    options = parser().parse_args()
    sys.exit(run(options, options.daemon_args.split()))
