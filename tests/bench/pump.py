#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pump - the client's processor time a file in pump mode, beside stock's.

The same files of a real tree, with the same options, through one daemon of ours,
in one run: stock plain, stock's pump (with the module that test_pump_stock.py
puts in the place of Debian's broken one), ours cold and ours warm.  What the
compilers use on the daemon's side is not counted.

As root, the clients are another user's, whom the sources should belong to.  A
root client's own files include the compiler's headers, and the daemon's compilers
open them, on this very machine, for each job: then their times are asked for
again, which is not so where the daemon is elsewhere.

--instructions: what clients, include server and scanner execute in user mode for
all the files together, by valgrind: the same in each run, and the same whatever
else the machine does.  The scanner's are those of tests/bench/scan, without
messages and confinement.

usage: pump.py --sources DIR [--only redis] [--limit 40] [--flags "-O0"]
               [--user nobody] [--instructions]
"""
import argparse
import concurrent.futures
import contextlib
import glob
import os
import pwd
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(HERE, "../integration")]
import harness  # noqa: E402
from test_pump_stock import EXTENSION  # noqa: E402
from test_pump_trees import MORE_SETS  # noqa: E402
from test_scan_trees import SOURCE_SETS, source_jobs  # noqa: E402

SCAN = os.path.join(harness.BUILD, "test/scan")
SCAND = os.path.join(harness.BUILD, "libexec/distcc-scand")
MODULE = "/usr/lib/python3/dist-packages/include_server"


@contextlib.contextmanager
def running_as(user):
    """What is started meanwhile is the user's; fork() costs more than the rest
    of what is measured, so this process takes the user's id itself."""
    was = os.getuid()
    os.setresuid(user, user, was)
    try:
        yield
    finally:
        os.setresuid(was, was, was)


def children_ms():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (r.ru_utime + r.ru_stime) * 1000


def process_ms(pid):
    """of a process with one thread, and of children that it has waited for"""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        own_ns = int(f.read().split()[0])
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        ticks = sum(map(int, f.read().rpartition(")")[2].split()[13:15]))
    return own_ns / 1e6 + ticks * 1000 / os.sysconf("SC_CLK_TCK")


def accepted(jobs):
    """The jobs that the compiler takes.  What it refuses costs each mode
    something else: ours asks the local compiler what is wrong."""
    def is_good(job):
        _, command, cwd = job
        return subprocess.run([*command, "-fsyntax-only"], cwd=cwd,
                              check=False, stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [j for j, good in zip(jobs, pool.map(is_good, jobs)) if good]


def scanners(user):
    """the include scanners that run here; other builds may have theirs"""
    out = subprocess.run(["pgrep", "-u", str(user), "-f",
                          "distcc-scand.*--listening"],
                         stdout=subprocess.PIPE, check=False).stdout
    return {int(pid) for pid in out.split()}


def compile_all(client, jobs, flags, env, temp):
    """milliseconds of the clients and what they waited for, for each file"""
    def one(n):
        _, command, cwd = jobs[n]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{temp}/u{n}.o")  # as in a fresh build
        return subprocess.run(
            [client, *command[:1], *flags, *command[1:], "-o",
             f"{temp}/u{n}.o"], cwd=cwd, env=env, check=False,
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    before = children_ms()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failed = sum(s != 0 for s in pool.map(one, range(len(jobs))))
    if failed:
        print(f"    {failed} files failed")
    return (children_ms() - before) / len(jobs)


def sent_kb(daemon, mark):
    """what the daemon received since, in kB"""
    return sum(int(n) for n in re.findall(r" in=(\d+) ", daemon.log()[mark:])
               ) / 1000


def stock_pump(temp):
    """stock's pump script with the working module, or None"""
    script = shutil.which("distcc-pump")
    if script is None or not os.path.isdir(MODULE):
        return None
    copy = shutil.copytree(MODULE, f"{temp}/include_server",
                           ignore=shutil.ignore_patterns("*.so"))
    with open(f"{copy}/distcc_pump_c_extensions.py", "w",
              encoding="ascii") as f:
        f.write(EXTENSION)
    with open(script, encoding="utf-8") as f:
        text = f.read().replace(MODULE + "/", copy + "/")
    with open(f"{temp}/pump", "w", encoding="utf-8") as f:
        f.write(text)
        os.fchmod(f.fileno(), 0o755)
    return f"{temp}/pump"


def under_valgrind(program, name, counts):
    """a program that runs the other one, and leaves its counts"""
    with open(name, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\nexec valgrind --tool=callgrind -q "
                f"--callgrind-out-file={counts}.%p {program} \"$@\"\n")
        os.fchmod(f.fileno(), 0o755)
    return name


def count_include_server(pump, temp):
    """Has the include server run by valgrind, without its limit of time."""
    under_valgrind("/usr/bin/python3", f"{temp}/python", f"{temp}/stock/ir")
    for name, old, new in (
            (pump, "PYTHON=/usr/bin/python3", f"PYTHON={temp}/python"),
            (f"{temp}/include_server/basics.py", "USER_TIME_QUOTA = 3.8",
             "USER_TIME_QUOTA = 10000")):
        with open(name, encoding="utf-8") as f:
            text = f.read()
        assert old in text, f"{name} is not as expected"
        with open(name, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))


def instructions_in(pattern):
    """of each process that left its counts there, the most first"""
    counts = []
    for path in glob.glob(pattern):
        with open(path, encoding="ascii", errors="replace") as f:
            counts.append(sum(map(int, re.findall(r"^summary: (\d+)",
                                                  f.read(), re.M))))
    return sorted(counts, reverse=True)


def scan_instructions(jobs, temp):
    """of a fresh scanner for all the jobs"""
    text = "".join("\t".join([cwd, shutil.which(command[0]), *command]) + "\n"
                   for _, command, cwd in jobs)
    subprocess.run(
        ["valgrind", "--tool=callgrind", "-q",
         "--toggle-collect=scan_command", "--toggle-collect=scan_learn",
         f"--callgrind-out-file={temp}/ours/ir", SCAN, "1", "0"],
        input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    return instructions_in(f"{temp}/ours/ir")[0]


def include_server(pump, env):
    """its variables, once it has started"""
    out = subprocess.run([pump, "--startup"], env=env, check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return dict(re.findall(r"(INCLUDE_SERVER_\w+)='?([^\s;']+)", out))


class Bench:
    def __init__(self, args, jobs, daemon, temp):
        self.args, self.jobs, self.daemon, self.temp = args, jobs, daemon, temp

    def make_dirs(self):
        for name in ("plain", "stock", "ours"):
            os.makedirs(f"{self.temp}/{name}", mode=0o700)
            os.chown(f"{self.temp}/{name}", self.args.user, -1)

    def env(self, name, options):
        return harness.clean_env(
            DISTCC_HOSTS=self.daemon.hostspec + options, HOME=self.temp,
            DISTCC_DIR=f"{self.temp}/{name}", DISTCC_FALLBACK=0,
            XDG_RUNTIME_DIR=f"{self.temp}/{name}", DISTCC_BACKOFF_PERIOD=0,
            DISTCC_LOCATION="/usr/bin")

    def row(self, name, client, env, helper=lambda: 0.0):
        mark, before = len(self.daemon.log()), helper()
        cpu = compile_all(client, self.jobs, self.args.flags.split(), env,
                          self.temp)
        extra = (helper() - before) / len(self.jobs)
        print(f"{name:14} {cpu:8.2f} {extra:8.2f} {cpu + extra:8.2f} ms a file"
              f"  {sent_kb(self.daemon, mark):9.0f} kB sent", flush=True)
        return cpu, extra

    def stock(self):
        self.row("stock, lzo", harness.STOCK_CLIENT, self.env("plain", ",lzo"))
        pump = stock_pump(self.temp)
        if pump is None:
            print("no stock pump (Debian package distcc-pump)")
            return None
        env = self.env("stock", ",cpp,lzo")
        before = children_ms()
        env.update(include_server(pump, env))
        started = (children_ms() - before) / len(self.jobs)
        pid = env["INCLUDE_SERVER_PID"]
        client, server = self.row("stock, pump", harness.STOCK_CLIENT, env,
                                  lambda: process_ms(pid))
        print(f"    and {started:.2f} ms a file to start the include server")
        subprocess.run([pump, "--shutdown"], env=env, check=False,
                       stdout=subprocess.DEVNULL)
        return client, server, started

    def ours(self):
        env = self.env("ours", ",cpp,lzo")

        others = scanners(self.args.user)

        def scanner():
            return sum(process_ms(pid) for pid in
                       scanners(self.args.user) - others)

        rows = [(name, *self.row("ours, " + name, harness.OUR_CLIENT, env,
                                 scanner)) for name in ("cold", "warm")]
        subprocess.run([SCAND, "--stop"], env=env, check=False)
        return rows


def client_instructions(bench, name, client, env):
    """of the clients alone, all together"""
    counts = f"{bench.temp}/{name}/client"
    bench.row(name, under_valgrind(client, f"{bench.temp}/{name}-client",
                                   counts), env)
    # a child has its parent's up to the fork: once too often, for whom forks
    return sum(instructions_in(counts + ".*"))


def print_instructions(bench):
    jobs, temp = bench.jobs, bench.temp
    pump = stock_pump(temp)
    env = bench.env("stock", ",cpp,lzo")
    count_include_server(pump, temp)
    env.update(include_server(pump, env))
    client = client_instructions(bench, "stock", harness.STOCK_CLIENT, env)
    subprocess.run([pump, "--shutdown"], env=env, check=False,
                   stdout=subprocess.DEVNULL)
    # the process that starts it, and itself, which has the first one's up to
    # the fork
    server = instructions_in(f"{temp}/stock/ir.*")[0]
    env = bench.env("ours", ",cpp,lzo")
    our_client = client_instructions(bench, "ours", harness.OUR_CLIENT, env)
    subprocess.run([SCAND, "--stop"], env=env, check=False)
    scanner = scan_instructions(jobs, temp)
    for name, n in (("stock's client", client), ("include server", server),
                    ("our client", our_client), ("scanner", scanner)):
        print(f"{name:16}{n / len(jobs) / 1e6:8.2f} million a file")
    print(f"scanner 1/{server / scanner:.0f} of the include server with its "
          "start, client and scanner "
          f"{(our_client + scanner) / (client + server):.3f}")


def print_ratios(stock, ours):
    """of what has to be done once, too: ours starts with the first file"""
    client, server, start = stock
    for name, cpu, scanner in ours:
        ours_sum, stocks = cpu + scanner, client + server
        print(f"{name}: scanner 1/{(server + start) / scanner:.1f} of the "
              f"include server (1/{server / scanner:.1f} without its start), "
              f"client and scanner {ours_sum / (stocks + start):.2f} "
              f"({ours_sum / stocks:.2f})")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--sources", required=True)
    ap.add_argument("--only", default="redis")
    ap.add_argument("--limit", type=int, default=40)
    ap.add_argument("--flags", default="-O0")
    ap.add_argument("--user", default="nobody" if os.getuid() == 0 else
                    os.getuid())
    ap.add_argument("--instructions", action="store_true")
    args = ap.parse_args()
    if isinstance(args.user, str):
        args.user = pwd.getpwnam(args.user).pw_uid
    entry, = [e for e in SOURCE_SETS + MORE_SETS if e[0] == args.only]
    jobs = accepted(source_jobs(entry, args.limit, args.sources,
                                lambda cc: cc))
    with tempfile.TemporaryDirectory() as temp, \
            harness.Daemon(temp + "/daemon") as daemon:
        os.chown(temp, args.user, -1)
        print(f"{args.only}: {len(jobs)} files, load average "
              f"{os.getloadavg()[0]:.1f}\n{'':14}   client  scanner      sum")
        bench = Bench(args, jobs, daemon, temp)
        bench.make_dirs()
        if args.instructions:
            with running_as(args.user):
                print_instructions(bench)
            return
        with running_as(args.user):
            stock = bench.stock()
            ours = bench.ours()
        if stock is not None:
            print_ratios(stock, ours)


if __name__ == "__main__":
    main()
